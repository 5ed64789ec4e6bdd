import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { ConfigError } from '../../kit/config.ts'
import { type CredentialOptions, openCredentials } from '../../kit/credentials.ts'
import { openTrust } from '../../kit/trust.ts'
import { createAuthority, type Files, test } from './authority.ts'
import { until } from './wire.ts'

const DAY_MS = 24 * 3_600_000
/** How often files are looked at here, in ms. */
const LOOK_MS = 10

const optionsOf = (files: Partial<Files>): CredentialOptions => ({
  prefix: 'TLS',
  cert: '',
  key: '',
  host: '127.0.0.1',
  minVersion: 'TLSv1.3',
  lookMs: LOOK_MS,
  ...files,
})

/** What files are refused with: one line, for whoever starts the service. */
function refusalOf(options: CredentialOptions): string {
  try {
    openCredentials(options)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'they are not refused'
}

/** A log that is kept, line by line. */
function openLog() {
  const lines: { msg: string; level: number }[] = []
  const log = pino({ level: 'info' }, { write: line => void lines.push(JSON.parse(line)) })
  const said = () => lines.map(({ msg }) => msg)
  return { log, said }
}

test('files that fit together are taken, and say when they end', async t => {
  const authority = createAuthority(t.testdir({}))
  const chained = authority.delegate('between').delegate('further')
  const wishes = [
    {},
    { hosts: ['IP:127.0.0.1', 'IP:::1', 'DNS:toys.example'] },
    { usage: 'serverAuth,clientAuth' },
  ]
  for (const signer of [authority, chained])
    for (const wish of wishes) {
      const { endsAt } = openCredentials(optionsOf(signer.issue('toy', wish))).current()
      const days = (endsAt.getTime() - Date.now()) / DAY_MS
      t.ok(days > 29 && days <= 30, `${days} days`)
    }
  const byName = authority.issue('named', { hosts: ['DNS:toys.example'] })
  t.ok(openCredentials({ ...optionsOf(byName), host: 'toys.example' }))
})

test('files that do not fit together are refused in one line that says why', async t => {
  const folder = t.testdir({ own: {}, other: {} })
  const authority = createAuthority(`${folder}/own`)
  const good = authority.issue('good')
  const other = createAuthority(`${folder}/other`).issue('other')
  const empty = `${folder}/empty`
  writeFileSync(empty, 'nothing\n')
  const cases: [Partial<Files>, RegExp][] = [
    [{ cert: `${folder}/none` }, /^TLS_CERT cannot be read: ENOENT/],
    [{ key: folder }, /^TLS_KEY cannot be read: EISDIR/],
    [{ cert: empty }, /^TLS_CERT holds no certificate in PEM$/],
    [{ cert: good.key }, /^TLS_CERT holds no certificate in PEM$/],
    [{ key: empty }, /^TLS_KEY holds no private key in PEM, or one with a passphrase$/],
    [{ ca: empty }, /^TLS_CA holds no certificate in PEM$/],
    [{ key: other.key }, /^TLS_CERT does not go with TLS_KEY$/],
    [{ ca: other.ca }, /^TLS_CERT is not signed by TLS_CA$/],
    [authority.issue('ended', { days: -1 }), /^TLS_CERT ended on \w/],
    [
      authority.issue('elsewhere', { hosts: ['IP:127.0.0.2'] }),
      /^TLS_CERT is not for 127\.0\.0\.1, where others/,
    ],
    [authority.issue('server', { usage: 'serverAuth' }), /^TLS_CERT is not for servers and clients/],
    [authority.issue('client', { usage: 'clientAuth' }), /^TLS_CERT is not for servers and clients/],
  ]
  for (const [files, why] of cases) {
    const said = refusalOf(optionsOf({ ...good, ...files }))
    t.match(said, why)
    t.notMatch(said, /\n/)
  }
  t.equal(refusalOf(optionsOf(good)), 'they are not refused')
})

test('the settings of one side are set together or not at all', async t => {
  const { cert, key, ca } = createAuthority(t.testdir({})).issue('toy')
  const open = (config: object, isPublic = false) => openTrust(config, '127.0.0.1', isPublic)
  const inner = { tlsCert: cert, tlsKey: key, tlsCa: ca }
  const outer = { publicTlsCert: cert, publicTlsKey: key }
  for (const name of Object.keys(inner))
    t.throws(() => open({ ...inner, [name]: undefined }), {
      message: 'TLS_CERT, TLS_KEY and TLS_CA are set together, or none of them',
    })
  for (const name of Object.keys(outer))
    t.throws(() => open({ ...outer, [name]: undefined }, true), {
      message: 'PUBLIC_TLS_CERT and PUBLIC_TLS_KEY are set together, or neither',
    })
  t.same(open({}), { credentials: undefined, serverCredentials: undefined })
  const ofInner = open(inner)
  t.equal(ofInner.credentials, ofInner.serverCredentials, 'an inner service shows all the same')
  const ofFrontend = open({ ...inner, ...outer }, true)
  t.ok(ofFrontend.credentials?.current().ca)
  t.equal(ofFrontend.serverCredentials?.current().ca, undefined, 'the public has no certificates')
  t.equal(open(inner, true).serverCredentials, undefined, 'the public gets what is set for it')
})

test('renewed files are taken up once they fit together, and broken ones never', async t => {
  const authority = createAuthority(t.testdir({}))
  const files = authority.issue('toy')
  const credentials = openCredentials(optionsOf(files))
  t.teardown(() => credentials.close())
  const { log, said } = openLog()
  const before = credentials.current()
  let told = 0
  credentials.onRenewed(material => {
    told += 1
    t.equal(material, credentials.current())
  })
  credentials.follow(log)

  const next = authority.issue('next', { days: 20 })
  copyFileSync(next.cert, files.cert)
  await until('a certificate without its key is told of', () => said().length === 1)
  t.same(said(), ['what is in use stays: TLS_CERT does not go with TLS_KEY'])
  // It is looked at several times more: nothing further is to be said of it, nor done.
  await delay(10 * LOOK_MS)
  t.equal(credentials.current(), before)
  copyFileSync(next.key, files.key)
  await until('it is taken up', () => credentials.current() !== before)
  t.same(credentials.current().cert, readFileSync(next.cert))
  t.same(said().slice(1), ['TLS_CERT was renewed'])

  const renewed = credentials.current()
  appendFileSync(files.ca, 'and more')
  await until('an authority is taken up as well', () => credentials.current() !== renewed)
  t.equal(told, 2)
  t.equal(said().length, 3, 'each is said once')
})

test('a certificate that ends within 14 days is warned of, and one that ends later is not', async t => {
  const authority = createAuthority(t.testdir({}))
  const files = authority.issue('toy', { days: 13 })
  const credentials = openCredentials(optionsOf(files))
  t.teardown(() => credentials.close())
  const { log, said } = openLog()
  credentials.follow(log)
  t.same(said(), ['the certificate in TLS_CERT ends soon'])
  const renew = async (days: number) => {
    const before = credentials.current()
    authority.issue('toy', { days })
    await until('it is taken up', () => credentials.current() !== before)
  }
  const warnings = () => said().filter(line => line.endsWith('ends soon')).length
  await renew(15)
  t.equal(warnings(), 1)
  await renew(12)
  t.equal(warnings(), 2, 'another one is warned of anew')
})
