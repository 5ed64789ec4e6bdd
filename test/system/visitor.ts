import { FormData, request } from 'undici'
import { notReady, ready } from '../../frontend/contract.ts'
import { waitFor } from './waiting.ts'

/** What a visitor does at the frontend, and what he is told. */
export interface Answer {
  readonly status: number
  readonly text: string
  /** When a refused one may come back, in seconds. */
  readonly retryAfter?: number | undefined
}

/** Uploads an image through the form; as a Blob it is not copied. `id` stands only in an answer that accepted it. */
export async function upload(
  url: string,
  image: Uint8Array | Blob,
): Promise<Answer & { readonly id?: string }> {
  const form = new FormData()
  form.set('uploadfile', image instanceof Blob ? image : new Blob([new Uint8Array(image)]), 'image.png')
  const answer = await request(`${url}/submitTask`, { method: 'POST', body: form })
  const status = answer.statusCode
  const text = await answer.body.text()
  if (status === 200 && /^[0-9]+$/.test(text.trim())) return { status, text, id: text.trim() }
  const after = answer.headers['retry-after']
  return { status, text, retryAfter: after === undefined ? undefined : Number(after) }
}

/** Asks until the task has ended: `ready`, or the reason why it failed. Rejects when that takes longer than `timeoutMs`. */
export function waitUntilDone(
  url: string,
  id: string,
  timeoutMs = 60_000,
): Promise<'ready' | { readonly failed: string }> {
  const look = async () => {
    const { status, text } = await ask(url, id)
    if (status === 422) return { failed: text }
    if (status === 200 && text === ready) return 'ready' as const
    if ((status === 200 && text === notReady) || status >= 500) return undefined
    throw new Error(`task ${id}: /isReady answered ${status}: ${text}`)
  }
  return waitFor(`task ${id} done`, look, timeoutMs)
}

/** A service that is away at this moment counts as 503: it may be back. */
async function ask(url: string, id: string): Promise<Answer> {
  try {
    const { statusCode, body } = await request(`${url}/isReady?id=${id}`)
    return { status: statusCode, text: (await body.text()).trim() }
  } catch (error) {
    return { status: 503, text: String(error) }
  }
}

/** How a task stands, as the frontend has it from a master. Throws when the answer is not 200. */
export async function stateOf(url: string, id: string): Promise<string> {
  const headers = { accept: 'application/json' }
  const { statusCode, body } = await request(`${url}/task?id=${id}`, { headers })
  const text = await body.text()
  if (statusCode === 200) return (JSON.parse(text) as { state: string }).state
  throw new Error(`task ${id}: /task answered ${statusCode}: ${text}`)
}

/** The bytes of a result. Throws when the answer is not 200. */
export async function fetchImage(url: string, id: string): Promise<Buffer> {
  const { statusCode, body } = await request(`${url}/getImage?id=${id}`)
  const bytes = Buffer.from(await body.arrayBuffer())
  if (statusCode === 200) return bytes
  throw new Error(`task ${id}: /getImage answered ${statusCode}: ${bytes.subarray(0, 200)}`)
}
