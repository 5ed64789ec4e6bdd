import { request } from 'undici'

/**
 * Has all that these workers ask for answered with nothing. The end of a task is answered with the next one, and counts at /health
 * (`served`) once it is answered.
 */
export async function endAsks(master: string, workers: readonly string[]): Promise<void> {
  for (const worker of workers) {
    const { instance } = (await (await request(`${worker}/health`)).body.json()) as { instance: string }
    await (await request(`${master}/endAsks?worker=${instance}`, { method: 'POST' })).body.dump()
  }
}
