import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { differences } from '../oracle/compare.ts'
import { startSystem } from './system.ts'
import { fetchImage, upload, waitUntilDone } from './visitor.ts'

const examples = [...readFileSync('README.md', 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(
  ([, code]) => code ?? '',
)

t.setTimeout(300_000)

/** Runs an example of the README as it stands there, with the addresses of a test's system in place of the usual ones. */
async function runExample(t: Test, code: string, urls: Record<string, string>, image: Buffer) {
  const folder = t.testdir({})
  writeFileSync(`${folder}/picture.png`, image)
  const usual = { frontend: 8080, master: 3003, storage: 3002 }
  let script = code
  for (const [service, port] of Object.entries(usual))
    script = script.replaceAll(`http://127.0.0.1:${port}`, urls[service] ?? '')
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    timeout: 30_000,
  })
  return { folder, stdout }
}

t.test('the README has two examples', async t => {
  t.equal(examples.length, 2)
})

const system = await startSystem(t)

t.test('its first example uploads a picture and gets it back', async t => {
  const image = uniqueImage(1)
  const { folder, stdout } = await runExample(t, examples[0] ?? '', system.urls, image)
  t.same(differences(image, readFileSync(`${folder}/result.png`)), [])
  t.match(stdout, /"state":"ready"/)
})

t.test('its second example is a worker', async t => {
  await system.kill('worker')
  const image = uniqueImage(2)
  const { id = '' } = await upload(system.urls.frontend, image)
  const { stdout } = await runExample(t, examples[1] ?? '', system.urls, image)
  t.equal(stdout, 'successsuccess')
  t.equal(await waitUntilDone(system.urls.frontend, id), 'ready')
  t.same(await fetchImage(system.urls.frontend, id), image)
})
