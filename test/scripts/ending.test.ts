import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { endInOrder, signalSupervisor } from '../../scripts/ending.ts'
import { identify } from '../../scripts/process-id.ts'

/** Two users, of whom neither may end what is the other's. */
const OWNER = 65_534
const OTHER = 65_533
const skip = process.getuid?.() !== 0 && 'it takes root to be somebody else'

t.test('what cannot be ended does not count as stopped, and is named', { skip }, async t => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { uid: OWNER })
  await once(child, 'spawn')
  t.teardown(() => child.kill('SIGKILL'))
  const pid = child.pid ?? 0
  const said: string[] = []
  process.seteuid?.(OTHER)
  t.teardown(() => process.seteuid?.(0))
  t.throws(() => signalSupervisor(identify(pid), 'SIGTERM'), { message: /another user's$/ })
  const ended = await endInOrder([{ name: 'worker', ...identify(pid) }], line => said.push(line))
  process.seteuid?.(0)
  t.same(ended, [])
  t.match(said, [/^worker did not end /, `worker (process ${pid}) cannot be ended`])
  t.equal(child.exitCode, null)
})
