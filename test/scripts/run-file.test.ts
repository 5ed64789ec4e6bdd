import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { prepareDataDir } from '../../scripts/ground.ts'
import { identify, isRunning } from '../../scripts/process-id.ts'
import { openRunFile, readRun } from '../../scripts/run-file.ts'

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
  const runFile = openRunFile(dir)
  t.throws(() => openRunFile(dir), {
    message: `the system with the data in ${dir} runs already (process ${process.pid})`,
  })
  runFile.remove()
  openRunFile(dir).remove()
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
  t.throws(() => openRunFile(dir), /runs already/)
  await Promise.all([supervisor.kill(), gone.kill()])
  const runFile = openRunFile(dir)
  t.match(runFile.leftOver, [{ name: 'kv-store', pid: child.pid }])
  t.equal(runFile.leftOver.length, 1)
  runFile.remove()
  t.match(readRun(dir)?.started, [{ name: 'kv-store' }], 'what runs on stays noted for stop-all')
  await child.kill()
  openRunFile(dir).remove()
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
  openRunFile(dir).remove()
})

t.test('a folder without room, or that is none, is refused in one line', async t => {
  const dir = t.testdir({ file: '' })
  prepareDataDir(dir)
  t.throws(() => prepareDataDir(dir, Number.MAX_VALUE), /^no room for data in \S+: \d+ MB are free, /)
  t.throws(() => prepareDataDir(`${dir}/file`), /^data cannot be written to \S+ \((EEXIST|ENOTDIR)\)$/)
})
