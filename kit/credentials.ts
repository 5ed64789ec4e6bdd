import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigError } from './config.ts'
import type { Logger } from './log.ts'

/** How often the files are looked at, in ms. */
const LOOK_MS = 5_000
/** How long before its end a certificate is warned of, and how often, in ms. */
const SOON_MS = 14 * 24 * 3_600_000
const REMIND_MS = 24 * 3_600_000

/** Object identifiers of the two sides of a connection in an extended key usage (RFC 5280, 4.2.1.12). */
const SERVER_SIDE = '1.3.6.1.5.5.7.3.1'
const CLIENT_SIDE = '1.3.6.1.5.5.7.3.2'

export interface CredentialOptions {
  /** What the settings' names begin with, for what is said of them: `TLS` of `TLS_CERT`. */
  readonly prefix: string
  /** PEM files: the certificate with what leads to its authority, its key, and whose certificates are believed. */
  readonly cert: string
  readonly key: string
  readonly ca?: string | undefined
  /** The name or IP address that others reach its owner at: the certificate has to be for it. */
  readonly host?: string | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** How often the files are looked at, in ms; 5,000 unless said. */
  readonly lookMs?: number
}

/** What the files held when they were read. */
export interface Material {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca: Buffer | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** The same, ready for connections. */
  readonly context: SecureContext
  readonly endsAt: Date
}

/** A certificate with its key, and whom it makes its owner believe. Renewed files are taken up while the process runs. */
export interface Credentials {
  current(): Material
  /** Calls it each time that renewed files were taken up. */
  onRenewed(listener: (material: Material) => void): void
  /**
   * Looks at the files from now on, and warns of an end within 14 days, each day. Files that do not fit together, as in the
   * middle of being replaced, are left alone and looked at again.
   */
  follow(log: Logger): void
  close(): void
}

/** Reads the files; a `ConfigError` says what is wrong with them. */
export function openCredentials(options: CredentialOptions): Credentials {
  const { lookMs = LOOK_MS } = options
  const listeners: ((material: Material) => void)[] = []
  let present = load(options)
  let timer: NodeJS.Timeout | undefined
  let warnedAt = Number.NEGATIVE_INFINITY
  let lastFailure = ''

  const renew = (log: Logger) => {
    try {
      const found = load(options)
      lastFailure = ''
      if (isSame(found, present)) return
      present = found
      warnedAt = Number.NEGATIVE_INFINITY
      for (const listener of listeners) listener(found)
      log.info({ endsAt: found.endsAt }, `${options.prefix}_CERT was renewed`)
    } catch (error) {
      const { message } = error as Error
      if (message !== lastFailure) log.warn(`what is in use stays: ${message}`)
      lastFailure = message
    }
  }
  const remind = (log: Logger) => {
    const now = Date.now()
    if (present.endsAt.getTime() - now > SOON_MS || now - warnedAt < REMIND_MS) return
    warnedAt = now
    log.warn({ endsAt: present.endsAt }, `the certificate in ${options.prefix}_CERT ends soon`)
  }

  return {
    current: () => present,
    onRenewed: listener => void listeners.push(listener),
    follow(log) {
      remind(log)
      timer ??= setInterval(() => {
        renew(log)
        remind(log)
      }, lookMs).unref()
    },
    close: () => clearInterval(timer),
  }
}

function isSame(a: Material, b: Material): boolean {
  const text = ({ cert, key, ca }: Material) => Buffer.concat([cert, key, ca ?? Buffer.alloc(0)])
  return text(a).equals(text(b))
}

function load({ prefix, minVersion, host, ...files }: CredentialOptions): Material {
  const cert = read(`${prefix}_CERT`, files.cert)
  const key = read(`${prefix}_KEY`, files.key)
  const ca = files.ca === undefined ? undefined : read(`${prefix}_CA`, files.ca)
  const [own, ...between] = certificatesIn(`${prefix}_CERT`, cert) as [X509Certificate, ...X509Certificate[]]
  const authorities = ca && certificatesIn(`${prefix}_CA`, ca)
  const refuse = (why: string) => {
    throw new ConfigError(`${prefix}_CERT ${why}`)
  }

  if (!own.checkPrivateKey(keyIn(`${prefix}_KEY`, key))) refuse(`does not go with ${prefix}_KEY`)
  const endsAt = new Date(own.validTo)
  if (endsAt.getTime() <= Date.now()) refuse(`ended on ${own.validTo}`)
  if (Date.parse(own.validFrom) > Date.now()) refuse(`begins on ${own.validFrom}`)
  if (authorities !== undefined && !leadsTo(own, between, authorities))
    refuse(`is not signed by ${prefix}_CA`)
  if (host !== undefined && !isFor(own, host)) refuse(`is not for ${host}, where others reach this service`)
  const sides = authorities === undefined ? [SERVER_SIDE] : [SERVER_SIDE, CLIENT_SIDE]
  // Without this extension a certificate is for everything. Node types it as always there.
  const usage = own.keyUsage as string[] | undefined
  if (usage !== undefined && !sides.every(side => usage.includes(side)))
    refuse(`is not for ${sides.length === 1 ? 'servers' : 'servers and clients'} (extended key usage)`)
  return { cert, key, ca, minVersion, endsAt, context: contextOf({ cert, key, ca, minVersion }, refuse) }
}

function read(name: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new ConfigError(`${name} cannot be read: ${(error as Error).message}`)
  }
}

/** The certificates of a PEM file, at least one. */
function certificatesIn(name: string, pem: Buffer): X509Certificate[] {
  const blocks = pem.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  try {
    if (blocks !== null) return blocks.map(block => new X509Certificate(block))
  } catch {
    // Said below.
  }
  throw new ConfigError(`${name} holds no certificate in PEM`)
}

function keyIn(name: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem)
  } catch {
    throw new ConfigError(`${name} holds no private key in PEM, or one with a passphrase`)
  }
}

/** Whether signatures lead from a certificate, through those `between`, to one of the authorities. */
function leadsTo(
  own: X509Certificate,
  between: readonly X509Certificate[],
  authorities: readonly X509Certificate[],
): boolean {
  const isOf = (issuer: X509Certificate) => own.checkIssued(issuer) && own.verify(issuer.publicKey)
  if (authorities.some(isOf)) return true
  const next = between.find(isOf)
  return (
    next !== undefined &&
    leadsTo(
      next,
      between.filter(other => other !== next),
      authorities,
    )
  )
}

const isFor = (own: X509Certificate, host: string) =>
  (isIP(host) === 0 ? own.checkHost(host) : own.checkIP(host)) !== undefined

/** OpenSSL has the last word: it turns down keys that are too short. */
function contextOf(
  { cert, key, ca, minVersion }: Omit<Material, 'context' | 'endsAt'>,
  refuse: (why: string) => void,
): SecureContext {
  try {
    return createSecureContext({ cert, key, minVersion, ...(ca && { ca }) })
  } catch (error) {
    refuse(`is not usable: ${(error as Error).message}`)
    throw error
  }
}
