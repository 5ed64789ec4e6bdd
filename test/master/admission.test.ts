import t, { type Test } from 'tap'
import { request } from 'undici'
import type { ServiceError } from '../../kit/errors.ts'
import { UPLOADS_IN_PIECES } from '../../tasks/intake.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { openWire } from '../kit/wire.ts'
import { openStage, type Stage } from '../stage.ts'
import { waitFor } from '../system/waiting.ts'

/** Sends an image; the refusal, or undefined when it was taken in. */
async function send({ master }: Stage, data: Buffer): Promise<ServiceError | undefined> {
  const sending = master.ask.new({}, { body: { data, length: data.length } })
  return sending.then(
    () => undefined,
    (error: ServiceError) => error,
  )
}

/** Begins an upload that does not end. */
async function begin(t: Test, { urls }: Stage, path: string, framing: string, start: Buffer | string) {
  const { host, port } = new URL(urls.master)
  const wire = await openWire(t, Number(port))
  wire.say(`POST ${path} HTTP/1.1\r\nHost: ${host}\r\n${framing}\r\n\r\n`)
  wire.say(start)
  return wire
}

t.test('bytes and pixels beyond what may be under way are refused, and told when to come back', async t => {
  const limits = { bytes: { maxBytesUnderWay: 3_000_000 }, pixels: { maxPixelsUnderWay: 5_000 } }
  for (const [name, limit] of Object.entries(limits)) {
    const stage = await openStage(t, limit)
    const image = largeImage(1, 2_500_000)
    const length = `Content-Length: ${image.length}`
    const wire = await begin(t, stage, '/new', length, image.subarray(0, 100_000))
    const error = await waitFor(`the ${name} are used up`, () => send(stage, uniqueImage(1)))
    t.match(error, { code: 'unavailable', message: 'Too much is being taken in.' }, name)
    const { retryAfterSeconds = 0 } = error
    t.ok(retryAfterSeconds >= 1 && retryAfterSeconds <= 60, `${retryAfterSeconds} s`)
    t.equal((await request(`${stage.urls.master}/health`)).statusCode, 200)
    wire.hangUp()
    await waitFor('there is room again', async () => (await send(stage, uniqueImage(1))) === undefined)
  }
})

t.test('an upload without a length counts as the largest', async t => {
  const stage = await openStage(t, { maxUploadBytes: 5_000_000, maxBytesUnderWay: 6_500_000 })
  await begin(t, stage, '/new', 'Transfer-Encoding: chunked', '3\r\nabc\r\n')
  await waitFor('it is counted', () => send(stage, largeImage(1, 2_500_000)))
  t.match(await send(stage, largeImage(1, 1_800_000)), { code: 'unavailable' })
  t.equal(await send(stage, largeImage(1, 1_200_000)), undefined)
})

t.test(
  'large uploads that take their time keep no other waiting: one too many is told so at once',
  async t => {
    const stage = await openStage(t)
    const image = largeImage(1, 100_000)
    const length = `Content-Length: ${image.length}`
    const wires = await Promise.all(
      Array.from({ length: UPLOADS_IN_PIECES }, () =>
        begin(t, stage, '/new', length, image.subarray(0, 70_000)),
      ),
    )
    const isFull = async () => (await send(stage, image))?.message === 'Too much is being taken in.'
    await waitFor('all of them are under way', isFull)
    t.equal(await send(stage, uniqueImage(1)), undefined, 'a small one needs no connection of its own')
    wires[0]?.say(image.subarray(70_000))
    t.match(await wires[0]?.hears(/\r\n\r\n[0-9]+$/), / 200 OK/)
    await waitFor('there is room again', async () => (await send(stage, image)) === undefined)
  },
)
