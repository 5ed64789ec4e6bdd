import t from 'tap'
import { createClient } from '../../kit/client.ts'
import type { Transport } from '../../kit/transport.ts'
import { buildToy, type ToyHandlers, toyContract } from './toy.ts'

t.test('a route without a handler, or with a wrong one, does not compile', async t => {
  const handler = async () => 'success' as const
  const plan = () => {
    // @ts-expect-error the other routes have no handler
    const missing: ToyHandlers = { set: handler }
    // @ts-expect-error the contract answers with an id
    const wrong: Pick<ToyHandlers, 'byId'> = { byId: async () => ({ id: 'seven' }) }
    // @ts-expect-error the contract knows no such parameter
    const unknown: Pick<ToyHandlers, 'byId'> = { byId: async ({ query }) => ({ id: query.number }) }
    return [missing, wrong, unknown]
  }
  t.type(plan, 'function')
})

t.test('a wrong call does not compile', async t => {
  const plan = async (transport: Transport) => {
    const ask = createClient(toyContract, transport)
    // @ts-expect-error the id is a number
    await ask.byId({ id: '7' })
    // @ts-expect-error the id is missing
    await ask.byId({})
    // @ts-expect-error the body is missing
    await ask.count({})
    // @ts-expect-error the body has another shape
    await ask.set({}, { body: { number: 7 } })
    // @ts-expect-error no such route
    await ask.nothing({})
  }
  t.type(plan, 'function')
})

t.test('an id is what the contract says, and every other text gets 400', async t => {
  const app = buildToy(t)
  const known: [string, number][] = [
    ['0', 0],
    ['7', 7],
    ['9007199254740991', 2 ** 53 - 1],
  ]
  for (const [text, id] of known) t.same((await app.inject(`/byId?id=${text}`)).json(), { id }, text)

  const fullWidth = encodeURIComponent('\uff11\uff12')
  const digits = ['9007199254740992', '9007199254740993', '9223372036854775808', `1${'0'.repeat(400)}`]
  const numbers = [
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '%207',
    '7%20',
    '+7',
    '%2B7',
    '07',
    '00',
    '-0',
    'NaN',
    'Infinity',
  ]
  const texts = ['', '../x', '%2e%2e%2f', '%00', '7%00', '7%0a', fullWidth, '7,8', 'null', '9'.repeat(10_000)]
  for (const text of [...digits, ...numbers, ...texts]) {
    const answer = await app.inject(`/byId?id=${text}`)
    t.equal(answer.statusCode, 400, text.slice(0, 40) || 'empty')
    t.equal(answer.body, 'Error: The parameter id is not an id.\n')
  }
})

t.test(
  'a parameter that is missing, given twice or malformed is named; an unknown one is ignored',
  async t => {
    const app = buildToy(t)
    const cases: [string, string][] = [
      ['/byId', 'Error: The parameter id is missing.\n'],
      ['/byId?', 'Error: The parameter id is missing.\n'],
      ['/byId?id[]=1', 'Error: The parameter id is missing.\n'],
      ['/byId?id[0]=1&ID=1', 'Error: The parameter id is missing.\n'],
      ['/byId?id=1&id=1', 'Error: The parameter id is given twice.\n'],
      ['/byId?id=1&id=2&id=3', 'Error: The parameter id is given twice.\n'],
      ['/byId?id=1&wait=1&wait=1', 'Error: The parameter wait is given twice.\n'],
      ['/byId?id=1&wait=-1', 'Error: The parameter wait is not a number of seconds.\n'],
    ]
    for (const [url, body] of cases) {
      const answer = await app.inject(url)
      t.equal(answer.statusCode, 400, url)
      t.equal(answer.body, body, url)
    }
    for (const url of ['/byId?id=1&x=1&x=2', '/byId?id=1&__proto__=1&constructor=2', '/byId?&&id=1&=&%'])
      t.equal((await app.inject(url)).statusCode, 200, url)
  },
)

t.test('a wait counts up to 60 s', async t => {
  const waits: unknown[] = []
  const app = buildToy(t, {
    byId: async ({ query }) => {
      waits.push(query.wait)
      return { id: query.id }
    },
  })
  for (const wait of ['0', '7', '60', '61', '999999']) await app.inject(`/byId?id=1&wait=${wait}`)
  t.same(waits, [0, 7, 60, 60, 60])
})
