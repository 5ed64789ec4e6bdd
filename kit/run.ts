import { randomUUID } from 'node:crypto'
import { setDefaultHighWaterMark } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import type { FastifyInstance } from 'fastify'
import { formatAddress } from './address.ts'
import { ConfigError } from './config.ts'
import { affordableConnections } from './descriptors.ts'
import type { Registration } from './discovery.ts'
import { createLogger, type Logger } from './log.ts'
import type { Mesh } from './mesh.ts'
import { keepToOneself } from './privacy.ts'
import type { Identity } from './server.ts'
import { type SharedConfig, type Standing, standingOf } from './settings.ts'
import { standBy } from './standby.ts'
import { openTrust, type Trust } from './trust.ts'
import { version } from './version.ts'

/** How long a service that left discovery serves on, in ms: others look that often. */
export const LINGER_MS = 1_000
/** How long what is under way may take to end, in ms. */
export const DRAIN_MS = 10_000
/**
 * Bytes a stream may hold. Larger pieces cost less CPU than Node's own 16 KB; with 256 KB, a hundred uploads of 20 MB at
 * once took storage past 250 MB of memory (test/system/memory.test.ts, in full).
 */
const STREAM_BYTES = 64 * 1024

/**
 * By how many percent of what lives in it the heap may grow before all of it is marked: so much that the buffers of bodies
 * which pass through do not set that off (docs/decisions, 023).
 */
export const HEAP_GROWTH = 400

/** The file descriptor of the first socket that is handed over. */
const FIRST_SOCKET = 3

/** What every main begins with. */
export interface Start extends Trust {
  readonly standing: Standing
  readonly identity: Identity
  readonly log: Logger
  readonly patienceMs: number
  readonly maxConnections: number
}

/** Waits for its turn, if it was told to; then who this process is and where it stands. Ends the process with one line when a setting contradicts another. */
export function startService(service: string, config: SharedConfig, isPublic = false): Start {
  keepToOneself()
  setDefaultHighWaterMark(false, STREAM_BYTES)
  setFlagsFromString(`--heap-growing-percent=${HEAP_GROWTH}`)
  if (config.standbyFd !== undefined) standBy(config.standbyFd)
  try {
    const standing = standingOf(config, isPublic)
    const identity = {
      service,
      instance: `${service}-${randomUUID()}`,
      version,
      reachedAt: standing.reachedAt,
      advertised: standing.advertised,
    }
    const log = createLogger({ ...identity, level: config.logLevel })
    // Node ends the process then, and says so in its own words, without the places in the source.
    process.on('uncaughtExceptionMonitor', err => log.fatal({ err }, 'a bug: ending'))
    const trust = openTrust(config, standing.reachedAt, isPublic)
    const maxConnections = Math.min(config.maxConnections, affordableConnections())
    return { standing, identity, log, ...trust, patienceMs: config.patienceMs, maxConnections }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return fail(service, error.message)
  }
}

export interface RunOptions extends Start {
  readonly app: FastifyInstance
  /** Whether its socket is handed over to it, as the first one (sd_listen_fds(3)). */
  readonly isHandedOver?: boolean
  /** How it enters discovery; the kv-store does not. */
  readonly discovery?: { readonly mesh: Mesh; readonly key: string; readonly own?: string | undefined }
  /** Ends what the service does on its own account (a worker's tasks, a sweeper) while its server still answers. */
  readonly drain?: () => Promise<void>
  /** Closes what it opened, after its server closed. */
  readonly close?: () => Promise<void>
}

/**
 * Listens, enters discovery, and ends in order on a signal: SIGTERM leaves discovery, serves on for 1 s, lets what is
 * under way end within 10 s; SIGINT does the same without the second of serving on, for when everything stops, also behind a
 * SIGTERM: a machine that goes down sends that to all, the supervisor too, which then stops all in order. Any other second signal ends
 * the process at once.
 */
export async function runService(options: RunOptions): Promise<void> {
  const { app, standing, identity, log } = options
  try {
    const { host, port } = standing
    await app.listen({ host, port, ...(options.isHandedOver && { fd: FIRST_SOCKET }) })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (options.isHandedOver)
      fail(identity.service, `file descriptor ${FIRST_SOCKET} is no socket to listen on (${code})`)
    const reason = code === 'EADDRINUSE' ? `port ${standing.port} of ${standing.host} is in use` : message
    fail(identity.service, reason)
  }
  const { port } = app.server.address() as { port: number }
  let registration: Registration | undefined
  let told: NodeJS.Signals | undefined
  const stopping = new AbortController()

  const end = async (signal: NodeJS.Signals) => {
    if (signal === 'SIGINT') stopping.abort()
    const isFirst = told === undefined
    if (!isFirst && !(told === 'SIGTERM' && signal === 'SIGINT')) {
      log.warn(`${signal} again: ending at once`)
      process.exit(1)
    }
    told = signal
    if (!isFirst) return
    app.isReady = false
    app.isLeaving = true
    log.info(`${signal}: draining`)
    setTimeout(
      () => {
        log.error('draining took too long: ending at once')
        process.exit(1)
      },
      DRAIN_MS + LINGER_MS + 1_000,
    ).unref()
    await registration?.leave()
    const linger = () => delay(LINGER_MS, undefined, { signal: stopping.signal }).catch(() => {})
    await Promise.all([options.drain?.(), registration !== undefined && linger()])
    await Promise.race([app.close(), delay(DRAIN_MS, undefined, { ref: false })])
    await options.discovery?.mesh.close()
    await options.close?.()
    log.info('ended')
    process.exit(0)
  }
  const endOrFail = (signal: NodeJS.Signals) => {
    end(signal).catch(error => {
      log.error({ err: error }, 'the end did not go in order')
      process.exit(1)
    })
  }
  for (const credentials of new Set([options.credentials, options.serverCredentials]))
    credentials?.follow(log)
  process.on('SIGTERM', endOrFail).on('SIGINT', endOrFail)

  if (options.discovery !== undefined) {
    const { mesh, key, own } = options.discovery
    registration = mesh.register({ key, host: standing.host, port, own, instance: identity.instance })
    await registration.standing
  }
  app.isReady = told === undefined
  log.info({ address: identity.advertised ?? formatAddress({ host: standing.host, port }) }, 'ready')
}

/** One line for whoever starts the service, and a status that says it failed. */
export function fail(service: string, message: string): never {
  process.stderr.write(`${service}: ${message}\n`)
  process.exit(1)
}

/** For an engine whose disk failed: what it kept is unknown, and only a new start finds it out. */
export function endOnLoss({ log }: Start): (error: unknown) => never {
  return err => {
    log.fatal({ err }, 'the disk did not keep what it was given: ending')
    process.exit(1)
  }
}

/** Opens what a service keeps its data in; ends the process with one line when that cannot be had. */
export async function openOrFail<T>({ identity }: Start, open: () => T | Promise<T>): Promise<T> {
  try {
    return await open()
  } catch (error) {
    return fail(identity.service, `its data cannot be opened: ${(error as Error).message}`)
  }
}
