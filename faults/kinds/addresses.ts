import { innerRoutes, queryOf } from '../../test/system/routes.ts'
import { waitFor } from '../../test/system/waiting.ts'
import { hostileAddresses } from '../addresses.ts'
import type { Figure } from '../fault.ts'
import { createInner } from '../inner.ts'
import { inputFault } from '../input.ts'
import { type Listener, openListener } from '../listener.ts'
import { tryMetadata } from '../metadata.ts'
import { rawRequest, secretLine, sendRaw } from '../raw.ts'
import type { Scene } from '../scene.ts'

/** Who is followed by whoever works for a picture. */
const followed = ['databaseAddress', 'storageAddress', 'masterAddress'] as const
/** How long a hostile entry stands, in seconds, and how long until all have seen it, in ms. */
const TTL_SECONDS = 30
const SEEN_MS = 20_000
/** An address that no request has room for. */
const ENDLESS = 'a'.repeat(1_000_000)

export const hostileEntries = inputFault({
  name: 'T25',
  says: 'addresses in the kv-store that lead elsewhere; a web page that posts to an inner service',
  rounds: { full: 20, short: 1 },
  async send(scene, { rounds, isFull }) {
    const local = { host: '127.0.0.1', port: 0 }
    const stranger = await openListener(local)
    const nobody = await openListener(local)
    let entered = 0
    try {
      for (let round = 0; round < rounds; round += 1)
        await scene.during(async () => {
          entered += await enterAll(scene, stranger, nobody)
        })
    } finally {
      await Promise.all([stranger.close(), nobody.close()])
    }
    for (const said of stranger.heard)
      scene.findings.broke('I1', `somebody connected to a hostile address and said ${JSON.stringify(said)}`)
    const asked = nobody.heard.filter(said => said !== '')
    for (const said of asked)
      if (!said.startsWith('GET /health ') || /authorization|trust/i.test(said))
        scene.findings.broke('I1', `who is nobody was told ${JSON.stringify(said)}`)
    const outgoing: Figure = {
      says: `${entered} hostile entries, ${stranger.heard.length} connections to them; ${asked.length} to somebody who is nobody, all of them to ask who it is`,
    }
    return [outgoing, await postFromPages(scene), ...(isFull ? [await tryMetadata(scene.findings)] : [])]
  },
})

/** Enters all of them, and one more that may be asked who it is: once it was, the others have been seen. */
async function enterAll({ system, findings }: Scene, stranger: Listener, nobody: Listener): Promise<number> {
  const inner = createInner(system.secret)
  const kv = system.urls['kv-store']
  const set = async (entry: Record<string, string>) =>
    (await inner.ask(`${kv}/set?${new URLSearchParams(entry)}`, 'POST'))?.status
  const ttl = String(TTL_SECONDS)
  const hostile = hostileAddresses(stranger.port)
  let entered = 0
  for (const key of followed) {
    for (const [i, value] of hostile.entries()) {
      if ((await set({ key, value, instance: `hostile-${i}`, ttl })) === 200) entered += 1
      if (i % 8 === 0) entered += Number((await set({ key, value })) === 200)
    }
    const status = await set({ key, value: ENDLESS, instance: 'endless', ttl })
    if (status !== undefined && (status < 400 || status >= 500))
      findings.broke('I11', `an address of 1 MB was answered ${status}`)
    const before = nobody.heard.length
    await set({ key, value: `127.0.0.1:${nobody.port}`, instance: 'nobody', ttl })
    await waitFor(`a look at who stands under ${key}`, () => nobody.heard.length > before, SEEN_MS)
  }
  await inner.ask(`${system.urls.frontend}/status`)
  const instances = ['nobody', ...hostile.map((_, i) => `hostile-${i}`)]
  for (const key of followed) {
    for (const instance of instances)
      await inner.ask(`${kv}/remove?${new URLSearchParams({ key, instance })}`, 'DELETE')
    // The plain value can be put right, and not taken out alone.
    await set({ key, value: '127.0.0.1:1' })
  }
  return entered
}

/** What a browser sends for a page of somebody else's: an `Origin`, or the page's own name as `Host`. */
async function postFromPages({ system, findings }: Scene): Promise<Figure> {
  const from = [
    'Origin: http://evil.example',
    'Origin: null',
    'Host: evil.example',
    'Host: 127.0.0.1.evil.example:80',
    'Host: localhost',
  ]
  const submit = { service: 'frontend', route: { method: 'POST', path: '/submitTask' } } as const
  let sent = 0
  let refused = 0
  const send = async (
    service: 'frontend' | (typeof innerRoutes)[number]['service'],
    method: string,
    target: string,
    line: string,
  ) => {
    const url = system.urls[service]
    const lines = [
      line,
      ...(service === 'frontend' ? [] : secretLine(system.secret)),
      'Content-Type: text/plain',
    ]
    const { statuses } = await sendRaw(
      url,
      rawRequest(url, { method, target, lines, body: Buffer.from('x') }),
    )
    sent += 1
    if (statuses.at(-1) === 403) refused += 1
    else findings.broke('I1', `${line} at ${service} ${method} ${target} was answered ${statuses.at(-1)}`)
  }
  for (const { service, route } of innerRoutes)
    await Promise.all(from.map(line => send(service, route.method, route.path + queryOf(route), line)))
  for (const line of from.slice(0, 2))
    await send(submit.service, submit.route.method, submit.route.path, line)
  return { says: `${sent} requests from web pages, ${refused} refused with 403` }
}
