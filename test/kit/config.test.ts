import t from 'tap'
import { z } from 'zod'
import { ConfigError, readConfig, setting } from '../../kit/config.ts'
import { addressText, whole } from '../../kit/settings.ts'

/** What a setting is refused with: one line, for whoever starts the service. */
function refusalOf(start: () => unknown): string {
  try {
    start()
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('it is not refused')
}

const spec = {
  service: 'toy',
  settings: {
    port: setting(whole(0, 65_535).default(3000), {
      env: 'TOY_PORT',
      unit: 'TCP port',
      says: 'where it listens',
    }),
    kv: setting(addressText.default('127.0.0.1:3000'), {
      env: 'KV',
      unit: 'host:port',
      says: 'where it asks',
    }),
    own: setting(addressText.optional(), { env: 'OWN', unit: 'host:port', says: 'where it is asked' }),
    secret: setting(z.string().optional(), { env: 'SECRET', unit: 'text', says: 'hush', isHidden: true }),
    colours: setting(z.string().default(''), { env: 'COLOURS', unit: 'list', says: 'its colours' }),
  },
  positional: ['own', 'kv'],
} as const

const read = (argv: string[], env: Record<string, string> = {}) => readConfig(spec, argv, env)

t.test('a flag counts before a place, a place before the environment, that before the default', t => {
  const initial = { port: 3000, kv: '127.0.0.1:3000', own: undefined, secret: undefined, colours: '' }
  t.same(read([]), initial)
  t.match(read([], { KV: 'a:1' }), { kv: 'a:1' })
  t.match(read(['own:7', 'b:2'], { KV: 'a:1', OWN: 'c:3' }), { own: 'own:7', kv: 'b:2' })
  t.match(read(['own:7', 'b:2', '--kv', 'c:3'], { KV: 'a:1' }), { own: 'own:7', kv: 'c:3' })
  t.match(read(['--kv=c:3', 'own:7', 'b:2']), { own: 'own:7', kv: 'c:3' })
  t.match(read(['--toy-port', '0'], { TOY_PORT: '7' }), { port: 0 })
  t.same(read([], { KV: '', TOY_PORT: '', OWN: '' }), initial, 'an empty variable is none')
  t.end()
})

t.test('a setting that is wrong is one line that names it', t => {
  const cases: [string[], Record<string, string>, RegExp][] = [
    [['--nonsense'], {}, /^Unknown option '--nonsense'$/],
    [['--nonsense=7'], {}, /^Unknown option '--nonsense'$/],
    [['-x'], {}, /^Unknown option '-x'$/],
    [['--toy-port'], {}, /--toy-port/],
    [['--toy-port', 'x'], {}, /^TOY_PORT is not a whole number$/],
    [['--toy-port='], {}, /^TOY_PORT is not a whole number$/],
    [[], { TOY_PORT: '1e3' }, /^TOY_PORT is not a whole number$/],
    [[], { TOY_PORT: '-1' }, /^TOY_PORT is not a whole number$/],
    [[], { TOY_PORT: '65536' }, /^TOY_PORT is not between 0 and 65535$/],
    [[], { KV: 'http://a:1/' }, /^KV is not host:port$/],
    [['own:7', 'b:2', 'c:3'], {}, /^toy takes OWN KV arguments/],
    [['--help=7'], {}, /--help/],
  ]
  for (const [argv, env, message] of cases) {
    const said = refusalOf(() => read(argv, env))
    t.match(said, message, `${argv} ${JSON.stringify(env)}`)
    t.notMatch(said, /\n/)
  }
  t.end()
})

t.test('a secret comes from the environment and never from an argument', t => {
  t.match(read([], { SECRET: 'the secret' }), { secret: 'the secret' })
  t.match(
    refusalOf(() => read(['--secret', 'the secret'])),
    /^Unknown option/,
  )
  t.match(
    refusalOf(() => read(['--secret=the secret'])),
    /^Unknown option/,
  )
  t.end()
})

t.test('--help says everything of every setting, and nothing of what is set', t => {
  const { help } = read(['--help', '--toy-port', '77'], { SECRET: 'the secret' }) as { help: string }
  t.match(help, /^node dist\/toy\/main\.js \[OWN\] \[KV\] \[flags\]\n/)
  const rows = [
    /^--toy-port +TOY_PORT +3000 +TCP port +where it listens$/m,
    /^--kv +KV +127\.0\.0\.1:3000 +host:port +where it asks$/m,
    /^--own +OWN +none +host:port +where it is asked$/m,
    /^ +SECRET +none +text +hush$/m,
    /^--colours +COLOURS +none +list +its colours$/m,
  ]
  for (const row of rows) t.match(help, row)
  t.notMatch(help, /the secret|--secret|77/)
  t.end()
})
