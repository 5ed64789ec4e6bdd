import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { ImageState } from '../../storage/contract.ts'
import { createRandom } from '../images/random.ts'
import { openFiles, readAll } from './images.ts'

const KILLS = 6
// A process here takes seconds to start where the machine is busy.
t.setTimeout(240_000)
const loader = process.execArgv.filter(argument => argument.includes('typescript'))
const driver = fileURLToPath(import.meta.url).replace(/crash\.test(\.[jt]s)$/, 'write-for-ever$1')

t.test('whenever the process is killed, what it acknowledged is there and nothing is half there', async t => {
  const path = t.testdir()
  const random = createRandom('storage/crash')
  const acknowledged: string[] = []
  for (let kill = 0; kill < KILLS; kill++) {
    acknowledged.push(...(await writeUntilKilled(path, 5 + random.below(100), random.below(3))))
    const { engine } = await openFiles(t, { path, abandonedMs: 0 })
    for (const line of acknowledged) {
      const [state, id, attempt, sha256] = line.split(' ')
      const image = { id: Number(id), state: state as ImageState, attempt: Number(attempt) || undefined }
      const bytes = (await readAll(engine, image)) ?? Buffer.alloc(0)
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) t.fail(`${line} is lost`)
    }
    let seen = 0
    for (const state of ['working', 'finished'] as const) {
      for (const { id, attempt } of await engine.list({
        state,
        olderThanMs: 0,
        after: '',
        limit: 1_000_000,
      })) {
        seen += 1
        if ((await readAll(engine, { id, state, attempt: attempt || undefined })) === undefined)
          t.fail(`${id}`)
      }
    }
    t.equal(engine.corruptCount(), 0)
    t.ok(seen >= acknowledged.length, `${acknowledged.length} acknowledged, ${seen} there`)
    // It would sweep what the next one is writing.
    await engine.close()
  }
})

/** Lines acknowledged by a writer that is killed `ms` after it acknowledged `count` of them. */
async function writeUntilKilled(path: string, count: number, ms: number): Promise<string[]> {
  const child = spawn(process.execPath, [...loader, driver, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let isKilled = false
  child.stdout.setEncoding('utf8').on('data', piece => {
    text += piece
    if (isKilled || text.split('\n').length <= count) return
    isKilled = true
    setTimeout(() => child.kill('SIGKILL'), ms)
  })
  await new Promise(resolve => child.once('close', resolve))
  // A line cut off by the kill was never read by anyone as a whole.
  return text.split('\n').slice(0, -1)
}
