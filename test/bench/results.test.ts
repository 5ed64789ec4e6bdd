import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { iconForm } from '../../bench/forms.ts'
import { checkResults } from '../../bench/results.ts'
import { icon } from '../images/scene.ts'
import { exchange } from '../oracle/exchange.ts'

const passed = Array.from({ length: 50 }, (_, at) => ({ id: String(1_000 + at), number: at }))

/** Gives out what `answerOf` makes of the picture of a task, nothing where it makes none; the ids that were asked for. */
async function serveResults(t: Test, answerOf: (number: number) => Buffer | undefined) {
  const asked: number[] = []
  const server = createServer((request, response) => {
    const number = Number(request.url?.slice(1)) - 1_000
    asked.push(number)
    const result = answerOf(number)
    response.writeHead(result === undefined ? 404 : 200).end(result)
  })
  t.teardown(() => server.close().closeAllConnections())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return { asked, urlOf: (id: string) => `http://127.0.0.1:${port}/${id}` }
}

t.test('results that are right pass, and are looked at from the first tenth to the last', async t => {
  const { asked, urlOf } = await serveResults(t, number => exchange(icon(number)))
  await checkResults(passed, iconForm, urlOf)
  t.equal(asked.length, 20)
  t.equal(new Set(asked.map(number => Math.floor(number / 5))).size, 10, 'two of each tenth')
})

t.test('of few pictures every result is looked at', async t => {
  const { asked, urlOf } = await serveResults(t, number => exchange(icon(number)))
  await checkResults(passed.slice(0, 3), iconForm, urlOf)
  t.same(asked, [0, 1, 2])
})

t.test('one result that was not swapped is found, and named', async t => {
  const { urlOf } = await serveResults(t, number => (number === 1 ? icon(1) : exchange(icon(number))))
  await t.rejects(checkResults(passed, iconForm, urlOf), /^the result of task 1001 is wrong: .*samples/)
})

t.test("another picture's result is found", async t => {
  const { urlOf } = await serveResults(t, number => exchange(icon(number + 1)))
  await t.rejects(checkResults(passed, iconForm, urlOf), /^the result of task 1001 is wrong/)
})

t.test('a result that cannot be had is found', async t => {
  const { urlOf } = await serveResults(t, () => undefined)
  await t.rejects(checkResults(passed, iconForm, urlOf), /^the result of task 1001 cannot be had: 404/)
})
