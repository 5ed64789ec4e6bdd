import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'

const LIMIT_MS = 800

/** A process that is watched, and does something. */
function start(t: Test, what: string) {
  const program = `
    import { openWatch } from './dist/codec/watch.js'
    const watch = openWatch({ entry: process.cwd() + '/dist/codec/watcher.js', limitMs: ${LIMIT_MS} })
    ${what}`
  const args = ['--input-type=module', '--eval', program]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

const endOf = async (child: ChildProcess) => (await once(child, 'exit')) as [number | null, string | null]

t.test('a process whose event loop hangs is ended, and says why', async t => {
  const child = start(t, "console.log('hangs'); for (;;) {}")
  const said = text(child.stderr)
  t.same(await endOf(child), [null, 'SIGKILL'])
  t.match(await said, /^the event loop has not got on for 0\.8 s: the process ends\n$/)
})

t.test('a process that is stopped for longer, and goes on, is not ended', async t => {
  const child = start(t, "console.log('runs'); setTimeout(() => process.exit(7), 2500)")
  await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  await delay(3 * LIMIT_MS)
  child.kill('SIGCONT')
  t.same(await endOf(child), [7, null])
})

t.test('watching keeps no process alive, and can be ended', async t => {
  t.same(await endOf(start(t, '')), [0, null])
  t.same(
    await endOf(start(t, 'await watch.close(); for (const end = Date.now() + 2000; Date.now() < end; );')),
    [0, null],
  )
})
