import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { request } from 'undici'
import { portSettings, processSettings, type Service, stopOrder } from '../../scripts/services.ts'
import { freePorts } from './ports.ts'
import { createServiceProcess, type End, type ServiceProcess, type Signal } from './process.ts'

/** A process's name: that of its service; the second one of a kind is `worker-2`. */
export type Name = Service | `${Service}-${number}`

/** Failpoints by process: `{ storage: 'storage.file.synced=crash' }`. */
export type Failpoints = Readonly<Partial<Record<Name, string>>>

export interface SystemOptions {
  /** Settings of all services, beside ports and data. */
  readonly env?: Readonly<Record<string, string>>
  /** What the inner services take for a secret, and show the first of (`writeSecrets`); none unless said. */
  readonly secrets?: readonly string[]
  /** How many of each run; 1 unless said. All storages share one folder. */
  readonly counts?: Partial<Record<Service, number>>
  /** Of which services stand-ins of the original run in place of ours. */
  readonly originals?: readonly Service[]
  /**
   * What fails in which process from its first start to its end, as `kit/failpoint.ts` has it; `{}` for nothing yet. With it
   * the services with failpoints run, to be built with `scripts/build.sh --failing`.
   */
  readonly failpoints?: Failpoints
  /** Keeps its data there, and leaves it; unless said in a folder that is removed in the end. */
  readonly dataDir?: string
  /** How a process differs from the others. */
  readonly each?: (name: Name, port: number) => Particular
}

/** What one process has for itself: where it listens, the command it is run through, settings. */
export interface Particular {
  /** 127.0.0.1 unless said. */
  readonly host?: string
  readonly through?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
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
  /** Resolves once it has ended, by whatever: a failpoint may do it. */
  ended(name: Name): Promise<End | undefined>
  /** Kills all at the same moment. */
  killAll(signal?: Signal): Promise<void>
  /** Starts it again, on its port, with these failpoints, none unless said; resolves once it is ready. */
  start(name: Name, failpoints?: string): Promise<void>
  /** Starts all that do not run: at once, or in order where originals look each other up at their start. */
  startAll(failpoints?: Failpoints): Promise<void>
  /** Ends all at the same moment, and starts all at the same moment. */
  restart(signal: Signal): Promise<void>
  /** Stops all in order, as start-all.sh does. */
  stop(): Promise<void>
  /** All that a process ever said. */
  log(name: Name): string
}

/** A system that somebody has to close. */
export interface OpenSystem extends System {
  /**
   * What must not be (reliability: I10): processes that ended and nobody killed, and what was written of an unhandled
   * rejection or an uncaught exception. To be asked before it is closed.
   */
  faults(): string[]
  /** Kills all, and removes the data unless a folder was given for it. */
  close(): Promise<void>
}

/** Starts a system and ends it with the test, which fails if there were faults (`OpenSystem`). */
export async function startSystem(t: Test, options: SystemOptions = {}): Promise<System> {
  const system = await openSystem(options)
  t.teardown(async () => {
    await system.killAll()
    const faults = system.faults()
    await system.close()
    if (faults.length > 0) throw new Error(faults.join('\n'))
  })
  return system
}

/** Puts other secrets in the place of a system's own: each service knows them from its next start on. */
export function writeSecrets(dataDir: string, secrets: readonly string[]): void {
  writeFileSync(secretsIn(dataDir), `${secrets.join('\n')}\n`)
}

const secretsIn = (dataDir: string) => join(dataDir, 'secrets')

/** Starts a system. Needs dist/ to be built. */
export async function openSystem(options: SystemOptions = {}): Promise<OpenSystem> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'verdigris-'))
  const logs = join(dataDir, 'logs')
  mkdirSync(logs, { recursive: true })
  if (options.secrets !== undefined) writeSecrets(dataDir, options.secrets)
  const processes = await plan(dataDir, logs, options)
  const names = [...processes.keys()]
  const of = (name: Name): ServiceProcess => {
    const found = processes.get(name)
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  const all = [...processes.values()]

  const killAll = async (signal: Signal) => {
    await Promise.all(all.map(process => process.kill(signal)))
  }
  const startAll = async (failpoints: Failpoints = {}) => {
    const missing = all.filter(({ isRunning }) => !isRunning())
    if (options.originals === undefined)
      await Promise.all(missing.map(process => process.start(failpoints[process.name as Name])))
    else for (const process of missing) await process.start()
  }
  const close = async () => {
    await killAll('SIGKILL')
    if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
  }
  try {
    await startAll(options.failpoints)
  } catch (error) {
    await close()
    throw error
  }

  return {
    urls: Object.fromEntries(all.map(({ name, url }) => [name, url])) as Record<Name, string>,
    pids: () =>
      Object.fromEntries(all.filter(({ isRunning }) => isRunning()).map(({ name, pid }) => [name, pid()])),
    names,
    dataDir,
    kill: (name, signal = 'SIGKILL') => of(name).kill(signal),
    ended: name => of(name).ended(),
    killAll: (signal = 'SIGKILL') => killAll(signal),
    start: (name, failpoints) => of(name).start(failpoints),
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
    faults: () => all.flatMap(faultsOf),
    close,
  }
}

async function plan(
  dataDir: string,
  logs: string,
  { env, secrets, counts = {}, originals = [], failpoints, each = () => ({}) }: SystemOptions,
): Promise<Map<Name, ServiceProcess>> {
  const parts = portSettings.flatMap(({ service, variable }) =>
    Array.from({ length: counts[service] ?? 1 }, (_, i) => ({
      name: (i === 0 ? service : `${service}-${i + 1}`) as Name,
      service,
      variable,
    })),
  )
  const isFailing = failpoints !== undefined
  const ports = await freePorts(parts.length)
  const kv = `${each('kv-store', ports[0] ?? 0).host ?? '127.0.0.1'}:${ports[0]}`
  const guard = secrets && { SECRET_FILE: secretsIn(dataDir) }
  const shared = { ...process.env, ...env, ...guard, KV: kv, DATA_DIR: dataDir }
  return new Map(
    parts.map(({ name, service, variable }, i) => {
      const port = ports[i] ?? 0
      const { env: particular, ...place } = each(name, port)
      const original = originals.includes(service) ? standIn(service, port, kv) : {}
      const own = { ...processSettings[service], ...shared, [variable]: String(port), ...particular }
      const options = { name, service, port, env: own, logs, isFailing, ...place, ...original }
      return [name, createServiceProcess(options)]
    }),
  )
}

/** How the stand-in of an original is started, and told to be there. */
function standIn(service: Service, port: number, kv: string) {
  const own = `127.0.0.1:${port}`
  const places: Record<Service, string[]> = {
    'kv-store': [own],
    database: [own, kv],
    storage: [own, kv],
    master: [own, kv],
    worker: [kv, '2'],
    frontend: [own, kv],
  }
  const key = `${service}Address`
  const isEntered = async () => {
    const { body } = await request(`http://${kv}/get?key=${key}`)
    return (await body.text()) === own
  }
  const answers = async () => {
    const { body } = await request(`http://${own}/`)
    await body.dump()
    return true
  }
  const entersItself = service === 'database' || service === 'storage' || service === 'master'
  return {
    program: [`dist/test/originals/${service}.js`, ...places[service]],
    // A worker listens nowhere: once it runs, it asks.
    isReady: service === 'worker' ? async () => true : entersItself ? isEntered : answers,
  }
}

function faultsOf({ name, unasked, log }: ServiceProcess): string[] {
  const lines = log()
    .split('\n')
    .filter(line => /unhandled|uncaught/i.test(line))
  return [...unasked, ...lines.map(line => `${name} wrote: ${line.slice(0, 500)}`)]
}
