import t, { type Test } from 'tap'
import { type Heard, rawRequest, secretLine, sendRaw } from '../../faults/raw.ts'
import { type ErrorCode, statusOfCode } from '../../kit/errors.ts'
import { portSettings, type Service } from '../../scripts/services.ts'
import { encodePng } from '../images/encode.ts'
import { plain } from '../images/formats.ts'
import { MAX_UPLOAD_BYTES, malformed, refusals, type Tasks } from './refusals.ts'
import { everyRoute, innerRoutes, parametersOf, queryOf, type RouteOf, requiredOf } from './routes.ts'
import { type System, startSystem } from './system.ts'
import { waitFor } from './waiting.ts'

const SECRET = 'a secret for refusals'
/** Requests at once. */
const AT_ONCE = 8
const METHODS = ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']
/** What is nobody's business: where files lie, where code stands, and who else there is. */
const LEAK =
  /\/(tmp|home|usr|var|root|etc)\/|node_modules|\.[jt]s:\d|\bat \S+ \(|127\.0\.0\.1:\d|localhost:\d|ECONN|SQLITE/

t.setTimeout(300_000)

/** A request, and the refusal that it has to get. */
interface Attempt {
  readonly service: Service
  readonly method: string
  readonly target: string
  readonly status: number
  /** What was wrong with it. */
  readonly says: string
  readonly lines?: readonly string[]
  readonly body?: Buffer | undefined
  /** Unless said, the secret where one is wanted. */
  readonly shown?: string | undefined
  readonly isPage?: boolean | undefined
}

t.test(
  'every route refuses everything that the contract says it refuses, with its status and in one line',
  async t => {
    const env = { MAX_UPLOAD_BYTES: String(MAX_UPLOAD_BYTES), LOG_LEVEL: 'warn' }
    const system = await startSystem(t, { secrets: [SECRET], env })
    let asked = 0

    const ask = (attempt: Attempt, accept: string): Promise<Heard> => {
      const { service, method, target, lines = [], body } = attempt
      const shown = 'shown' in attempt ? attempt.shown : service === 'frontend' ? undefined : SECRET
      const all = [...secretLine(shown), `Accept: ${accept}`, ...lines]
      asked += 1
      return sendRaw(
        system.urls[service],
        rawRequest(system.urls[service], { method, target, lines: all, ...(body && { body }) }),
      )
    }
    const expectRefusals = async (t: Test, attempts: readonly Attempt[]) => {
      const wrong: string[] = []
      const left = [...attempts]
      const lane = async () => {
        for (let attempt = left.pop(); attempt !== undefined; attempt = left.pop()) {
          const found = [
            ...faultsOf(await ask(attempt, '*/*'), attempt, readLine),
            ...faultsOf(await ask(attempt, 'application/json'), attempt, readJson),
          ]
          const { service, method, target, says } = attempt
          wrong.push(...found.map(fault => `${service} ${method} ${target.slice(0, 80)} ${says}: ${fault}`))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, lane))
      t.same(wrong, [])
      t.ok(attempts.length > 0, `${attempts.length} refusals`)
    }

    await t.test('there is a row for every route of every contract, and for nothing else', async t => {
      t.same(Object.keys(refusals).sort(), everyRoute.map(rowOf).sort())
      const parameters = new Set(everyRoute.flatMap(({ route }) => parametersOf(route)))
      t.same([...parameters].sort(), Object.keys(malformed).sort(), 'and for every parameter')
    })

    await t.test('404: a plain ask for a task when none waits', async t => {
      const attempt = { service: 'database', method: 'POST', target: '/getNewTask', status: 404 } as const
      await expectRefusals(t, [{ ...attempt, says: 'of an empty queue' }])
    })

    await t.test('405 with Allow: another method', async t => {
      const paths = new Map<string, { service: Service; path: string; methods: string[] }>()
      for (const { service, route } of [...everyRoute, ...healthRoutes()]) {
        const known = paths.get(`${service} ${route.path}`) ?? { service, path: route.path, methods: [] }
        known.methods.push(route.method, ...(route.method === 'GET' ? ['HEAD'] : []))
        paths.set(`${service} ${route.path}`, known)
      }
      for (const { service, path, methods } of paths.values()) {
        const others = METHODS.filter(method => !methods.includes(method))
        const attempts = others.map(method => ({ service, method, target: path, status: 405, says: '' }))
        await expectRefusals(t, attempts)
        for (const attempt of attempts) {
          const { text } = await ask(attempt, '*/*')
          const allowed = /^allow: (.*)\r$/im.exec(text)?.[1]?.split(', ')
          t.same(allowed?.sort(), [...methods].sort(), `${service} ${attempt.method} ${path}`)
        }
      }
    })

    await t.test('400: a parameter that is missing, given twice, or malformed', async t => {
      const attempts = everyRoute.flatMap(of => {
        const refused = (given: Record<string, string | string[]>, says: string) => attemptOf(of, given, says)
        const missing = requiredOf(of.route).map(name => refused({ [name]: [] }, `without ${name}`))
        const rest = parametersOf(of.route).flatMap(name => [
          refused({ [name]: ['1', '1'] }, `with ${name} twice`),
          ...(malformed[name] ?? []).map(value => refused({ [name]: value }, `with ${name} malformed`)),
        ])
        return [...missing, ...rest]
      })
      await expectRefusals(t, attempts)
    })

    await t.test('401, 403: no secret, a wrong one, a web page', async t => {
      const attempts = innerRoutes.flatMap(({ service, route }) => {
        const request = { service, method: route.method, target: route.path + queryOf(route) }
        return [
          { ...request, status: 401, says: 'without a secret', shown: undefined },
          { ...request, status: 403, says: 'with a wrong secret', shown: 'a secret of nobody' },
          { ...request, status: 403, says: 'with an Origin', lines: ['Origin: http://evil.example'] },
          { ...request, status: 403, says: 'under a foreign Host', lines: ['Host: evil.example'] },
        ]
      })
      await expectRefusals(t, attempts)
    })

    await t.test('all that the table has', async t => {
      const tasks = await makeTasks(system)
      const attempts = everyRoute.flatMap(of =>
        (refusals[rowOf(of)] ?? []).map(({ of: says, status, query, body, lines, isPage }) => ({
          service: of.service,
          method: of.route.method,
          target: of.route.path + queryOf(of.route, query?.(tasks)),
          status,
          says,
          isPage,
          ...(lines && { lines }),
          body: body?.(tasks),
        })),
      )
      await expectRefusals(t, attempts)
    })

    t.comment(`${everyRoute.length} routes, ${asked} requests refused`)
  },
)

const rowOf = ({ service, name }: RouteOf) => `${service} ${name}`
const healthRoutes = () =>
  portSettings.map(({ service }) => ({ service, route: { method: 'GET' as const, path: '/health' } }))

const attemptOf = (
  { service, route }: RouteOf,
  given: Record<string, string | string[]>,
  says: string,
): Attempt => ({
  service,
  method: route.method,
  target: route.path + queryOf(route, given),
  status: 400,
  says,
})

/** One that is finished, one that failed, one that waits, and no worker any more. */
async function makeTasks(system: System): Promise<Tasks> {
  const { master, database } = system.urls
  const say = async (url: string, method: string, target: string, body?: Buffer) => {
    const { text } = await sendRaw(
      url,
      rawRequest(url, { method, target, lines: secretLine(SECRET), ...(body && { body }) }),
    )
    return text.split('\r\n\r\n')[1] ?? ''
  }
  const upload = () => say(master, 'POST', '/new', encodePng(plain))
  const finished = await upload()
  await waitFor('a finished task', async () => (await say(master, 'GET', `/isReady?id=${finished}`)) === '1')
  await system.kill('worker')
  const [failed, waiting] = [await upload(), await upload()]
  await say(database, 'POST', '/setById', Buffer.from(`{"id":${failed},"state":3}`))
  return { finished, failed, waiting }
}

/** What is wrong with an answer; `read` gives what is wrong with its body. */
function faultsOf({ text }: Heard, { status, isPage = false }: Attempt, read: typeof readLine): string[] {
  const { line, head, body } = partsOf(text)
  if (!line.startsWith(`HTTP/1.1 ${status} `)) return [`${status} expected, ${line || 'nothing'} came`]
  const found = isPage ? [] : read(head, body, status)
  if (LEAK.test(body)) found.push(`it tells too much: ${body}`)
  if (status === 401 && !/^www-authenticate: Bearer/im.test(head)) found.push('no WWW-Authenticate')
  return found
}

function readLine(head: string, body: string, _status: number): string[] {
  const found = /^content-type: text\/plain/im.test(head) ? [] : ['it is no text']
  return /^Error: [^\r\n]{1,500}\n$/.test(body) ? found : [...found, `not one line: ${JSON.stringify(body)}`]
}

function readJson(head: string, body: string, status: number): string[] {
  if (!/^content-type: application\/json/im.test(head)) return ['it is no JSON']
  const { error } = JSON.parse(body) as { error: { code: ErrorCode; message: string } }
  const found = statusOfCode[error.code] === status ? [] : [`the code is ${error.code}`]
  return /^[^\r\n]{1,500}$/.test(error.message) ? found : [...found, `not one line: ${error.message}`]
}

function partsOf(text: string): { line: string; head: string; body: string } {
  const at = text.indexOf('\r\n\r\n')
  const head = text.slice(0, Math.max(0, at))
  return { line: head.split('\r\n', 1)[0] ?? '', head, body: text.slice(at + 4) }
}
