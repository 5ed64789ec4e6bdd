import { type ChildProcess, spawn } from 'node:child_process'
import { appendFileSync, closeSync, existsSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openHealthCheck } from '../../scripts/health.ts'
import { atEnd } from './ending.ts'
import { waitFor } from './waiting.ts'

export type Signal = 'SIGTERM' | 'SIGINT' | 'SIGKILL'

/** How a process ended. */
export interface End {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
}

/** One service as a process of its own, which can be ended and started again on the same port. */
export interface ServiceProcess {
  readonly name: string
  readonly url: string
  /** Of the last start; also after its end. */
  readonly pid: () => number
  readonly isRunning: () => boolean
  /** Starts it, with these failpoints of kit/failpoint.ts, none unless said; resolves once it says that it is ready. */
  start(failpoints?: string): Promise<void>
  /** Resolves with how it ended, whoever ended it; a process that has not run is `undefined`. */
  ended(): Promise<End | undefined>
  /** Sends a signal and resolves with how it ended. A process that runs no more is left as it is. */
  kill(signal: Signal): Promise<End | undefined>
  /** All it ever said, over all starts. */
  log(): string
  /** A line for each end that nobody asked for, and no failpoint brought about. */
  readonly unasked: readonly string[]
}

/** What runs now: nothing of it may run on. */
const running = new Set<ChildProcess>()
atEnd(() => {
  for (const child of running) child.kill('SIGKILL')
})
const READY_MS = 60_000

export interface ServiceProcessOptions {
  readonly name: string
  readonly service: string
  readonly port: number
  /** Where it is reached; 127.0.0.1 unless said. */
  readonly host?: string
  /** The command it is run through, which becomes it: `ip netns exec NAME`. */
  readonly through?: readonly string[]
  /** The program and its arguments: dist/SERVICE/main.js, or failing.js, unless said. */
  readonly program?: readonly string[]
  /** Whether the service with failpoints runs. */
  readonly isFailing?: boolean
  /** Whether it does what is asked of it; unless said when /health says that it is the service, and ready. */
  readonly isReady?: () => Promise<boolean>
  readonly env: NodeJS.ProcessEnv
  /** The folder of its log. */
  readonly logs: string
}

export function createServiceProcess(options: ServiceProcessOptions): ServiceProcess {
  const { name, service, port, host = '127.0.0.1', env, logs } = options
  const { through = [], isFailing = false } = options
  const { program = [`dist/${service}/${isFailing ? 'failing' : 'main'}.js`] } = options
  const [command = '', ...args] = [...through, process.execPath, ...program]
  const url = `http://${host}:${port}`
  const path = join(logs, `${name}.log`)
  const unasked: string[] = []
  let child: ChildProcess | undefined
  let ended: Promise<End> | undefined
  let isAsked = true

  const log = () => (existsSync(path) ? readFileSync(path, 'utf8') : '')
  const hasFailed = (from: number) =>
    /^failpoint \S+: (crash|error)$/m.test(readFileSync(path).subarray(from).toString())
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null
  const health = openHealthCheck(env, host)
  const isThere = async () => (await health.instanceAt(`${host}:${port}`, service)) !== undefined
  const { isReady = isThere } = options
  const look = () => {
    if (!isRunning()) throw new Error(`${name} ended before it was ready:\n${log().slice(-2_000)}`)
    return isReady().catch(() => false)
  }

  return {
    name,
    url,
    pid: () => child?.pid ?? 0,
    isRunning,
    unasked,
    log,
    ended: async () => ended,
    async start(failpoints = '') {
      if (isRunning()) throw new Error(`${name} runs already`)
      if (isFailing) requireFailing()
      appendFileSync(path, '')
      const from = statSync(path).size
      const output = openSync(path, 'a')
      const started = spawn(command, args, {
        env: { ...env, FAILPOINTS: failpoints },
        stdio: ['ignore', output, output],
      })
      closeSync(output)
      child = started
      running.add(started)
      isAsked = false
      ended = new Promise(resolve =>
        started.once('exit', (status, signal) => {
          running.delete(started)
          if (!isAsked && !hasFailed(from))
            unasked.push(`${name} ended by itself: ${signal ?? `status ${status}`}`)
          resolve({ status, signal })
        }),
      )
      await waitFor(`${name} ready`, look, READY_MS)
    },
    async kill(signal) {
      if (!isRunning()) return ended
      isAsked = true
      child?.kill(signal)
      return ended
    },
  }
}

/** Services with failpoints are made on their own: of other sources they would show what is no more. */
function requireFailing(): void {
  const [built, failing] = ['dist/.built', 'dist/failing/.built'].map(path =>
    existsSync(path) ? readFileSync(path, 'utf8') : undefined,
  )
  if (failing === undefined || failing !== built)
    throw new Error('the services with failpoints are not built of what dist/ is: scripts/build.sh --failing')
}
