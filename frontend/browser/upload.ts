/** How an upload that is under way stands. */
export interface Progress {
  readonly sent: number
  readonly of: number
  /** Bytes a second, and seconds left; undefined before that can be told. */
  readonly speed?: number
  readonly secondsLeft?: number
}

export type Outcome =
  | { readonly is: 'taken'; readonly id: number }
  | { readonly is: 'refused'; readonly reason: string }
  /** Nobody has it, and the same again may go well after a while. */
  | { readonly is: 'busy'; readonly reason: string; readonly afterSeconds?: number }
  /** Perhaps somebody has it: sent again without being asked, there might be two. */
  | { readonly is: 'lost'; readonly reason: string }

/** What is long ago counts less and less for the speed: half after so many ms. */
const HALF_MS = 1_500

/** Sends a file as the form would, and tells how far it is, until `stop` aborts. Never rejects. */
export function upload(
  file: File,
  onProgress: (progress: Progress) => void,
  stop: AbortSignal,
): Promise<Outcome> {
  return new Promise(resolve => {
    const request = new XMLHttpRequest()
    const form = new FormData()
    form.set('uploadfile', file, file.name)
    const speedOf = createSpeed()
    request.upload.onprogress = ({ loaded, total }) => {
      const speed = speedOf(loaded)
      const known = speed !== undefined && { speed, secondsLeft: (total - loaded) / speed }
      onProgress({ sent: loaded, of: total, ...known })
    }
    const lost = (reason: string) => resolve({ is: 'lost', reason })
    request.onerror = () => lost('The connection was lost.')
    request.onabort = () => lost('The upload was stopped.')
    request.onload = () => resolve(judge(request))
    stop.addEventListener('abort', () => request.abort(), { once: true })
    request.open('POST', '/submitTask')
    request.send(form)
  })
}

function judge(request: XMLHttpRequest): Outcome {
  const { status, responseText } = request
  const text = responseText.trim().replace(/^Error: /, '')
  if (status === 200 && /^[0-9]+$/.test(text)) return { is: 'taken', id: Number(text) }
  const reason = text.split('\n', 1)[0] || `The server answered ${status}.`
  if (status < 500 && status !== 429) return { is: 'refused', reason }
  if (status !== 429 && status !== 503) return { is: 'lost', reason }
  const after = Number(request.getResponseHeader('retry-after'))
  return { is: 'busy', reason, ...(after > 0 && { afterSeconds: after }) }
}

/** The speed by how many bytes there are by now. */
function createSpeed(): (bytes: number) => number | undefined {
  let last: { at: number; bytes: number } | undefined
  let speed: number | undefined
  return bytes => {
    const at = performance.now()
    if (last !== undefined && at > last.at) {
      const ms = at - last.at
      const now = ((bytes - last.bytes) * 1_000) / ms
      const weight = speed === undefined ? 1 : 1 - 0.5 ** (ms / HALF_MS)
      speed = (speed ?? 0) * (1 - weight) + now * weight
    }
    last = { at, bytes }
    return speed !== undefined && speed > 0 ? speed : undefined
  }
}
