import { Pool } from 'undici'
import { ready } from '../frontend/contract.ts'

const BOUNDARY = 'verdigris-bench-7d1f0a'
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="uploadfile"; filename="image.png"\r\ncontent-type: image/png\r\n\r\n`,
)
const TAIL = Buffer.from(`\r\n--${BOUNDARY}--\r\n`)
/** How long an answer is held until a picture is ready, in seconds. */
const WAIT_SECONDS = 30

/** One who sends forms that were made beforehand: what a bench measures is not its own work. */
export interface Uploader {
  /** Uploads a form of `formOf`; the id. Throws when it is refused. */
  upload(form: Buffer): Promise<string>
  /** Asks /isReady until the picture is there. Throws when the task failed. */
  waitFor(id: string): Promise<void>
  close(): Promise<void>
}

/** An image as the body of a form. */
export function formOf(image: Buffer): Buffer {
  return Buffer.concat([HEAD, image, TAIL])
}

/** @param url `http://HOST:PORT` of the frontend. */
export function openUploader(url: string, connections: number): Uploader {
  const pool = new Pool(url, { connections, pipelining: 1 })
  const send = async (method: 'GET' | 'POST', path: string, body?: Buffer) => {
    const headers = body && { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    const answer = await pool.request({ method, path, body: body ?? null, headers: headers ?? null })
    const text = (await answer.body.text()).trim()
    if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`)
    return text
  }
  return {
    upload: form => send('POST', '/submitTask', form),
    async waitFor(id) {
      while ((await send('GET', `/isReady?id=${id}&wait=${WAIT_SECONDS}`)) !== ready);
    },
    close: () => pool.close(),
  }
}
