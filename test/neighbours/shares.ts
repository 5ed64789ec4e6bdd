import { request } from 'undici'

/** What an instance says of its work at /health. */
export interface Health {
  readonly served: Readonly<Record<string, number>>
  readonly ended?: number
}

export async function healthOf(url: string): Promise<Health> {
  return (await (await request(`${url}/health`)).body.json()) as Health
}

/** How much of `work` each instance did, in the sense of `count`, in the order of their addresses. */
export async function sharesOf(
  urls: readonly string[],
  count: (health: Health) => number,
  work: () => Promise<void>,
): Promise<number[]> {
  const look = () => Promise.all(urls.map(async url => count(await healthOf(url))))
  const before = await look()
  await work()
  return (await look()).map((value, i) => value - (before[i] ?? 0))
}
