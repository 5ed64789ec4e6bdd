import { writeFileSync } from 'node:fs'
import t from 'tap'
import type { StatusReport } from '../../frontend/contract.ts'
import { uniqueImage } from '../images/noise.ts'
import { readExamples, runExample } from '../system/example.ts'
import { startSystem } from '../system/system.ts'
import { upload } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'

const [status = '', take = '', names = '', changes = '', events = '', ...others] =
  readExamples('docs/patterns.md')

t.setTimeout(120_000)

const system = await startSystem(t)
const folder = t.testdir({})
writeFileSync(`${folder}/picture.png`, uniqueImage(1))

t.test('docs/patterns.md: live news of a task, up to its end', async t => {
  const said = await runExample(events, system, folder)
  t.match(said, /^data: .*"state":"ready"/m)
  t.same(others, [])
})

t.test('docs/patterns.md: the feed of changes', async t => {
  const { revision, tasks } = JSON.parse(await runExample(changes, system, folder))
  t.ok(revision > 0)
  t.match(tasks, [{ state: 2 }])
})

t.test('docs/patterns.md: addresses by name', async t => {
  const [master, workers] = (await runExample(names, system, folder)).split('[')
  t.equal(`http://${master}`, system.urls.master)
  t.match(JSON.parse(`[${workers}`), [{ value: system.urls.worker.replace('http://', '') }])
})

t.test('docs/patterns.md: a task goes to one of those who ask', async t => {
  await system.kill('worker')
  const { id = '' } = await upload(system.urls.frontend, uniqueImage(2))
  // The poll of the worker that was killed may have been given the task first: it comes back.
  const grant = await waitFor('the grant', async () => {
    const said = await runExample(take, system, folder)
    return said !== '' && (JSON.parse(said) as { id: number; token: string })
  })
  t.equal(String(grant.id), id)
  t.match(grant.token, /^[0-9a-f]{32}$/)
  t.equal(await runExample(take, system, folder), '', 'nobody else gets it')
})

t.test('docs/patterns.md: the status of all, although one is away', async t => {
  // On a busy machine 100 ms may be too few: then it is slow, or not known.
  const said = await waitFor('a worker that is away', async () => {
    const { instances } = JSON.parse(await runExample(status, system, folder)) as StatusReport
    const isAway = instances.some(({ service, state }) => service === 'worker' && state === 'away')
    return isAway && instances
  })
  t.ok(said.length >= 6)
})
