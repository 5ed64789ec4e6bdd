import { innerRoutes, parametersOf, queryOf, type RouteOf } from '../../test/system/routes.ts'
import { writeSecrets } from '../../test/system/system.ts'
import { inputFault, secrets } from '../input.ts'
import { type Heard, rawRequest, sendRaw } from '../raw.ts'
import type { Scene } from '../scene.ts'

const [now, before] = secrets

interface Shown {
  readonly name: string
  readonly lines: readonly string[]
  /** The refusal; none for whom it lets in. */
  readonly status?: 401 | 403
}

const shows = (name: string, value: string, status?: 401 | 403): Shown => ({
  name,
  lines: [`Authorization: ${value}`],
  ...(status && { status }),
})

/** What callers show; the one before is let in as long as it stands in the file. */
const shown = (isBeforeKnown: boolean): Shown[] => [
  { name: 'no secret', lines: [], status: 401 },
  shows('a wrong one', 'Bearer a secret of nobody', 403),
  shows('an empty one', 'Bearer ', 403),
  shows('the beginning of the new one', `Bearer ${now.slice(0, -1)}`, 403),
  shows('the new one and more', `Bearer ${now}x`, 403),
  shows('both at once', `Bearer ${now}, ${before}`, 403),
  shows('the new one as a password', `Basic ${Buffer.from(`:${now}`).toString('base64')}`, 403),
  shows('the old one', `Bearer ${before}`, isBeforeKnown ? undefined : 403),
  shows('the new one', `Bearer ${now}`),
]

export const secretsShown = inputFault({
  name: 'T32',
  says: 'every inner route with no secret, a wrong one, the old one, the new one; before and after the change',
  rounds: { full: 20, short: 1 },
  async send(scene, { rounds }) {
    const { system } = scene
    let asked = 0
    let wrong = 0
    const askAll = async (isBeforeKnown: boolean) => {
      for (const of of innerRoutes) {
        const cases = shown(isBeforeKnown)
        const heard = await Promise.all(cases.map(({ lines }) => ask(scene, of, lines)))
        for (const [i, { name, status }] of cases.entries()) {
          asked += 1
          const found = heard[i]?.statuses.at(-1) ?? 0
          const isRight =
            status === undefined ? found < 500 && ![0, 401, 403].includes(found) : found === status
          if (isRight) continue
          wrong += 1
          const invariant = found >= 500 ? 'I11' : 'I5'
          scene.findings.broke(
            invariant,
            `${of.service} ${of.name} with ${name} was answered ${found || 'nothing'}`,
          )
        }
      }
    }
    for (let round = 0; round < rounds; round += 1) await askAll(true)
    await scene.during(async () => {
      writeSecrets(system.dataDir, [now])
      await system.killAll()
      await system.startAll()
    })
    for (let round = 0; round < rounds; round += 1) await askAll(false)
    return [
      {
        says: `${innerRoutes.length} routes x ${shown(true).length} callers, before and after the change: ${asked} requests, ${wrong} let in or turned away wrongly`,
      },
    ]
  },
})

/** Whoever is let in asks for nothing that changes anything: a parameter of his is wrong, or there is no picture. */
function ask({ system }: Scene, { service, route }: RouteOf, lines: readonly string[]): Promise<Heard> {
  const [first] = parametersOf(route)
  const query = first === undefined ? '' : queryOf(route, { [first]: ['', ''] })
  const target = route.path + query
  const url = system.urls[service]
  const body = route.method === 'POST' ? { body: Buffer.alloc(0) } : {}
  return sendRaw(url, rawRequest(url, { method: route.method, target, lines, ...body }))
}
