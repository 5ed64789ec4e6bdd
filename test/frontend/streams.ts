import type { Test } from 'tap'
import { request } from 'undici'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { buildDatabase } from '../../database/service.ts'
import { openWire, type Wire } from '../kit/wire.ts'
import { identityOf, type Stage } from '../stage.ts'
import { type OpenOptions, openFrontend } from './open.ts'

/** A frontend, and those who listen to its events; how often its feed is read. */
export async function openStreams(t: Test, options: OpenOptions = {}) {
  const { stage, app, url, port } = await openFrontend(t, options)
  const listen = async (path: string, lastEventId?: string): Promise<Wire> => {
    const wire = await openWire(t, port)
    const comesAgain = lastEventId === undefined ? '' : `Last-Event-ID: ${lastEventId}\r\n`
    wire.say(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${comesAgain}\r\n`,
    )
    return wire
  }
  const follow = (id: number) => listen(`/task?id=${id}`)
  const followAll = (...ids: number[]) => listen(`/events?ids=${ids}`)
  return { stage, app, url, listen, follow, followAll, asks: watchAsks(stage) }
}

/** How often the master was asked to hold the feed of changes, and how often it does so now. */
function watchAsks({ apps }: Stage) {
  const asks = { all: 0, held: 0 }
  apps.master.server.on('request', (request, response) => {
    if (!/^\/changes.*wait=[1-9]/.test(request.url ?? '')) return
    asks.all += 1
    asks.held += 1
    response.on('close', () => {
      asks.held -= 1
    })
  })
  return asks
}

/** The data of each event so far, read from chunks as they come over the wire. */
export const told = (wire: Wire) =>
  [...wire.heard().matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data ?? ''))

/** What the browser would say next time: the id of the last event that has one. */
export const lastEventId = (wire: Wire) =>
  [...wire.heard().matchAll(/^id:? ?(.*)$/gm)].at(-1)?.[1] || undefined

/** Puts a database on the tasks of a file in the place of the one before. */
export async function startDatabase(t: Test, stage: Stage, path: string) {
  const engine = openSqliteTasks({ path })
  const app = buildDatabase({ identity: identityOf('database'), guard: { secrets: [] }, engine })
  const address = await stage.listen(app)
  const entry = `key=databaseAddress&value=${address}&instance=database-here&ttl=60`
  await (await request(`http://${stage.kv}/set?${entry}`, { method: 'POST' })).body.dump()
  const end = async () => {
    await app.close()
    await engine.close()
  }
  t.teardown(end)
  return { engine, end }
}
