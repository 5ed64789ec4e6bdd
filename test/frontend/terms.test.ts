import t, { type Test } from 'tap'
import { FormData, request } from 'undici'
import { formatDuration } from '../../frontend/duration.ts'
import { createTerms } from '../../frontend/terms.ts'
import { ServiceError } from '../../kit/errors.ts'
import type { Terms } from '../../master/contract.ts'
import { uniqueImage } from '../images/noise.ts'
import type { Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'
import { type OpenOptions, openFrontend } from './open.ts'

const HOUR = 3_600_000
const KEPT = /(They are|It is) kept for 3 hours after (they are|it is) done/

async function get(url: string) {
  const { headers, body } = await request(url)
  return { headers, text: await body.text() }
}

/** A frontend that has heard from its master what to say. */
async function openTold(t: Test, options: OpenOptions) {
  const opened = await openFrontend(t, options)
  await waitFor('told', async () => /are kept/.test((await get(opened.url)).text))
  return opened
}

async function submit(url: string, headers: Record<string, string> = {}) {
  const form = new FormData()
  form.set('uploadfile', new Blob([new Uint8Array(uniqueImage(1))]), 'a.png')
  const answer = await request(`${url}/submitTask`, { method: 'POST', body: form, headers })
  return { status: answer.statusCode, headers: answer.headers, text: (await answer.body.text()).trim() }
}

async function finish({ master, storage }: Stage) {
  const { id = 0, attempt, token } = (await master.ask.getNewTask({ worker: 'test', wait: 5 })) ?? {}
  await storage.ask.sendImage({ id, state: 'finished', attempt }, { body: { data: uniqueImage(2) } })
  await master.ask.registerTaskFinished({ id, token })
}

/** A link to a master that answers `/terms` with what `answer` gives. */
const linkTo = (answer: () => Promise<Terms>) =>
  ({ ask: { terms: answer } }) as unknown as Parameters<typeof createTerms>[0]

const turn = () => new Promise(resolve => setImmediate(resolve))

t.test('pages say how long pictures are kept, as the master has it, and how large they may be', async t => {
  const limits = { maxUploadBytes: 7_000_000, maxPixels: 9_000_000 }
  const { url, stage: behind } = await openTold(t, { stage: { retentionMs: 3 * HOUR }, ...limits })
  const home = await get(url)
  t.match(home.text, KEPT)
  t.match(home.text, /up to 7 MB and 9 megapixels/)
  const { text: id } = await submit(url)
  t.match((await get(`${url}/task?id=${id}`)).text, KEPT)
  await finish(behind)
  t.match((await get(`${url}/task?id=${id}`)).text, KEPT)
})

t.test('an upload’s answer says in seconds how long its result will be kept', async t => {
  const { url } = await openTold(t, { stage: { retentionMs: 3 * HOUR } })
  t.match(await submit(url), { status: 200, headers: { 'verdigris-retention': '10800' } })
  const browser = await submit(url, { accept: 'text/html' })
  t.match(browser, { status: 303, headers: { 'verdigris-retention': '10800' } })
})

t.test('a result’s answer says until when it is kept', async t => {
  const { url, stage } = await openTold(t, { stage: { retentionMs: 3 * HOUR } })
  const { text: id } = await submit(url)
  const before = Date.now()
  await finish(stage)
  for (const method of ['GET', 'HEAD'] as const) {
    const { headers, body } = await request(`${url}/getImage?id=${id}`, { method })
    await body.dump()
    const until = Date.parse(String(headers.sunset))
    t.match(headers.sunset, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
    // Whole seconds, rounded down.
    t.ok(until > before + 3 * HOUR - 2_000 && until <= Date.now() + 3 * HOUR, `${headers.sunset}`)
  }
})

t.test('the first ask is waited for a moment only, and the answer comes with a later one', async t => {
  let answer = (_: Terms) => {}
  const terms = createTerms(linkTo(() => new Promise(resolve => (answer = resolve))))
  t.equal(await terms.soon(), undefined)
  const told = { retentionMs: 1 }
  answer(told)
  await waitFor('told', async () => (await terms.soon()) === told)
})

t.test('who does not want to wait is told what is known, and has it asked for', async t => {
  const told = { retentionMs: 1 }
  const terms = createTerms(linkTo(async () => told))
  t.equal(terms.now(), undefined)
  await waitFor('told', () => terms.now() === told)
})

t.test('one ask serves all who come meanwhile, and the answer counts for a while', async t => {
  let asks = 0
  const told = { retentionMs: 1 }
  const terms = createTerms(
    linkTo(async () => {
      asks += 1
      return told
    }),
  )
  t.same(await Promise.all([terms.soon(), terms.soon(), terms.soon()]), [told, told, told])
  t.equal(await terms.soon(), told)
  t.equal(asks, 1)
})

t.test('behind an original master nothing is said, and pages come', async t => {
  const { url, stage } = await openFrontend(t)
  await stage.end('master')
  t.notMatch((await get(url)).text, /are kept/)
  for (const code of ['not-found', 'method-not-allowed', 'bad-answer'] as const) {
    let asks = 0
    const terms = createTerms(
      linkTo(async () => {
        asks += 1
        throw new ServiceError(code, '404 page not found')
      }),
    )
    for (let i = 0; i < 2; i++) t.equal(await terms.soon(), undefined)
    t.equal(asks, 1, 'it is not asked at each page')
  }
})

t.test('a master that cannot be reached is asked again after a while', async t => {
  const clock = { ms: 0 }
  let asks = 0
  let answer: () => Promise<Terms> = async () => {
    throw new ServiceError('unavailable', 'The master service cannot be reached now.')
  }
  const link = linkTo(() => {
    asks += 1
    return answer()
  })
  const terms = createTerms(link, () => clock.ms)
  for (let i = 0; i < 2; i++) t.equal(await terms.soon(), undefined)
  t.equal(asks, 1, 'it is not asked at each page')
  const told = { retentionMs: 1 }
  const unreachable = answer
  answer = async () => told
  clock.ms += 10_000
  t.equal(await terms.soon(), told)
  answer = unreachable
  clock.ms += 20_000
  for (let i = 0; i < 2; i++) t.equal(await terms.soon(), told, 'what it said last counts')
  await turn()
  t.equal(terms.now(), told)
  t.equal(asks, 3)
})

t.test('while the master is away one visitor waits for it, and nobody who comes later', async t => {
  let fail = (_: Error) => {}
  const terms = createTerms(linkTo(() => new Promise((_, reject) => (fail = reject))))
  const waits = () => Promise.race([terms.soon().then(() => false), turn().then(() => true)])
  t.ok(await waits())
  t.equal(await terms.soon(), undefined)
  t.notOk(await waits(), 'while it is still asked')
  fail(new ServiceError('unavailable', 'The master service cannot be reached now.'))
  await turn()
  t.notOk(await waits(), 'once it could not be reached')
})

t.test('a length of time is told in the largest unit of which there are two', t => {
  const said: [number, string][] = [
    [1_000, '1 second'],
    [1_999, '1 second'],
    [2_000, '2 seconds'],
    [119_999, '119 seconds'],
    [120_000, '2 minutes'],
    [24 * HOUR, '24 hours'],
    [48 * HOUR - 1, '47 hours'],
    [7 * 24 * HOUR, '7 days'],
  ]
  for (const [ms, words] of said) t.equal(formatDuration(ms), words)
  t.end()
})
