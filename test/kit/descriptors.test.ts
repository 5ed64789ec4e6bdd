import t from 'tap'
import { affordableConnections } from '../../kit/descriptors.ts'

const limitsOf = (files: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\nMax open files            ${files.padEnd(20)} 4096                 files\n`

t.test('a process with few file descriptors takes few connections, and keeps some for itself', async t => {
  t.equal(affordableConnections(limitsOf('64')), 16)
  t.equal(affordableConnections(limitsOf('1024')), 496)
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
