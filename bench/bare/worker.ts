import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { openSwapper } from '../../codec/swapper.ts'
import { gather } from '../../kit/body.ts'
import { Flow } from '../../kit/flow.ts'
import { openAsk, serve, textOf } from './web.ts'

/** Takes, swaps, stores, finishes, eight at a time a core: `node worker.js PORT MASTER STORAGE`. */
const [port, masterUrl = '', storageUrl = ''] = process.argv.slice(2)
const [master, storage] = [openAsk(masterUrl), openAsk(storageUrl)]
/** Up to so many bytes a result is sent whole. */
const WHOLE_BYTES = 1_000_000
const cores = availableParallelism()
const swapper = openSwapper({
  threads: cores,
  limitMs: 60_000,
  folder: join(import.meta.dirname, '..', '..', 'codec'),
  maxPixels: 1e9,
  maxBytes: 1e9,
})

const inOne = async function* (body: Buffer) {
  yield body
}

const work = async () => {
  for (;;) {
    const said = textOf(await master('POST', '/getNewTask?wait=30'))
    const { id, token, attempt } = JSON.parse(said) as { id: number; token: string; attempt: number }
    const image = await storage('GET', `/getImage?id=${id}&state=working`)
    if (image === undefined) throw new Error(`task ${id} has no image`)
    const pieces = Buffer.isBuffer(image) ? inOne(image) : new Flow(image)
    const result = await gather(swapper.swap(pieces), WHOLE_BYTES)
    await storage('POST', `/sendImage?id=${id}.${attempt}&state=finished`, result)
    await master('POST', `/finishTask?id=${id}&token=${token}`)
  }
}
serve(Number(port), {})
for (let lane = 0; lane < 8 * cores; lane += 1) void work()
