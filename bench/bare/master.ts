import { HEADER_BYTES, readHeader } from '../../codec/header.ts'
import { peek } from '../../kit/body.ts'
import { drawId } from '../../kit/id.ts'
import { openAsk, serve, textOf } from './web.ts'

/** Image first, then its task: `node master.js PORT STORAGE DATABASE`. */
const [port, storageUrl = '', databaseUrl = ''] = process.argv.slice(2)
const [storage, database] = [openAsk(storageUrl), openAsk(databaseUrl)]

serve(Number(port), {
  async '/newImage'({ body: whole }) {
    const { first, body } = await peek(whole, HEADER_BYTES)
    readHeader(first, { maxPixels: 1e9 })
    const id = drawId()
    await storage('POST', `/sendImage?id=${id}&state=working`, body)
    return textOf(await database('POST', `/newTask?id=${id}`))
  },
  '/getNewTask': async ({ search }) => textOf(await database('POST', `/getNewTask${search}`)),
  '/finishTask': async ({ search }) => textOf(await database('POST', `/finishTask${search}`)),
  '/isReady': async ({ search }) => textOf(await database('GET', `/isReady${search}`)),
})
