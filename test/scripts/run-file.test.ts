import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { prepareDataDir } from '../../scripts/ground.ts'
import { identify, isRunning } from '../../scripts/process-id.ts'
import { openRunFile, readRun } from '../../scripts/run-file.ts'
import { waitFor } from '../system/waiting.ts'

/** For those who are told nothing. */
const unsaid = (line: string) => {
  throw new Error(line)
}

/** A process that runs until the test ends. */
async function startProcess(t: Test) {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  await once(child, 'spawn')
  const ended = once(child, 'exit')
  const kill = () => {
    child.kill('SIGKILL')
    return ended
  }
  t.teardown(kill)
  return { pid: child.pid ?? 0, kill }
}

t.test('one system has a data folder, until it gives it up', async t => {
  const dir = t.testdir()
  const runFile = openRunFile(dir, unsaid)
  t.throws(() => openRunFile(dir, unsaid), {
    message: `the system with the data in ${dir} runs already (process ${process.pid})`,
  })
  runFile.remove()
  openRunFile(dir, unsaid).remove()
  t.notOk(existsSync(`${dir}/run.json`))
})

t.test('what a killed supervisor left is no hold, and says what it had started', async t => {
  const dir = t.testdir()
  const supervisor = await startProcess(t)
  const child = await startProcess(t)
  const gone = await startProcess(t)
  const started = [
    { name: 'kv-store', ...identify(child.pid) },
    { name: 'database', ...identify(gone.pid) },
  ]
  writeFileSync(`${dir}/run.json`, JSON.stringify({ supervisor: identify(supervisor.pid), started }))
  t.throws(() => openRunFile(dir, unsaid), /runs already/)
  await Promise.all([supervisor.kill(), gone.kill()])
  const runFile = openRunFile(dir, unsaid)
  t.match(runFile.leftOver, [{ name: 'kv-store', pid: child.pid }])
  t.equal(runFile.leftOver.length, 1)
  runFile.remove()
  t.match(readRun(dir)?.started, [{ name: 'kv-store' }], 'what runs on stays noted for stop-all')
  await child.kill()
  openRunFile(dir, unsaid).remove()
  t.equal(readRun(dir), undefined)
})

t.test('a process that got the number of an earlier one is another process', async t => {
  const { pid } = await startProcess(t)
  const { startedAt } = identify(pid)
  if (startedAt === undefined) return t.comment('there is no /proc: not told apart')
  t.ok(isRunning({ pid, startedAt }))
  t.notOk(isRunning({ pid, startedAt: startedAt - 1 }))
})

t.test('a run.json that cannot be read is no hold', async t => {
  const dir = t.testdir({ 'run.json': '{"supervisor":' })
  openRunFile(dir, unsaid).remove()
})

t.test('a folder without room, or that is none, is refused in one line', async t => {
  const dir = t.testdir({ file: '' })
  prepareDataDir(dir, unsaid)
  t.throws(() => prepareDataDir(dir, unsaid, Number.MAX_VALUE), /^no room for data in \S+: \d+ MB are free, /)
  t.throws(
    () => prepareDataDir(`${dir}/file`, unsaid),
    /^data cannot be written to \S+ \((EEXIST|ENOTDIR)\)$/,
  )
})

t.test('without room what has data already is started all the same, and that is said', async t => {
  const dir = t.testdir({ database: {} })
  const said: string[] = []
  prepareDataDir(dir, line => said.push(line), Number.MAX_VALUE)
  t.match(said, [/^\d+ MB are free in /])
})

t.test('what cannot be noted now is noted once it can be, and ends nobody', async t => {
  const dir = t.testdir()
  const said: string[] = []
  const runFile = openRunFile(dir, line => said.push(line))
  const draft = `${dir}/run.json.${process.pid}`
  mkdirSync(draft)
  const child = await startProcess(t)
  const started = [{ name: 'kv-store', ...identify(child.pid) }]
  runFile.note(started)
  runFile.noteRoll(started, '')
  t.match(said, [/run\.json cannot be written now: EISDIR/])
  t.same(readRun(dir)?.started, [])
  rmdirSync(draft)
  await waitFor('it is noted', () => readRun(dir)?.started.length === 1)
  t.match(readRun(dir), { started: [{ pid: child.pid }], rolls: [''] })
  runFile.remove()
  t.equal(readRun(dir), undefined)
})
