import { type ChildProcess, spawn } from 'node:child_process'
import type { Test } from 'tap'
import type { Run } from '../../scripts/run-file.ts'
import { readRun } from '../../scripts/run-file.ts'
import { freePorts } from '../system/ports.ts'
import { waitFor } from '../system/waiting.ts'

/** A script that was called. */
export interface Called {
  readonly pid: number
  /** Its exit status, once it has ended. */
  readonly status: Promise<number | null>
  /** What it said so far, on either stream. */
  readonly said: () => string
  readonly lines: () => string[]
  signal(signal: NodeJS.Signals): void
}

/** Calls `scripts/NAME`, in the repository. */
export function call(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Called {
  const child: ChildProcess = spawn(`scripts/${name}`, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', piece => (said += piece))
  const status = new Promise<number | null>(resolve => child.once('close', resolve))
  return {
    pid: child.pid ?? 0,
    status,
    said: () => said,
    lines: () => said.split('\n').filter(line => line !== ''),
    signal: signal => child.kill(signal),
  }
}

/** A place for one system: its own ports, its own data. What is left of it is killed with the test. */
export interface Place {
  readonly env: Readonly<Record<string, string>>
  readonly dataDir: string
  readonly frontend: string
  /** Calls start-all.sh for this place. */
  start(...args: string[]): Called
  /** Calls stop-all.sh for this place. */
  stop(): Called
  /** What run.json says. */
  run(): Run | undefined
}

/** Kills what is left of a system, also when whoever started it is ended in the middle. */
export function killLeft(dataDir: string): void {
  const left = readRun(dataDir)
  for (const { pid } of [...(left ? [left.supervisor] : []), ...(left?.started ?? [])]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended before.
    }
  }
}

export async function findPlace(t: Test, dataDir = t.testdir()): Promise<Place> {
  const ports = await freePorts(6)
  const variables = ['KV_STORE_PORT', 'DATABASE_PORT', 'STORAGE_PORT', 'MASTER_PORT', 'WORKER_PORT']
  const env = Object.fromEntries(variables.map((variable, i) => [variable, String(ports[i])]))
  const frontend = String(ports[5])
  const run = () => readRun(dataDir)
  const kill = () => killLeft(dataDir)
  process.once('exit', kill)
  const starts: Called[] = []
  t.teardown(async () => {
    // A test that failed in the middle may have left one in the foreground.
    for (const start of starts) start.signal('SIGINT')
    await Promise.all(starts.map(({ status }) => status))
    kill()
    process.off('exit', kill)
  })
  return {
    env,
    dataDir,
    frontend: `http://127.0.0.1:${frontend}`,
    start: (...args) => {
      const start = call('start-all.sh', ['--data', dataDir, '--port', frontend, ...args], env)
      starts.push(start)
      return start
    },
    stop: () => call('stop-all.sh', ['--data', dataDir]),
    run,
  }
}

/** Resolves once a start in the foreground has printed its table. */
export function tableOf(start: Called, place: Place): Promise<unknown> {
  const look = async () => {
    if (start.said().includes(`${place.frontend}/\n`)) return true
    const hasEnded = await Promise.race([start.status, Promise.resolve('runs')])
    if (hasEnded !== 'runs') throw new Error(`start-all.sh ended: ${start.said()}`)
    return false
  }
  return waitFor('the table', look, 90_000)
}
