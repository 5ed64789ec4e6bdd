import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import t from 'tap'
import { combineTimes, cpuTimeOf } from '../../bench/cpu-time.ts'

const derive = promisify(pbkdf2)
/** Some hundred ms, in a thread of the pool. */
const work = () => derive('secret', 'salt', 300_000, 64, 'sha512')
const since = (before: ReturnType<typeof cpuTimeOf>) =>
  combineTimes([before, cpuTimeOf(process.pid)], ([from = 0, to = 0]) => to - from)

t.test('CPU time is told by who took it: the loop, or the threads that work for it', async t => {
  await work()
  const before = cpuTimeOf(process.pid)
  await work()
  const byThreads = since(before)
  t.ok(byThreads.pool > 50, `${byThreads.pool} ms`)
  t.ok(byThreads.loop < byThreads.pool / 2, `${byThreads.loop} ms`)

  const between = cpuTimeOf(process.pid)
  while (since(between).loop < 100);
  const byLoop = since(between)
  t.ok(byLoop.pool < 20, `${byLoop.pool} ms`)
  t.ok(byLoop.all > 0.8 * byLoop.loop, 'all is at least what the loop took, but for the grain of its clock')
})
