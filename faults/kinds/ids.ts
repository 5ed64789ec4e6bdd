import type { Random } from '../../test/images/random.ts'
import { everyRoute, queryOf, type RouteOf, requiredOf } from '../../test/system/routes.ts'
import { inputFault } from '../input.ts'
import { type Heard, rawRequest, secretLine, sendRaw } from '../raw.ts'
import type { Scene } from '../scene.ts'

/** What is no id: a query string as it is sent. */
interface Case {
  readonly name: string
  readonly query: string
  /** There is no parameter `id` in it: nothing wrong where none is needed. */
  readonly isWithout?: boolean
}

const named = (values: readonly string[]): Case[] =>
  values.flatMap(value => {
    const encoded = { name: value, query: `id=${encodeURIComponent(value)}` }
    // As it is, where it may stand in a request line.
    return /[\s#&%\0]/.test(value) ? [encoded] : [encoded, { name: `${value}, bare`, query: `id=${value}` }]
  })

const cases: readonly Case[] = [
  ...named(['-1', '1.5', '1e3', '0x10', ' 7', '7 ', '+7', '07', '00', '-0', '7\n', '7\0', '\t7']),
  ...named(['9007199254740992', '9223372036854775808', `1${'0'.repeat(400)}`, 'NaN', 'Infinity', 'null']),
  ...named(['../x', '..', '../../etc/passwd', '%2e%2e%2f', '/', '7/../8', '７', '٧', '7;8', '7,8', '[7]']),
  { name: '%2e%2e%2f', query: 'id=%2e%2e%2f' },
  { name: '%00', query: 'id=%00' },
  { name: '7%00', query: 'id=7%00' },
  { name: 'a broken escape', query: 'id=%zz' },
  { name: 'bytes that are no UTF-8', query: 'id=%ff%fe' },
  { name: 'empty', query: 'id=' },
  { name: 'without a value', query: 'id' },
  { name: 'missing', query: '', isWithout: true },
  { name: 'twice', query: 'id=7&id=7' },
  { name: 'twice, otherwise', query: 'id=7&id=8' },
  { name: 'as an array', query: 'id[]=7', isWithout: true },
  { name: 'as an array, escaped', query: 'id%5B%5D=7', isWithout: true },
  { name: 'as an object', query: 'id[a]=7', isWithout: true },
  { name: 'as a prototype', query: '__proto__[id]=7', isWithout: true },
  { name: '10 KB long', query: `id=${'7'.repeat(10_240)}` },
]

/** The same as JSON, for the route that reads it from its body. */
const bodies: readonly string[] = [
  ...['-1', '1.5', '9007199254740992', '1e400', '"7"', '"x"', 'null', 'true', '[7]', '{"a":7}', '{}'].map(
    id => `{"id":${id},"state":0}`,
  ),
  ...['', '{', '7', 'null', '[]', '{"state":0}', '{"__proto__":{"id":7},"state":0}', '\0', '{"id":7}'],
]

export const oddIds = inputFault({
  name: 'T24',
  says: 'what is no id, on every route that takes one',
  rounds: { full: 20, short: 1 },
  worksAnywhere: true,
  async send(scene, { rounds, random }) {
    const { system, findings } = scene
    const inQuery = everyRoute.filter(({ route }) => 'id' in route.query.shape)
    const inBody = everyRoute.filter(({ name }) => name === 'POST /setById')
    const statuses = new Map<number, number>()
    const judge = (what: string, { statuses: found, end }: Heard) => {
      const status = found.at(-1) ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status >= 500) findings.broke('I11', `${what} was answered ${status}`)
      else if (status !== 400) findings.broke('I5', `${what} was answered ${status || end}, not 400`)
    }
    for (let round = 0; round < rounds; round += 1) {
      const all = [...cases, ...Array.from({ length: round === 0 ? 0 : 20 }, () => drawCase(random))]
      for (const of of inQuery) {
        const isNeeded = requiredOf(of.route).includes('id')
        const fitting = all.filter(({ isWithout }) => isNeeded || !isWithout)
        await Promise.all(
          fitting.map(async given =>
            judge(`${of.service} ${of.name} with id ${given.name}`, await ask(scene, of, given)),
          ),
        )
      }
      for (const { service, route } of inBody) {
        const ways = bodies.map(async body => {
          const lines = [...secretLine(system.secret), 'Content-Type: application/json']
          const bytes = rawRequest(system.urls[service], {
            method: 'POST',
            target: route.path,
            lines,
            body: Buffer.from(body),
          })
          judge(`${service} ${route.path} with ${body}`, await sendRaw(system.urls[service], bytes))
        })
        await Promise.all(ways)
      }
    }
    const total = [...statuses.values()].reduce((sum, count) => sum + count, 0)
    const failed = [...statuses]
      .filter(([status]) => status >= 500)
      .reduce((sum, [, count]) => sum + count, 0)
    return [
      {
        says: `${inQuery.length + inBody.length} routes, ${cases.length} cases in a query and ${bodies.length} in a body: ${total} requests, ${statuses.get(400) ?? 0} refused with 400, ${failed} x 5xx`,
      },
    ]
  },
})

async function ask({ system }: Scene, { service, route }: RouteOf, { query }: Case): Promise<Heard> {
  const others = new URLSearchParams(queryOf(route))
  others.delete('id')
  const target = `${route.path}?${[query, others.toString()].filter(Boolean).join('&')}`
  const url = system.urls[service]
  const lines = service === 'frontend' ? [] : secretLine(system.secret)
  return sendRaw(url, rawRequest(url, { method: route.method, target, lines }))
}

/** Noise that is surely no id. */
function drawCase(random: Random): Case {
  const value = `${random.bytes(1 + random.below(30)).toString('latin1')}x`
  return { name: JSON.stringify(value), query: `id=${encodeURIComponent(value)}` }
}
