import t from 'tap'
import { affordableConnections, isOutOfDescriptors } from '../../kit/descriptors.ts'

const limitsOf = (files: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${files.padEnd(20)} 4096                 files\n`

t.test('a process with few file descriptors takes few connections, and keeps some for itself', async t => {
  t.equal(affordableConnections(limitsOf('64')), 8)
  t.equal(affordableConnections(limitsOf('1024')), 488)
  t.equal(affordableConnections(limitsOf('10')), 1, 'one it always takes')
})

t.test('where the system does not tell, or has no limit, there is none', async t => {
  t.equal(affordableConnections(''), Number.POSITIVE_INFINITY)
  t.equal(affordableConnections(limitsOf('unlimited')), Number.POSITIVE_INFINITY)
})

t.test(
  'the limit of this process is found',
  { skip: process.platform !== 'linux' && 'Linux alone has it' },
  async t => {
    t.ok(Number.isFinite(affordableConnections()))
  },
)

t.test('that no descriptor is left is told from whatever else failed, also as a cause', async t => {
  const error = (code: string, cause?: unknown) => Object.assign(new Error(code, { cause }), { code })
  t.ok(isOutOfDescriptors(error('EMFILE')))
  t.ok(isOutOfDescriptors(error('unavailable', error('ENFILE'))))
  t.notOk(isOutOfDescriptors(error('unavailable', error('ENOENT'))))
  t.notOk(isOutOfDescriptors(undefined))
})
