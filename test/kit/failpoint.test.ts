import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { armFailpoints, failpoint } from '../../kit/failpoint.ts'
import { failpoints } from '../../kit/failpoints.ts'

const driver = fileURLToPath(import.meta.url).replace(/failpoint\.test(\.[jt]s)$/, 'stepping$1')

/** A process that takes a step again and again: how it ended, and what it said. */
async function step(list: string) {
  const child = spawn(process.execPath, [driver], { env: { ...process.env, FAILPOINTS: list } })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', piece => {
    said.stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', piece => {
    said.stderr += piece
  })
  const [status, signal] = await once(child, 'close')
  return { end: signal ?? status, ...said }
}

/** What each of five passes of a step threw, by its code. */
function passFive(list: string, name: keyof typeof failpoints): (string | undefined)[] {
  armFailpoints(list)
  return Array.from({ length: 5 }, () => {
    try {
      failpoint(name)
      return undefined
    } catch (error) {
      return (error as { code: string }).code
    }
  })
}

t.teardown(() => armFailpoints(''))

t.test('a failpoint that is not armed does nothing', async t => {
  const none = Array.from({ length: 5 })
  t.same(passFive('', 'storage.file.synced'), none)
  t.same(passFive('storage.file.written=error', 'storage.file.synced'), none)
  t.match(await step(''), { end: 0, stdout: '1\n2\n3\n4\n5\nended\n', stderr: '' })
})

t.test('a crash ends the process as the kernel kills it: not one line more is run', async t => {
  t.match(await step('master.task.made=crash'), {
    end: 'SIGKILL',
    stdout: '',
    stderr: 'failpoint master.task.made: crash\n',
  })
  t.match(await step('master.task.made=crash@3'), { end: 'SIGKILL', stdout: '1\n2\n' })
})

t.test('an error is thrown at once or from a pass on, so many times or until the process ends', async t => {
  const EIO = 'EIO'
  t.same(passFive('storage.file.synced=error', 'storage.file.synced'), [EIO, EIO, EIO, EIO, EIO])
  t.same(passFive('', 'storage.file.synced'), Array.from({ length: 5 }), 'armed no more')
  t.same(passFive('storage.file.synced=error*1', 'storage.file.synced').filter(Boolean), [EIO])
  t.same(passFive('storage.file.synced=error@3*2', 'storage.file.synced'), [
    ...[undefined, undefined],
    ...[EIO, EIO],
    undefined,
  ])
  t.equal((await step('master.task.made=error@2')).stderr, 'failpoint master.task.made: error\n'.repeat(4))
})

t.test('an error is that of whoever fails there in earnest', async t => {
  const first = (name: keyof typeof failpoints) => passFive(`${name}=error`, name)[0]
  t.equal(first('database.turn.settled'), 'SQLITE_IOERR')
  t.equal(first('kv-store.value.set'), 'SQLITE_IOERR')
  t.equal(first('worker.result.stored'), 'unavailable')
})

t.test('a note is one line a step, and all can be noted but some', async t => {
  const { end, stderr } = await step('*=note')
  t.equal(end, 0)
  t.equal(stderr, 'failpoint master.task.made: note\n')
  t.equal(passFive('*=note,storage.file.synced=error', 'storage.file.synced')[0], 'EIO')
})

t.test('what does not exist does not start, and says so in one line', async t => {
  const wrong: [string, RegExp][] = [
    ['storage.file.sunk=crash', /^FAILPOINTS: there is no storage\.file\.sunk\n$/],
    ['constructor=crash', /^FAILPOINTS: there is no constructor\n$/],
    ['master.task.made=panic', /^FAILPOINTS: master\.task\.made=panic is not .*\n$/],
    ['master.task.made=crash*0', /^FAILPOINTS: .* is not .*\n$/],
    ['master.task.made', /^FAILPOINTS: .* is not .*\n$/],
  ]
  for (const [list, line] of wrong) {
    const { end, stdout, stderr } = await step(list)
    t.equal(end, 2, list)
    t.equal(stdout, '', list)
    t.match(stderr, line)
  }
})

t.test('docs/failpoints.md has a line for each, and no other', async t => {
  const lines = readFileSync('docs/failpoints.md', 'utf8').split('\n')
  const rows = lines.filter(line => /^\| `[a-z-]+\./.test(line))
  t.same(
    rows,
    Object.entries(failpoints).map(([name, done]) => `| \`${name}\` | ${done} |`),
  )
})
