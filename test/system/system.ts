import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { portSettings, type Service, stopOrder } from '../../scripts/services.ts'
import { freePorts } from './ports.ts'
import { createServiceProcess, type End, type ServiceProcess, type Signal } from './process.ts'

/** A service's name; the second worker is `worker-2`. */
export type Name = Service | `worker-${number}`

export interface SystemOptions {
  /** Settings of all services, beside ports and data. */
  readonly env?: Readonly<Record<string, string>>
  /** Worker processes, from 0; 1 unless said. */
  readonly workers?: number
  /** Keeps its data there, and leaves it; unless said in a folder that is removed in the end. */
  readonly dataDir?: string
}

/** All six services of dist/ as real processes on free ports. */
export interface System {
  /** `http://127.0.0.1:PORT` of each process. */
  readonly urls: Readonly<Record<Name, string>>
  /** The process numbers of those that run now. */
  readonly pids: () => Readonly<Record<string, number>>
  readonly names: readonly Name[]
  readonly dataDir: string
  /** Sends a signal (SIGKILL unless said) and resolves once the process has ended. */
  kill(name: Name, signal?: Signal): Promise<End | undefined>
  /** Kills all at the same moment. */
  killAll(signal?: Signal): Promise<void>
  /** Starts it again, on its port; resolves once it is ready. */
  start(name: Name): Promise<void>
  /** Starts, at once, all that do not run. */
  startAll(): Promise<void>
  /** Ends all at the same moment, and starts all at the same moment. */
  restart(signal: Signal): Promise<void>
  /** Stops all in order, as start-all.sh does. */
  stop(): Promise<void>
  /** All that a process ever said. */
  log(name: Name): string
}

/**
 * Starts a system and ends it with the test. The test fails if a process ended that nobody killed, or if one wrote of an
 * unhandled rejection or an uncaught exception (reliability: I10). Needs dist/ to be built.
 */
export async function startSystem(t: Test, options: SystemOptions = {}): Promise<System> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'verdigris-'))
  const logs = join(dataDir, 'logs')
  mkdirSync(logs, { recursive: true })
  const processes = await plan(dataDir, logs, options)
  const names = [...processes.keys()]
  const of = (name: Name): ServiceProcess => {
    const found = processes.get(name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  const all = [...processes.values()]

  t.teardown(async () => {
    await killAll('SIGKILL')
    const faults = all.flatMap(faultsOf)
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  const killAll = async (signal: Signal) => {
    await Promise.all(all.map(process => process.kill(signal)))
  }
  const startAll = async () => {
    await Promise.all(all.filter(({ isRunning }) => !isRunning()).map(process => process.start()))
  }
  await startAll()

  return {
    urls: Object.fromEntries(all.map(({ name, url }) => [name, url])) as Record<Name, string>,
    pids: () =>
      Object.fromEntries(all.filter(({ isRunning }) => isRunning()).map(({ name, pid }) => [name, pid()])),
    names,
    dataDir,
    kill: (name, signal = 'SIGKILL') => of(name).kill(signal),
    killAll: (signal = 'SIGKILL') => killAll(signal),
    start: name => of(name).start(),
    startAll,
    async restart(signal) {
      await killAll(signal)
      await startAll()
    },
    async stop() {
      for (const service of stopOrder) {
        const alike = all.filter(({ name }) => name.replace(/-[0-9]+$/, '') === service)
        await Promise.all(alike.map(process => process.kill('SIGINT')))
      }
    },
    log: name => of(name).log(),
  }
}

async function plan(
  dataDir: string,
  logs: string,
  { env, workers = 1 }: SystemOptions,
): Promise<Map<Name, ServiceProcess>> {
  const ports = await freePorts(portSettings.length + workers - 1)
  const kv = `127.0.0.1:${ports[0]}`
  const parts = portSettings.flatMap(({ service, variable }) =>
    Array.from({ length: service === 'worker' ? workers : 1 }, (_, i) => ({
      name: (i === 0 ? service : `${service}-${i + 1}`) as Name,
      service,
      variable,
    })),
  )
  return new Map(
    parts.map(({ name, service, variable }, i) => {
      const port = ports[i] ?? 0
      const own = { ...process.env, ...env, KV: kv, DATA_DIR: dataDir, [variable]: String(port) }
      return [name, createServiceProcess({ name, service, port, env: own, logs })]
    }),
  )
}

function faultsOf({ name, unasked, log }: ServiceProcess): string[] {
  const lines = log()
    .split('\n')
    .filter(line => /unhandled|uncaught/i.test(line))
  return [...unasked, ...lines.map(line => `${name} wrote: ${line.slice(0, 500)}`)]
}
