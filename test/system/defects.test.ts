import t from 'tap'
import { broken } from '../images/broken.ts'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

t.setTimeout(300_000)

const system = await startSystem(t)

t.test(
  'a restart of everything keeps every upload, task and result, and a broken image stays failed',
  async t => {
    const { frontend, database } = system.urls
    const image = broken().find(({ status }) => status === 'failed')
    const { id: failing = '' } = await upload(frontend, image?.bytes ?? Buffer.alloc(0))
    t.match(await waitUntilDone(frontend, failing), { failed: image?.reason })
    const images = Array.from({ length: 10 }, (_, seed) => uniqueImage(seed))
    const ids = []
    for (const image of images) ids.push((await upload(frontend, image)).id ?? 'none')
    await waitUntilDone(frontend, ids[0] ?? '', 60_000)
    await system.restart('SIGTERM')
    for (const [index, id] of ids.entries()) {
      t.equal(await waitUntilDone(frontend, id, 60_000), 'ready')
      t.same(differences(images[index] as Buffer, await fetchImage(frontend, id)), [])
    }
    const task = await (await fetch(`${database}/getById?id=${failing}`)).json()
    t.match(task, { state: 3, attempt: 1 }, 'it is not tried again')
    const answer = await fetch(`${frontend}/getImage?id=${failing}`)
    t.equal(answer.status, 422)
    t.match(await answer.text(), image?.reason)
  },
)

t.test('a task is never seen before its image', async t => {
  await system.kill('worker')
  const { frontend, master, storage } = system.urls
  const uploads = Array.from({ length: 60 }, (_, seed) => upload(frontend, uniqueImage(seed)))
  let seen = 0
  while (seen < uploads.length) {
    const answer = await fetch(`${master}/getNewTask?worker=probe&wait=50`, { method: 'POST' })
    t.equal(answer.status, 200)
    const { id } = (await answer.json()) as { id: number }
    const image = await fetch(`${storage}/getImage?id=${id}&state=working`)
    t.equal(image.status, 200, 'its image is there as soon as it is')
    await image.arrayBuffer()
    seen += 1
  }
  await Promise.all(uploads)
})
