import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { formatAddress } from '../kit/address.ts'
import { Failure } from './failure.ts'
import type { HealthCheck } from './health.ts'
import { identify } from './process-id.ts'
import type { Started } from './run-file.ts'
import { type Part, processSettings, serviceOf } from './services.ts'

/** How long a service may take to be ready, in ms. */
const READY_MS = 30_000
/** Of what a child is given beside its output. */
const FIRST_FD = 3
/** Pause between two questions whether it is ready, in ms. */
const ASK_MS = 25

export interface ChildOptions {
  readonly part: Part
  readonly host: string
  readonly dataDir: string
  readonly env: NodeJS.ProcessEnv
  readonly health: HealthCheck
  /** File descriptor of the socket it listens on, if that is held for it. */
  readonly socket?: number | undefined
  /** True when it is to wait for its turn, its code loaded. Not for one that is handed a socket. */
  readonly isStandby?: boolean
}

/** One running service. */
export interface Child {
  readonly part: Part
  readonly started: Started
  /** Where its output is appended to. */
  readonly log: string
  /** How it ended: `exit status 1`, `SIGKILL`. */
  readonly ended: Promise<string>
  hasEnded(): boolean
  /** Resolves once one that stands by has loaded its code; a `Failure` when it ends before, or after 30 s. */
  loaded(signal: AbortSignal): Promise<void>
  /** It is the turn of one that stands by. */
  goAhead(): void
  /**
   * Resolves with its `host:port` once it says that it is ready, and is not the instance `former`, whose socket it shares; a
   * `Failure` when it ends before, or after 30 s.
   */
  ready(signal: AbortSignal, former?: string): Promise<string>
  /** The instance that it was when it was ready. */
  instance(): string | undefined
}

/**
 * Starts a service in a process group of its own, so that the terminal's Ctrl-C reaches the supervisor alone. Its output
 * goes to DATA/logs/NAME.log.
 */
export function startChild(options: ChildOptions): Child {
  const { part, host, dataDir, env, health, socket, isStandby = false } = options
  const log = join(dataDir, 'logs', `${part.name}.log`)
  const output = openSync(log, 'a')
  const from = statSync(log).size
  const child = spawn(process.execPath, [part.main], {
    detached: true,
    env: {
      ...processSettings[part.service],
      ...env,
      ...settingsFor(part, env),
      ...socketSettings(socket),
      ...standbySettings(isStandby),
      DATA_DIR: dataDir,
    },
    stdio: [
      'ignore',
      output,
      output,
      ...(socket === undefined ? [] : [socket]),
      ...(isStandby ? (['pipe'] as const) : []),
    ],
  })
  closeSync(output)
  const turn = isStandby ? (child.stdio[FIRST_FD] as Socket | null) : null
  // It ended: that is told by its end.
  turn?.on('error', () => {})
  const isLoaded = new Promise<void>(resolve => turn?.once('data', () => resolve()))
  let end: string | undefined
  const ended = endOf(child).then(how => {
    end = how
    return how
  })
  const written = () => readBehind(log, from).split('\n')
  const address = () => (part.port === 0 ? addressIn(written()) : formatAddress({ host, port: part.port }))
  let instance: string | undefined
  const { pid } = child
  if (pid === undefined) throw new Failure(`${part.name} cannot be started`)

  return {
    part,
    started: { name: part.name, ...identify(pid) },
    log,
    ended,
    hasEnded: () => end !== undefined,
    async loaded(signal) {
      const tooLong = delay(READY_MS, 'late' as const, { signal, ref: false })
      const how = await Promise.race([isLoaded, ended, tooLong])
      if (how === 'late')
        throw new Failure(`${part.name} was not loaded within ${READY_MS / 1_000} s: see ${log}`)
      if (how !== undefined) throw new Failure(whyEnded(part.name, written(), how, log))
    },
    goAhead: () => turn?.destroy(),
    instance: () => instance,
    async ready(signal, former) {
      const deadline = performance.now() + READY_MS
      while (performance.now() < deadline) {
        if (end !== undefined) throw new Failure(whyEnded(part.name, written(), end, log))
        const at = address()
        const found = at === undefined ? undefined : await health.instanceAt(at, part.service)
        if (at !== undefined && found !== undefined && found !== former) {
          instance = found
          return at
        }
        await delay(ASK_MS, undefined, { signal })
      }
      throw new Failure(`${part.name} was not ready within ${READY_MS / 1_000} s: see ${log}`)
    },
  }
}

/** On a port of the system's choice a service can only be found by its log, so that has to hold the line that says it. */
function settingsFor({ variable, port }: Part, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isQuiet = port === 0 && env.LOG_LEVEL !== undefined && env.LOG_LEVEL !== 'debug'
  return { [variable]: String(port), ...(isQuiet ? { LOG_LEVEL: 'info' } : {}) }
}

/** A socket is handed over as systemd does it, sd_listen_fds(3): the first one is file descriptor 3. */
function socketSettings(socket: number | undefined): NodeJS.ProcessEnv {
  return { LISTEN_PID: undefined, LISTEN_FDS: socket === undefined ? undefined : '1' }
}

function standbySettings(isStandby: boolean): NodeJS.ProcessEnv {
  return { STANDBY_FD: isStandby ? String(FIRST_FD) : undefined }
}

function endOf(child: ChildProcess): Promise<string> {
  return new Promise(resolve => {
    child.once('exit', (status, signal) => resolve(signal ?? `exit status ${status}`))
    child.once('error', error => resolve(error.message))
  })
}

/** A service that cannot start says why in one line that begins with its name; of a crash the log has the trace. */
function whyEnded(name: string, written: string[], end: string, log: string): string {
  const said = written.findLast(line => line.startsWith(`${serviceOf(name)}: `))
  return said ?? `${name} ended before it was ready (${end}): see ${log}`
}

/** What a file has behind its first `from` bytes. */
function readBehind(path: string, from: number): string {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(Math.max(0, fstatSync(file).size - from))
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from))
  } finally {
    closeSync(file)
  }
}

/** The address in the line `{"msg":"ready","address":"host:port",...}`. */
function addressIn(written: string[]): string | undefined {
  const line = written.find(line => line.includes('"msg":"ready"'))
  try {
    return line === undefined ? undefined : JSON.parse(line).address
  } catch {
    return undefined
  }
}
