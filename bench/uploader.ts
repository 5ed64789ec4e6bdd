import { ready } from '../frontend/contract.ts'
import { openClient, type Question } from './client.ts'

const BOUNDARY = 'verdigris-bench-7d1f0a'
const HEAD = Buffer.from(
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="uploadfile"; filename="image.png"\r\ncontent-type: image/png\r\n\r\n`,
)
const HEADERS = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
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

/** The image in such a form. */
export function imageOf(form: Buffer): Buffer {
  return form.subarray(HEAD.length, form.length - TAIL.length)
}

/** @param url `http://HOST:PORT` of the frontend. */
export function openUploader(url: string, connections: number): Uploader {
  const client = openClient(url, connections)
  const ask = async (question: Question) => (await client.ask(question)).trim()
  return {
    upload: form => ask({ method: 'POST', path: '/submitTask', headers: HEADERS, body: form }),
    async waitFor(id) {
      const path = `/isReady?id=${id}&wait=${WAIT_SECONDS}`
      while ((await ask({ method: 'GET', path })) !== ready);
    },
    close: () => client.close(),
  }
}
