import { join } from 'node:path'
import t from 'tap'
import { Failure } from '../../scripts/failure.ts'
import { readStartOptions, readStopOptions, type StartOptions } from '../../scripts/options.ts'
import { listParts } from '../../scripts/services.ts'
import { formatTable } from '../../scripts/table.ts'

const read = (argv: string[], env: NodeJS.ProcessEnv = {}) => readStartOptions(argv, env) as StartOptions

t.test('unless said, one worker, the standard ports, data in the repository', async t => {
  t.match(read([]), {
    ports: { 'kv-store': 3000, database: 3001, storage: 3002, master: 3003, worker: 3004, frontend: 8080 },
    dataDir: /\/data$/,
    workers: 1,
    isDetached: false,
  })
})

t.test('a flag goes before the environment, the environment before the standard', async t => {
  const env = { KV_STORE_PORT: '23000', FRONTEND_PORT: '23080', DATA_DIR: '/tmp/one' }
  t.match(read([], env), { ports: { 'kv-store': 23000, frontend: 23080 }, dataDir: '/tmp/one' })
  t.match(read(['--port', '23081', '--data', '/tmp/two', '--detach'], env), {
    ports: { frontend: 23081 },
    dataDir: '/tmp/two',
    isDetached: true,
  })
  t.match(read(['--data', 'here']), { dataDir: join(process.cwd(), 'here') })
  t.same(readStopOptions([], env), { dataDir: '/tmp/one' })
})

t.test('what cannot be meant is refused in one line, with status 2', async t => {
  const cases: [string[], NodeJS.ProcessEnv, RegExp][] = [
    [['--prot', '1'], {}, /--prot/],
    [['80'], {}, /80/],
    [['--port', 'http'], {}, /^--port is not a whole number from 0 to 65535$/],
    [['--port', '65536'], {}, /^--port /],
    [['--port', '-1'], {}, /--port/],
    [['--workers', '0'], {}, /^--workers is not a whole number from 1 to 64$/],
    [['--data', ''], {}, /^--data is empty$/],
    [[], { MASTER_PORT: '3.5' }, /^MASTER_PORT /],
    [['--port', '3003'], {}, /^MASTER_PORT and --port are both 3003$/],
    [[], { OWN: '10.0.0.1:80' }, /^OWN /],
    [[], { HOST: '0.0.0.0' }, /^HOST 0\.0\.0\.0 is no address/],
    [['--rolling', '--workers', '2'], {}, /^--rolling .* takes --data alone$/],
    [['--rolling', '--port', '80'], {}, /^--rolling /],
    [['--rolling', '--detach'], {}, /^--rolling /],
  ]
  for (const [argv, env, message] of cases) {
    const refusal = (() => {
      try {
        return read(argv, env)
      } catch (error) {
        return error
      }
    })()
    t.match(refusal, { message, exitStatus: 2 }, argv.join(' '))
    t.ok(refusal instanceof Failure && !refusal.message.includes('\n'))
  }
})

t.test('the second worker and those after it have a port of the system’s choice', async t => {
  const parts = listParts(read(['--workers', '3']))
  t.same(
    parts.map(({ name, port }) => `${name} ${port}`),
    [
      'kv-store 3000',
      'database 3001',
      'storage 3002',
      'master 3003',
      'worker 3004',
      'worker-2 0',
      'worker-3 0',
      'frontend 8080',
    ],
  )
})

t.test('the table names service, address and log, and ends with the page', async t => {
  const rows = [
    { name: 'kv-store', address: '127.0.0.1:3000', log: '/srv/data/logs/kv-store.log' },
    { name: 'frontend', address: '127.0.0.1:8080', log: '/elsewhere/frontend.log' },
  ]
  t.equal(
    formatTable(rows, 'http', '/srv'),
    [
      'service   address         log',
      'kv-store  127.0.0.1:3000  data/logs/kv-store.log',
      'frontend  127.0.0.1:8080  /elsewhere/frontend.log',
      '',
      'http://127.0.0.1:8080/',
      '',
    ].join('\n'),
  )
})
