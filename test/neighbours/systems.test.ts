import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { portSettings, type Service } from '../../scripts/services.ts'
import { ask } from '../originals/answer.ts'
import { scaled } from '../system/scale.ts'
import { whileStill } from '../system/still.ts'
import { type System, startSystem } from '../system/system.ts'
import { innerFindings } from './findings-inner.ts'
import { outerFindings } from './findings-outer.ts'
import { faultsOf, uploadMany } from './job.ts'
import { startProbe } from './probe.ts'

const IMAGES = scaled(50, 10)
const services = portSettings.map(({ service }) => service)

const findings = [...innerFindings, ...outerFindings]

t.setTimeout(1_800_000)

/** Does the main job in a system in which these are originals, and tells how it went. */
async function doJob(t: Test, originals: readonly Service[]): Promise<System> {
  const system = await startSystem(t, { originals })
  // Original master and original worker race for each image, and lose some (docs/originals.md): not while the worker is paused.
  const races = originals.includes('master') && originals.includes('worker')
  const probe = startProbe(system)
  const uploadAll = () => uploadMany(system, IMAGES)
  const uploads = races ? await whileStill(system, 'worker', uploadAll) : await uploadAll()
  const faults: string[] = []
  for (const upload of uploads) faults.push(...(await faultsOf(system, upload, originals.includes('worker'))))
  t.same(faults, [])
  const { withoutImage } = await probe.stop()
  // A frontend of ours takes them in itself, whatever master there is.
  const hides =
    !originals.includes('database') && !(originals.includes('frontend') && originals.includes('master'))
  if (hides) t.same(withoutImage, [], 'no task was there before its image')
  const list = await ask(`${system.urls.database}/list`)
  t.same(
    list.text
      .trim()
      .split('\n')
      .filter(line => !line.endsWith('state: 2')),
    [],
    'no task is left in progress',
  )
  if (!originals.includes('storage'))
    t.same(readdirSync(join(system.dataDir, 'storage', 'incoming')), [], 'no temporary file is left')
  t.equal(new Set(uploads.map(({ id }) => id)).size, IMAGES, 'each has an id of its own')
  return system
}

for (const service of services) {
  t.test(`one original among ours, the ${service}: the main job is done`, async t => {
    const system = await doJob(t, [service])
    t.comment(`original ${service} among ours: ${IMAGES} of ${IMAGES} right`)
    for (const { original, breaks, show } of findings)
      if (original === service) await t.test(`what it breaks: ${breaks}`, t => show(t, system))
  })

  t.test(`one of ours among originals, the ${service}: the main job is done`, async t => {
    await doJob(
      t,
      services.filter(other => other !== service),
    )
    t.comment(`our ${service} among originals: ${IMAGES} of ${IMAGES} right`)
  })
}

t.test('docs/originals.md says what is shown here, and nothing else', async t => {
  const rows = findings.map(({ original, breaks }) => `| ${original} | ${breaks} |`)
  const doc = readFileSync('docs/originals.md', 'utf8').split('\n')
  const head = doc.indexOf('| original | what it breaks |')
  t.same(doc.slice(head + 2, doc.indexOf('', head)), rows)
})
