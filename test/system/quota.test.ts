import t from 'tap'
import { request } from 'undici'
import { largeImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'
import { waitFor } from './waiting.ts'

/** Of each upload, in bytes; larger than what is sent on in one piece. */
const UPLOAD = 200_000
const QUOTA = 1_500_000
/** More uploads than there is room for, all at once. */
const UPLOADS = 20

t.setTimeout(120_000)

t.test(
  'at the quota visitors are told so, what was taken in is finished, and what is deleted makes room',
  async t => {
    const system = await startSystem(t, { env: { QUOTA_BYTES: String(QUOTA) } })
    const { frontend, master, storage } = system.urls
    const health = async () => {
      const { body } = await request(`${storage}/health`)
      return (await body.json()) as { bytes: number; quotaBytes: number; isCounted: boolean }
    }
    t.match(await health(), { bytes: 0, quotaBytes: QUOTA })

    const images = Array.from({ length: UPLOADS }, (_, seed) => largeImage(seed, UPLOAD))
    const answers = await Promise.all(images.map(image => upload(frontend, image)))
    const taken = answers.flatMap(({ id }, at) => (id === undefined ? [] : [{ id, at }]))
    t.ok(taken.length > 0 && taken.length * UPLOAD <= QUOTA, `${taken.length} are taken`)
    for (const { id, status, text } of answers.filter(({ id }) => id === undefined))
      t.match({ id, status, text }, { status: 507, text: /^Error: [^\n]*quota[^\n]*\n$/ })

    // What is left is filled up, one after the other.
    let { status, id } = await upload(frontend, images[0] ?? Buffer.alloc(0))
    for (; id !== undefined; { status, id } = await upload(frontend, images[0] ?? Buffer.alloc(0)))
      taken.push({ id, at: 0 })
    t.equal(status, 507)
    for (const { id, at } of taken) {
      t.equal(await waitUntilDone(frontend, id), 'ready')
      t.same(differences(images[at] ?? Buffer.alloc(0), await fetchImage(frontend, id)), [])
    }

    await system.kill('storage')
    await system.start('storage')
    const { bytes } = await waitFor('counted', async () => {
      const told = await health()
      return told.isCounted && told
    })
    t.ok(bytes > 2 * 0.9 * UPLOAD * taken.length, 'uploads and results')
    t.match(await upload(frontend, largeImage(0, UPLOAD)), { status: 507 })

    for (const { id } of taken) {
      const { statusCode, body } = await request(`${master}/delete?id=${id}`, { method: 'DELETE' })
      await body.dump()
      t.equal(statusCode, 200)
    }
    t.equal((await health()).bytes, 0)
    t.match(await upload(frontend, largeImage(0, UPLOAD)), { status: 200 })
    t.comment(`${taken.length} of ${UPLOADS} uploads taken at once, ${bytes} bytes with results of ${QUOTA}`)
  },
)
