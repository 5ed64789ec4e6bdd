import { setTimeout as delay } from 'node:timers/promises'
import { encodePng } from '../images/encode.ts'
import { decodePng } from '../oracle/decode.ts'
import { ask, findAddress, places } from './http.ts'

/** The original worker: flattens to 8 bits without alpha, and calls everything finished. `worker KV THREADS` */
const [kv = '', threads = ''] = places('KV', 'THREADS')
const master = `http://${await findAddress(kv, 'masterAddress')}`
const storage = `http://${await findAddress(kv, 'storageAddress')}`
const PAUSE_MS = 2_000

/** Red and green exchanged, as RGBA of 8 bits, all of it opaque; what is no RGB or RGBA of 8 bits it takes for broken. */
function exchange(upload: Buffer): Buffer {
  const { header, frames } = decodePng(upload)
  const { width, height, channels, bitDepth } = header
  const from = frames[0]?.samples
  if (bitDepth !== 8 || channels < 3 || from === undefined) throw new Error('unknown format')
  const samples = new Uint8Array(width * height * 4).fill(255)
  for (let pixel = 0; pixel < width * height; pixel += 1)
    samples.set(
      [1, 0, 2].map(channel => from[pixel * channels + channel] ?? 0),
      pixel * 4,
    )
  return encodePng({ width, height, colourType: 6, bitDepth: 8, samples })
}

/** Whether what was done is what it should be is nobody's question here: refusals are not looked at. */
async function work(id: number): Promise<void> {
  const { body } = await ask(`${storage}/getImage?id=${id}&state=working`)
  let result: Buffer
  try {
    result = exchange(Buffer.from(body))
  } catch {
    result = Buffer.alloc(0)
  }
  await ask(`${storage}/sendImage?id=${id}&state=finished`, {
    method: 'POST',
    type: 'image/png',
    body: result,
  })
  await ask(`${master}/registerTaskFinished?id=${id}`, { method: 'POST', type: 'test/plain' })
}

/** Any status but 200 is the end, of the other loops too. */
async function loop(): Promise<void> {
  for (;;) {
    try {
      const { status, body } = await ask(`${master}/getNewTask`, { method: 'POST', type: 'text/plain' })
      if (status !== 200) process.exit(1)
      await work((JSON.parse(String(body)) as { id: number }).id)
    } catch {
      await delay(PAUSE_MS)
    }
  }
}

await Promise.all(Array.from({ length: Number(threads) }, loop))
