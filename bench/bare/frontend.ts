import { Readable } from 'node:stream'
import { ready } from '../../frontend/contract.ts'
import { Flow } from '../../kit/flow.ts'
import { openAsk, serve, textOf } from './web.ts'

/** Forms that hold one file and nothing else, whose head comes in one piece: `node frontend.js PORT MASTER`. */
const [port, masterUrl = ''] = process.argv.slice(2)
const master = openAsk(masterUrl)
const END_OF_HEAD = '\r\n\r\n'

/** What a form has behind its file: its boundary, and what stands around it. */
const tailOf = (type: string) => '\r\n--'.length + type.length - (type.indexOf('=') + 1) + '--\r\n'.length

/** The first so many bytes of what comes in pieces; the rest is read and dropped. */
async function* cut(pieces: AsyncIterable<Buffer>, bytes: number): AsyncGenerator<Buffer> {
  let left = bytes
  for await (const piece of pieces) {
    if (left > 0) yield piece.subarray(0, left)
    left -= piece.length
  }
}

serve(Number(port), {
  async '/submitTask'({ type, body: { data, length = 0 } }) {
    const flow = Buffer.isBuffer(data) ? undefined : new Flow(data)
    const first: Buffer = Buffer.isBuffer(data) ? data : (await flow?.next())?.value
    const head = first.indexOf(END_OF_HEAD) + END_OF_HEAD.length
    const [begun, bytes] = [first.subarray(head), length - head - tailOf(type)]
    if (flow === undefined) {
      const image = { data: begun.subarray(0, bytes), length: bytes }
      return textOf(await master('POST', '/newImage', image))
    }
    const all = async function* () {
      yield begun
      yield* flow
    }
    const image = { data: Readable.from(cut(all(), bytes), { objectMode: false }), length: bytes }
    return textOf(await master('POST', '/newImage', image))
  },
  async '/isReady'({ search }) {
    await master('GET', `/isReady${search}`)
    return ready
  },
})
