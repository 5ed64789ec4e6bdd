import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Agent, request } from 'undici'
import { databaseContract } from '../../database/contract.ts'
import { frontendContract } from '../../frontend/contract.ts'
import { type Contract, get, lines, type Route } from '../../kit/contract.ts'
import { kvStoreContract } from '../../kv-store/contract.ts'
import { masterContract } from '../../master/contract.ts'
import { storageContract } from '../../storage/contract.ts'
import { workerContract } from '../../worker/contract.ts'
import { uniqueImage } from '../images/noise.ts'
import { createAuthority, missing } from '../kit/authority.ts'
import { differences } from '../oracle/compare.ts'
import { isFull } from '../system/scale.ts'
import { fetchImage, upload, waitUntilDone } from '../system/visitor.ts'
import { call, findPlace, type Place } from './script.ts'

const VISITORS = 2
const OLD = 'the secret of yesterday'
const NEW = 'the secret of tomorrow'
/** What the file holds from one rolling restart to the next: its first line is shown, every line accepted. */
const steps = [[OLD], [OLD, NEW], [NEW, OLD], [NEW]]
/** The first step, in which nobody shows anything new, is left to the long run. */
const taken = isFull ? steps : steps.slice(1)
/** Pause of a visitor between two uploads, in ms: most of the time should go into restarts. */
const PAUSE_MS = 100

/** The inner services, by the variables of their ports. */
const inner: readonly [string, Contract][] = [
  ['KV_STORE_PORT', kvStoreContract],
  ['DATABASE_PORT', databaseContract],
  ['STORAGE_PORT', storageContract],
  ['MASTER_PORT', masterContract],
  ['WORKER_PORT', workerContract],
]
const unknown = get('/nothing', { reply: lines, summary: 'a route that nobody has' })

/** Asks with a secret, or none; gives the status. */
type Ask = (url: string, route: Route, secret?: string) => Promise<number>

/** Asks for nothing: every parameter stands there twice, which is refused once the caller has been let in. */
function openAsk(t: Test, dispatcher: Agent): Ask {
  t.teardown(() => dispatcher.close())
  return async (url, { method, path, query }, secret) => {
    const twice = Object.keys(query.shape).map(name => `${name}=x&${name}=x`)
    const { statusCode, body } = await request(`${url}${path}?${twice.join('&')}`, {
      method,
      headers: secret === undefined ? {} : { authorization: `Bearer ${secret}` },
      dispatcher,
    })
    await body.dump()
    return statusCode
  }
}

/** Holds every inner route against the secrets; gives how many questions that took. */
async function checkRoutes(t: Test, { env, frontend }: Place, accepted: string[], ask: Ask): Promise<number> {
  let asked = 0
  const wanted = (secret: string | undefined) => {
    if (secret === undefined) return '401'
    return accepted.includes(secret) ? 'let in' : '403'
  }
  for (const [variable, { service, routes }] of inner)
    for (const route of [...Object.values(routes), unknown])
      for (const secret of [undefined, 'the secret of nobody', OLD, NEW]) {
        const status = await ask(`https://127.0.0.1:${env[variable]}`, route, secret)
        asked += 1
        const told = status === 401 || status === 403 ? String(status) : 'let in'
        t.equal(told, wanted(secret), `${service} ${route.method} ${route.path} with ${secret}: ${status}`)
      }
  for (const secret of [undefined, 'the secret of nobody', OLD, NEW]) {
    const isKnown = secret !== undefined && accepted.includes(secret)
    t.equal(
      await ask(frontend, frontendContract.routes.status, secret),
      isKnown ? 200 : 404,
      'the status page',
    )
  }
  return asked
}

/** Uploads, one after the other, until it is told to end; gives what was acknowledged and what was not. */
function visit(frontend: string, first: number) {
  const acknowledged = new Map<string, number>()
  const failures: string[] = []
  let isOver = false
  const visiting = (async () => {
    for (let image = first; !isOver; image += VISITORS) {
      try {
        const { id, status, text } = await upload(frontend, uniqueImage(image))
        if (id === undefined) failures.push(`${status} ${text}`)
        else acknowledged.set(id, image)
      } catch (error) {
        failures.push(`${error} ${(error as Error).cause ?? ''}`)
      }
      await delay(PAUSE_MS)
    }
  })()
  return {
    acknowledged,
    failures,
    async end() {
      isOver = true
      await visiting
    },
  }
}

t.test(
  'the secret of a system that speaks TLS is changed by rolling restarts, without a failed upload',
  { skip: missing, timeout: 300_000 },
  async t => {
    const files = createAuthority(t.testdir({ data: {} })).issue('all')
    const secretFile = `${files.ca}.secrets`
    const place = await findPlace(t, `${t.testdirName}/data`)
    const read = ({ cert, key, ca }: typeof files) => ({
      cert: readFileSync(cert),
      key: readFileSync(key),
      ca: readFileSync(ca),
    })
    const ask = openAsk(t, new Agent({ connect: read(files), pipelining: 0 }))
    const env = {
      ...place.env,
      TLS_CERT: files.cert,
      TLS_KEY: files.key,
      TLS_CA: files.ca,
      SECRET_FILE: secretFile,
    }
    const port = new URL(place.frontend).port
    const startAll = (...args: string[]) => call('start-all.sh', ['--data', place.dataDir, ...args], env)
    const store = (secrets: string[]) => writeFileSync(secretFile, `${secrets.join('\n')}\n`)

    let asked = 0
    const [first = [], ...others] = taken
    store(first)
    const start = startAll('--port', port, '--detach')
    t.equal(await start.status, 0, start.said())
    asked += await checkRoutes(t, place, first, ask)
    const visitors = Array.from({ length: VISITORS }, (_, i) => visit(place.frontend, i))
    for (const secrets of others) {
      store(secrets)
      const rolling = startAll('--rolling')
      t.equal(await rolling.status, 0, rolling.said())
      asked += await checkRoutes(t, place, secrets, ask)
    }
    await Promise.all(visitors.map(visitor => visitor.end()))

    const failures = visitors.flatMap(visitor => visitor.failures)
    t.same(failures, [])
    const acknowledged = visitors.flatMap(visitor => [...visitor.acknowledged])
    t.ok(acknowledged.length > 20)
    for (const [id, image] of acknowledged) {
      t.equal(await waitUntilDone(place.frontend, id), 'ready')
      t.same(differences(uniqueImage(image), await fetchImage(place.frontend, id)), [])
    }
    const sent = acknowledged.length + failures.length
    t.comment(`${sent} uploads during ${others.length} rolling restarts, ${failures.length} failed`)
    t.comment(`${asked} questions to inner routes, with every secret there is`)
    const smoke = call('smoke.sh', [place.frontend])
    t.equal(await smoke.status, 0, smoke.said())
    t.equal(await place.stop().status, 0)
  },
)
