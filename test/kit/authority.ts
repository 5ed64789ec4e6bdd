import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type Credentials, openCredentials } from '../../kit/credentials.ts'

/** Why no certificates can be made on this machine, or false: what `skip` takes. */
export const missing = missingHere()

/** A test that needs certificates; left out, with the reason, where none can be made. */
export const test = (promise: string, show: (t: Test) => Promise<void>) =>
  t.test(promise, { skip: missing }, show)

/** PEM files of one owner, and of the authority that signed. */
export interface Files {
  readonly cert: string
  readonly key: string
  readonly ca: string
}

export interface Wish {
  /** What it is for: `IP:127.0.0.1`, `DNS:localhost`. */
  readonly hosts?: readonly string[]
  /** How long it holds, in days; below 0 it has ended. */
  readonly days?: number
  /** `serverAuth`, `clientAuth`; for everything unless said. */
  readonly usage?: string
}

/** Signs certificates for a test, in a folder of the test's. */
export interface Authority {
  readonly ca: string
  /** Gives a new certificate with a key of its own; under a name that was given before it replaces that one. */
  issue(name: string, wish?: Wish): Files
  /** A second authority, signed by this one; what it issues carries its certificate along. */
  delegate(name: string): Authority
}

function missingHere(): string | false {
  try {
    openssl('version')
    return false
  } catch {
    return 'there is no openssl: apt-get install openssl'
  }
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' })
}

export function createAuthority(folder: string, name = 'ca'): Authority {
  mkdirSync(folder, { recursive: true })
  const files = pathsIn(folder, name)
  makeKey(files.key)
  openssl('req', '-x509', '-new', '-key', files.key, '-subj', `/CN=${name}`, '-days', '2', '-out', files.cert)
  return authorityOf(folder, files, { ca: files.cert, chain: [] })
}

interface Place {
  /** Whom others are to believe. */
  readonly ca: string
  /** The certificates between. */
  readonly chain: readonly string[]
}

function authorityOf(folder: string, signer: Omit<Files, 'ca'>, { ca, chain }: Place): Authority {
  const sign = (name: string, extensions: readonly string[], days: number): Omit<Files, 'ca'> => {
    const files = pathsIn(folder, name)
    // Whoever looks at the files meanwhile sees the old one or the new one, and for a moment a key that is not its own.
    const draft = pathsIn(folder, `${name}.draft`)
    const [request, conf] = [join(folder, `${name}.csr`), join(folder, `${name}.conf`)]
    writeFileSync(conf, `${['[wish]', ...extensions].join('\n')}\n`)
    makeKey(draft.key)
    openssl('req', '-new', '-key', draft.key, '-subj', `/CN=${name}`, '-out', request)
    const signing = ['-CA', signer.cert, '-CAkey', signer.key, '-CAcreateserial', '-days', String(days)]
    openssl(
      'x509',
      '-req',
      '-in',
      request,
      ...signing,
      '-extfile',
      conf,
      '-extensions',
      'wish',
      '-out',
      draft.cert,
    )
    for (const path of chain) writeFileSync(draft.cert, readFileSync(path), { flag: 'a' })
    renameSync(draft.key, files.key)
    renameSync(draft.cert, files.cert)
    return files
  }
  return {
    ca,
    issue(name, { hosts = ['IP:127.0.0.1', 'DNS:localhost'], days = 30, usage } = {}) {
      const extensions = [
        `subjectAltName=${hosts.join(',')}`,
        ...(usage ? [`extendedKeyUsage=${usage}`] : []),
      ]
      return { ...sign(name, extensions, days), ca }
    },
    delegate(name) {
      const files = sign(name, ['basicConstraints=critical,CA:TRUE'], 2)
      return authorityOf(folder, files, { ca, chain: [files.cert, ...chain] })
    },
  }
}

/** Two authorities that know nothing of each other. */
export function createAuthorities(t: Test): [Authority, Authority] {
  const folder = t.testdir({ own: {}, other: {} })
  return [createAuthority(`${folder}/own`), createAuthority(`${folder}/other`)]
}

/** Credentials that end with the test; their files are looked at every 10 ms once they are followed. */
export function open(t: Test, files: Files): Credentials {
  const credentials = openCredentials({ prefix: 'TLS', minVersion: 'TLSv1.3', lookMs: 10, ...files })
  t.teardown(() => credentials.close())
  return credentials
}

/** What the files hold, as Node's own clients and servers take it. */
export const readAll = ({ cert, key, ca }: Files) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ca: readFileSync(ca),
})

const pathsIn = (folder: string, name: string) => ({
  cert: join(folder, `${name}.pem`),
  key: join(folder, `${name}.key`),
})

function makeKey(path: string): void {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', path)
}
