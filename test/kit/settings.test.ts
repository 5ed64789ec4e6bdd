import { mkdirSync } from 'node:fs'
import t from 'tap'
import type { z } from 'zod'
import { databaseConfig } from '../../database/config.ts'
import { frontendConfig } from '../../frontend/config.ts'
import { ConfigError, readConfig } from '../../kit/config.ts'
import { sharedSettings, standingOf } from '../../kit/settings.ts'
import { kvStoreConfig } from '../../kv-store/config.ts'
import { masterConfig } from '../../master/config.ts'
import { storageConfig } from '../../storage/config.ts'
import { workerConfig } from '../../worker/config.ts'

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

const spec = { service: 'toy', settings: sharedSettings('TOY', 3000), positional: [] } as const
/** Where a service stands that was started with these variables. */
const stand = (env: Record<string, string>, isPublic = false) => {
  const config = readConfig(spec, [], env)
  return standingOf(config as Exclude<typeof config, { help: string }>, isPublic)
}

t.test('a service stands on loopback unless it is told otherwise', t => {
  const standing = {
    host: '127.0.0.1',
    port: 3000,
    reachedAt: '127.0.0.1',
    advertised: '127.0.0.1:3000',
    secrets: [],
  }
  t.same(stand({}), standing)
  t.match(stand({ TOY_PORT: '0' }), { port: 0, advertised: undefined })
  t.match(stand({ HOST: '::1' }), { host: '::1', advertised: '[::1]:3000' })
  t.match(stand({ OWN: 'localhost:4000' }), { host: 'localhost', port: 4000, advertised: 'localhost:4000' })
  t.end()
})

t.test('beyond loopback a secret is needed, but for the frontend, which is for the public', t => {
  const SECRET = 'long enough'
  for (const env of [
    { HOST: '10.0.0.7' },
    { OWN: '10.0.0.7:3000' },
    { HOST: '0.0.0.0', OWN: '10.0.0.7:3000' },
  ]) {
    t.match(
      refusalOf(() => stand(env)),
      /is not loopback, so a secret is needed/,
      JSON.stringify(env),
    )
    t.match(stand({ ...env, SECRET: ` ${SECRET} ` }), { secrets: [SECRET] })
    t.match(stand(env, true), { secrets: [] })
  }
  for (const HOST of ['0.0.0.0', '::', 'toys.example'])
    t.match(
      refusalOf(() => stand({ HOST })),
      /secret/,
      HOST,
    )
  t.end()
})

t.test('an address that nobody can use is not advertised', t => {
  const SECRET = 'long enough'
  for (const HOST of ['0.0.0.0', '::']) {
    t.match(
      refusalOf(() => stand({ HOST, SECRET })),
      /set OWN/,
    )
    t.match(
      refusalOf(() => stand({ HOST }, true)),
      /set OWN/,
    )
    t.match(stand({ HOST, SECRET, OWN: '10.0.0.7:4000' }), { host: HOST, advertised: '10.0.0.7:4000' })
  }
  t.end()
})

t.test('the secret comes from a file too: its first line is shown, every line is accepted', t => {
  const folder = t.testdir({
    good: 'the new one\n\n  the old one \n',
    empty: '\n\n',
    short: 'long enough\nshort\n',
  })
  t.same(stand({ SECRET_FILE: `${folder}/good` }).secrets, ['the new one', 'the old one'])
  t.same(stand({ SECRET_FILE: `${folder}/good`, SECRET: 'another one' }).secrets, [
    'the new one',
    'the old one',
  ])
  for (const name of ['empty', 'short', 'missing']) {
    const said = refusalOf(() => stand({ SECRET_FILE: `${folder}/${name}` }))
    t.match(said, /^SECRET_FILE /, name)
    t.notMatch(said, /long enough/)
  }
  mkdirSync(`${folder}/folder`)
  t.match(
    refusalOf(() => stand({ SECRET_FILE: `${folder}/folder` })),
    /^SECRET_FILE cannot be read/,
  )
  t.equal(
    refusalOf(() => stand({ SECRET: 'short' })),
    'SECRET is shorter than 8 characters',
  )
  t.end()
})

t.test('what data may be sent to is a list, checked when it is read', t => {
  const read = (ALLOWED_HOSTS: string) => readConfig(spec, [], { ALLOWED_HOSTS })
  t.match(read(' 10.0.0.0/8, kv.example ,,fd00::/8'), {
    allowedHosts: ['10.0.0.0/8', 'kv.example', 'fd00::/8'],
  })
  for (const wrong of [
    '10.0.0.0/33',
    '10.0.0.0/x',
    'fd00::/129',
    '10.0.0.0/',
    '10.0.0.0/8/9',
    'kv.example/8',
  ])
    t.match(
      refusalOf(() => read(wrong)),
      /^ALLOWED_HOSTS is not a list/,
      wrong,
    )
  t.end()
})

t.test('no two settings of a service share a variable, and every one says its unit and what it does', t => {
  const specs = [kvStoreConfig, databaseConfig, storageConfig, masterConfig, workerConfig, frontendConfig]
  const ports = specs.map(spec => {
    const metas = Object.values(spec.settings).map(({ meta }) => meta)
    t.equal(new Set(metas.map(({ env }) => env)).size, metas.length, spec.service)
    for (const { env, unit, says } of metas) t.ok(unit !== '' && says.length > 5, `${spec.service} ${env}`)
    return (readConfig<z.ZodRawShape>(spec, [], {}) as { port: number }).port
  })
  t.same(ports, [3000, 3001, 3002, 3003, 3004, 8080])
  t.end()
})
