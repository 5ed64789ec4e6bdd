import { randomUUID } from 'node:crypto'
import { renameSync } from 'node:fs'
import { join } from 'node:path'
import { Flow } from '../../kit/flow.ts'
import { makeFile, openFile } from '../../storage/engines/file.ts'
import { makeFolders, openFolder } from '../../storage/engines/folder.ts'
import { serve } from './web.ts'

/** Images as files, nothing beside their bytes: `node storage.js PORT FOLDER`. */
const [port, folder = ''] = process.argv.slice(2)
/** Up to so many bytes are read at once. */
const WHOLE_BYTES = 2 * 1024 * 1024
const incoming = join(folder, 'incoming')
await makeFolders([incoming, join(folder, 'working'), join(folder, 'finished')])
const fatal = (error: unknown) => {
  throw error
}
const folders = {
  working: await openFolder(join(folder, 'working'), fatal),
  finished: await openFolder(join(folder, 'finished'), fatal),
}
const placeOf = (query: URLSearchParams) => {
  const place = query.get('state') === 'working' ? folders.working : folders.finished
  return { place, path: join(place.path, query.get('id') ?? '') }
}

serve(Number(port), {
  async '/sendImage'({ query, body }) {
    const { place, path } = placeOf(query)
    const temporary = join(incoming, randomUUID())
    const file = makeFile(temporary)
    if (Buffer.isBuffer(body.data)) await file.write([body.data])
    else for await (const piece of new Flow(body.data)) await file.write([piece])
    await file.sync()
    file.close()
    renameSync(temporary, path)
    await place.sync()
    return 'success'
  },
  async '/getImage'({ query }) {
    const file = await openFile(placeOf(query).path)
    const length = file.size()
    if (length > WHOLE_BYTES) return { data: file.stream(length), length }
    const data = Buffer.allocUnsafe(length)
    await file.read(data, 0)
    file.close()
    return { data, length }
  },
})
