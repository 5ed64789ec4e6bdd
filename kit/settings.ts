import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { createAllowedHosts, formatAddress, isLoopback, parseAddress } from './address.ts'
import { ConfigError, setting } from './config.ts'
import { standardLimits } from './limits.ts'
import { type TrustConfig, tlsSettings } from './trust.ts'

/** `host:port`, spelled out. */
export const addressText = z.string().refine(isAddress, 'is not host:port')
/** A whole number from the environment, from `least` to `most`. */
export const whole = (least: number, most: number) =>
  z
    .string()
    .regex(/^[0-9]{1,15}$/, 'is not a whole number')
    .transform(Number)
    .refine(value => value >= least && value <= most, `is not between ${least} and ${most}`)
/** A comma-separated list of hosts and networks. */
export const hosts = z
  .string()
  .transform(value => value.split(',').flatMap(entry => entry.trim() || []))
  .refine(isHosts, 'is not a list of IP addresses, networks and names')

function isAddress(value: string): boolean {
  try {
    parseAddress(value)
    return true
  } catch {
    return false
  }
}

function isHosts(listed: readonly string[]): boolean {
  try {
    createAllowedHosts(listed)
    return true
  } catch {
    return false
  }
}

const port = whole(0, 65_535)

/** Settings that all six have; `prefix` and `standard` are of the service's own port. */
export const sharedSettings = (prefix: string, standard: number) => ({
  port: setting(port.default(standard), {
    env: `${prefix}_PORT`,
    unit: 'TCP port',
    says: 'where it listens; 0: the system chooses',
  }),
  host: setting(z.string().optional(), {
    env: 'HOST',
    unit: 'host',
    says: 'the interface it listens on: that of OWN, or 127.0.0.1; beyond loopback only with a secret',
  }),
  own: setting(addressText.optional(), {
    env: 'OWN',
    unit: 'host:port',
    says: 'the address others reach it at, when it is not HOST and PORT; its port is the one it listens on',
  }),
  // Spaces around it would be lost on the way, in a header.
  secret: setting(z.string().trim().min(8, 'is shorter than 8 characters').optional(), {
    env: 'SECRET',
    unit: 'text',
    says: 'what the inner services show each other',
    isHidden: true,
  }),
  secretFile: setting(z.string().optional(), {
    env: 'SECRET_FILE',
    unit: 'file',
    says: 'the same from a file: the first line is shown, every line is accepted',
  }),
  ...tlsSettings,
  allowedHosts: setting(hosts.default([]), {
    env: 'ALLOWED_HOSTS',
    unit: 'list',
    says: 'IP addresses, networks (10.0.0.0/8) and names that data may be sent to, beside loopback',
  }),
  patienceMs: setting(whole(100, 600_000).default(standardLimits.patienceMs), {
    env: 'PATIENCE_MS',
    unit: 'ms',
    says: 'how long it is looked back whether a sender or reader is too slow; half as long for headers',
  }),
  maxConnections: setting(whole(1, 1_000_000).default(standardLimits.maxConnections), {
    env: 'MAX_CONNECTIONS',
    unit: 'connections',
    says: 'most connections at once; fewer where the process may not open that many files',
  }),
  standbyFd: setting(whole(0, 1_000).optional(), {
    env: 'STANDBY_FD',
    unit: 'descriptor',
    says: 'a socket: it loads its code, writes a byte there, and begins once the other end is closed',
    isHidden: true,
  }),
  logLevel: setting(z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'), {
    env: 'LOG_LEVEL',
    unit: 'level',
    says: 'debug, info (a line a change of state), warn, error, silent',
  }),
})

/** Where the kv-store is; all but the kv-store itself have it. */
export const kvSetting = {
  kv: setting(addressText.default('127.0.0.1:3000'), {
    env: 'KV',
    unit: 'host:port',
    says: 'where the kv-store is',
  }),
}

/** Where a service that keeps something keeps it. */
export const dataSetting = {
  dataDir: setting(z.string().default('data'), {
    env: 'DATA_DIR',
    unit: 'folder',
    says: 'where its data lies; made when it is not there',
  }),
}

/** What an upload may be; looked at before anything is decoded. */
export const uploadSettings = {
  maxUploadBytes: setting(whole(1, 1e12).default(50_000_000), {
    env: 'MAX_UPLOAD_BYTES',
    unit: 'bytes',
    says: 'largest upload',
  }),
  maxPixels: setting(whole(1, 1e12).default(100_000_000), {
    env: 'MAX_PIXELS',
    unit: 'pixels',
    says: 'largest picture',
  }),
}

/** How much of uploads may be under way at once. */
export const admissionSettings = {
  maxBytesUnderWay: setting(whole(1, 1e12).default(2_500_000_000), {
    env: 'MAX_BYTES_UNDER_WAY',
    unit: 'bytes',
    says: 'most bytes of uploads at once, each counted as 1 MB at least; one alone may be larger',
  }),
  maxPixelsUnderWay: setting(whole(1, 1e15).default(5_000_000_000), {
    env: 'MAX_PIXELS_UNDER_WAY',
    unit: 'pixels',
    says: 'most pixels of uploads at once; one alone may have more',
  }),
}

/** What the shared settings come to. */
export interface Standing {
  readonly host: string
  readonly port: number
  /** Name or IP address that others reach it at. */
  readonly reachedAt: string
  /** `host:port` others use; undefined while the system chooses the port. */
  readonly advertised: string | undefined
  /** The first is shown to others, all are accepted. */
  readonly secrets: readonly string[]
}

/** The shared settings as text: what `loadConfig` gives. */
export interface SharedConfig extends TrustConfig {
  readonly port: number
  readonly host?: string | undefined
  readonly own?: string | undefined
  readonly secret?: string | undefined
  readonly secretFile?: string | undefined
  readonly allowedHosts: readonly string[]
  readonly patienceMs: number
  readonly maxConnections: number
  readonly standbyFd?: number | undefined
  readonly logLevel: string
}

/**
 * Where a service stands and which secrets it has. `isPublic` is true for the frontend alone: all others refuse to listen
 * beyond loopback without a secret (`ConfigError`).
 */
export function standingOf(config: SharedConfig, isPublic = false): Standing {
  const own = config.own === undefined ? undefined : parseAddress(config.own)
  const host = config.host ?? own?.host ?? '127.0.0.1'
  const port = own?.port ?? config.port
  const secrets = readSecrets(config)
  if (!isPublic && !isLoopback(host) && secrets.length === 0)
    throw new ConfigError(`HOST ${host} is not loopback, so a secret is needed: set SECRET or SECRET_FILE`)
  if (own === undefined && (host === '0.0.0.0' || host === '::'))
    throw new ConfigError(`HOST ${host} is no address that others can use: set OWN as well`)
  const advertised = port === 0 ? undefined : formatAddress(own ?? { host, port })
  return { host, port, reachedAt: own?.host ?? host, advertised, secrets }
}

function readSecrets({ secret, secretFile }: SharedConfig): string[] {
  if (secretFile === undefined) return secret === undefined ? [] : [secret]
  let content: string
  try {
    content = readFileSync(secretFile, 'utf8')
  } catch (error) {
    throw new ConfigError(`SECRET_FILE cannot be read: ${(error as Error).message}`)
  }
  const found = content.split('\n').flatMap(line => line.trim() || [])
  if (found.length === 0 || found.some(line => line.length < 8))
    throw new ConfigError('SECRET_FILE holds no secret of at least 8 characters')
  return found
}
