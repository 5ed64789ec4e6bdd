import type { Answer } from '../kit/exchange.ts'
import { openClient } from './client.ts'
import { openService } from './service.ts'

/** A store of images, asked over HTTP. */
export interface ImageStore {
  readonly name: string
  readonly pid: number
  /** Puts an image that was not there. */
  put(id: number, image: Buffer): Promise<void>
  /** Its bytes; a stream has to be read. */
  get(id: number): Promise<Answer['body']>
  remove(id: number): Promise<void>
  close(): Promise<void>
}

/** Ours, as a real process; beside it only the kv-store, in which it enters its address. */
export async function openStorage(folder: string, connections: number): Promise<ImageStore> {
  const kvStore = await openService('kv-store', folder)
  const service = await openService('storage', folder, kvStore)
  const client = openClient(service.url, connections)
  const pathOf = (route: string, id: number) => `/${route}?id=${id}&state=working`
  return {
    name: 'storage',
    pid: service.pid,
    async put(id, image) {
      await client.ask({ method: 'POST', path: pathOf('sendImage', id), body: image })
    },
    get: id => client.fetch({ method: 'GET', path: pathOf('getImage', id) }),
    async remove(id) {
      await client.ask({ method: 'DELETE', path: pathOf('deleteImage', id) })
    },
    async close() {
      await client.close()
      await service.close()
      await kvStore.close()
    },
  }
}
