import * as z from 'zod'
import { ConfigError, setting } from './config.ts'
import { type Credentials, openCredentials } from './credentials.ts'

const file = z.string().optional()

/** What goes between the inner services; all six have it. */
export const tlsSettings = {
  tlsCert: setting(file, {
    env: 'TLS_CERT',
    unit: 'PEM file',
    says: 'its certificate, and what leads to TLS_CA; with the next two the inner services speak TLS alone',
  }),
  tlsKey: setting(file, {
    env: 'TLS_KEY',
    unit: 'PEM file',
    says: 'the key of that certificate, without a passphrase',
  }),
  tlsCa: setting(file, {
    env: 'TLS_CA',
    unit: 'PEM file',
    says: 'who signs the certificates of the inner services, and nothing else: whoever has one is let in',
  }),
}

/** What the frontend shows the public. */
export const publicTlsSettings = {
  publicTlsCert: setting(file, {
    env: 'PUBLIC_TLS_CERT',
    unit: 'PEM file',
    says: 'the certificate that browsers are shown, and what leads to its authority; without it they get plain HTTP',
  }),
  publicTlsKey: setting(file, {
    env: 'PUBLIC_TLS_KEY',
    unit: 'PEM file',
    says: 'the key of that certificate, without a passphrase',
  }),
}

/** Paths of the files. */
export interface InnerFiles {
  readonly tlsCert?: string | undefined
  readonly tlsKey?: string | undefined
  readonly tlsCa?: string | undefined
}

export interface TrustConfig extends InnerFiles {
  readonly publicTlsCert?: string | undefined
  readonly publicTlsKey?: string | undefined
}

/** What a service shows, and whom it believes; nothing of it where nothing is encrypted. */
export interface Trust {
  /** Towards the other services. */
  readonly credentials: Credentials | undefined
  /** Towards its callers: the same, but for the frontend, whose callers are the public. */
  readonly serverCredentials: Credentials | undefined
}

/** Reads the files that the settings name. Throws a `ConfigError` when one is missing, or they do not fit together. */
export function openTrust(config: TrustConfig, host: string, isPublic: boolean): Trust {
  const credentials = openInnerCredentials(config, isPublic ? undefined : host)
  return { credentials, serverCredentials: isPublic ? openPublicCredentials(config) : credentials }
}

/** `host` is where others reach who shows them, if they do. */
export function openInnerCredentials(files: InnerFiles, host: string | undefined): Credentials | undefined {
  const { tlsCert: cert, tlsKey: key, tlsCa: ca } = files
  if (cert === undefined && key === undefined && ca === undefined) return undefined
  if (cert === undefined || key === undefined || ca === undefined)
    throw new ConfigError('TLS_CERT, TLS_KEY and TLS_CA are set together, or none of them')
  return openCredentials({ prefix: 'TLS', cert, key, ca, host, minVersion: 'TLSv1.3' })
}

function openPublicCredentials({ publicTlsCert: cert, publicTlsKey: key }: TrustConfig) {
  if (cert === undefined && key === undefined) return undefined
  if (cert === undefined || key === undefined)
    throw new ConfigError('PUBLIC_TLS_CERT and PUBLIC_TLS_KEY are set together, or neither')
  return openCredentials({ prefix: 'PUBLIC_TLS', cert, key, minVersion: 'TLSv1.2' })
}
