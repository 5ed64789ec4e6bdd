import t from 'tap'
import { largeImage } from '../images/noise.ts'
import { sampleMemory } from './memory.ts'
import { scaled } from './scale.ts'
import { startSystem } from './system.ts'
import { upload, waitUntilDone } from './visitor.ts'

const UPLOADS = scaled(100, 5)
const UPLOAD_BYTES = 20_000_000
const MB = 1024 * 1024
const MOST_BYTES = 250 * MB

t.setTimeout(UPLOADS * 10_000 + 200_000)

t.test(`${UPLOADS} uploads of 20 MB at once: no service but the worker takes more than 250 MB`, async t => {
  const system = await startSystem(t)
  const { frontend } = system.urls
  const memory = sampleMemory(system.pids, { intervalMs: 250 })
  const image = new Blob([new Uint8Array(largeImage(1, UPLOAD_BYTES))])
  const send = () =>
    upload(frontend, image).catch(error => ({ status: 0, text: String(error), id: undefined }))
  const answers = await Promise.all(Array.from({ length: UPLOADS }, send))
  const refused = answers.filter(({ id }) => id === undefined)
  t.same(refused, [], 'all are taken in')
  if (refused.length > 0) for (const name of system.names) t.comment(`${name} said: ${system.log(name)}`)
  for (const { id } of answers)
    if (id !== undefined) t.equal(await waitUntilDone(frontend, id, UPLOADS * 10_000), 'ready')
  for (const [service, peak] of Object.entries(memory.stop())) {
    if (service !== 'worker') t.ok(peak < MOST_BYTES, service)
    t.comment(`${UPLOADS} x 20 MB: ${service} at most ${Math.round(peak / MB)} MB resident`)
  }
})
