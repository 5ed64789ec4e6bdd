import t from 'tap'
import { type Detour, openDetour, type Trouble } from '../../faults/detour.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

const DETOUR_HOST = '127.0.0.2'
/** More often than a task may fail before it has failed for good. */
const TIMES = 4

t.setTimeout(120_000)

t.test('an upload that does not reach its worker whole says nothing against the image', async t => {
  let detour: Detour | undefined
  t.teardown(() => detour?.close())
  const each = (name: string, port: number) => {
    if (name !== 'storage') return {}
    const to = { host: '127.0.0.1', port }
    detour = openDetour({ host: DETOUR_HOST, port, to })
    return { env: { OWN: `${DETOUR_HOST}:${port}`, HOST: to.host } }
  }
  const system = await startSystem(t, { each })
  const { frontend, database } = system.urls
  const troubles: readonly Trouble[] = ['truncated reply', 'reset reply']
  for (const [name, image] of [
    ['small', uniqueImage(1)],
    ['large', largeImage(2, 500_000)],
    ['streamed by storage', largeImage(3, 3_000_000)],
  ] as const)
    for (const trouble of troubles) {
      const isDownload = (line: string) => /^GET \/getImage.*state=working/.test(line)
      const struck = Array.from({ length: TIMES }, () => detour?.strike(trouble, isDownload))
      const { id = '' } = await upload(frontend, image)
      t.equal(await waitUntilDone(frontend, id), 'ready', `${name}, ${trouble}`)
      t.same(differences(image, await fetchImage(frontend, id)), [])
      const task = await (await fetch(`${database}/getById?id=${id}`)).json()
      // A small one is asked for again before anything is done with it.
      const attempt = name === 'small' ? 1 : TIMES + 1
      t.match(task, { state: 2, attempt, errors: 0, losses: 0 }, `${name}, ${trouble}`)
      await Promise.all(struck)
    }
})
