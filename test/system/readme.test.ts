import { readFileSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { readExamples, runExample } from './example.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

const [first = '', second = '', ...others] = readExamples('README.md')

t.setTimeout(300_000)

/** A folder with the picture that the examples speak of. */
function folderWith(t: Test, image: Buffer): string {
  const folder = t.testdir({})
  writeFileSync(`${folder}/picture.png`, image)
  return folder
}

t.test('the README has two examples', async t => {
  t.ok(first && second)
  t.same(others, [])
})

const system = await startSystem(t)

t.test('its first example uploads a picture and gets it back', async t => {
  const image = uniqueImage(1)
  const folder = folderWith(t, image)
  t.match(await runExample(first, system, folder), /"state":"ready"/)
  t.same(differences(image, readFileSync(`${folder}/result.png`)), [])
})

t.test('its second example is a worker', async t => {
  await system.kill('worker')
  const image = uniqueImage(2)
  const { id = '' } = await upload(system.urls.frontend, image)
  t.equal(await runExample(second, system, folderWith(t, image)), 'successsuccess')
  t.equal(await waitUntilDone(system.urls.frontend, id), 'ready')
  t.same(await fetchImage(system.urls.frontend, id), image)
})
