import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../scripts/failure.ts'
import { isRunning } from '../scripts/process-id.ts'
import { roll } from '../scripts/rolling.ts'
import { readRun } from '../scripts/run-file.ts'
import { portSettings } from '../scripts/services.ts'
import type { Name } from '../test/system/system.ts'
import { waitFor } from '../test/system/waiting.ts'
import type { Deployment } from './deployment.ts'
import { createInner, type Inner } from './inner.ts'

/** How long the supervisor may take to have a service back, in ms: it waits longer each time one dies. */
const BACK_MS = 60_000
/** What the services do unless a setting says otherwise, in ms. */
const LEASE_MS = 15_000
const ABANDONED_MS = 60_000
const ORPHAN_MS = 3_600_000

/**
 * The system that start-all.sh runs with this data. It is not ours to stop: what a fault ends is started again by its
 * supervisor. Its secret and its times are read from the same settings as it has them.
 */
export async function openStanding(dataDir: string, env: NodeJS.ProcessEnv): Promise<Deployment> {
  const started = () => readRun(dataDir)?.started ?? []
  const names = [...new Set(started().map(({ name }) => name as Name))]
  if (names.length === 0) throw new Failure(`no system runs with the data in ${dataDir}`)
  const secret = env.SECRET_FILE ? firstLine(env.SECRET_FILE) : env.SECRET || undefined
  const inner = createInner(secret)
  const urls = await findUrls(inner, env)
  const processOf = (name: Name) => started().findLast(process => process.name === name)

  const kill: Deployment['kill'] = async (name, signal = 'SIGKILL') => {
    const process_ = processOf(name)
    if (process_ === undefined || !isRunning(process_)) return
    process.kill(process_.pid, signal)
    await waitFor(`the end of ${name}`, () => !isRunning(process_), BACK_MS)
  }
  const isBack = async (name: Name) => {
    const process = processOf(name)
    if (process === undefined || !isRunning(process)) return false
    const url = urls[name]
    return url === undefined || (await inner.json<{ ready: boolean }>(`${url}/health`))?.ready === true
  }
  const start = async (name: Name) => {
    await waitFor(`${name} back`, () => isBack(name), BACK_MS)
  }
  const log = (name: Name) => {
    const path = join(dataDir, 'logs', `${name}.log`)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  const lengths = new Map(names.map(name => [name, log(name).length]))

  return {
    urls: urls as Deployment['urls'],
    names,
    dataDir,
    secret,
    leaseMs: Number(env.LEASE_MS || LEASE_MS),
    abandonedMs: Number(env.ABANDONED_MS || ABANDONED_MS),
    orphanMs: Number(env.ORPHAN_MS || ORPHAN_MS),
    pids: () => Object.fromEntries(started().map(({ name, pid }) => [name, pid])),
    kill,
    killAll: async signal => {
      await Promise.all(names.map(name => kill(name, signal)))
    },
    start,
    startAll: async () => {
      await Promise.all(names.map(start))
    },
    async roll() {
      await roll(dataDir, () => {})
    },
    log,
    faults: () =>
      names.flatMap(name =>
        log(name)
          .slice(lengths.get(name))
          .split('\n')
          .filter(line => /unhandled|uncaught/i.test(line))
          .map(line => `${name} wrote: ${line.slice(0, 500)}`),
      ),
    sweepOrphans: async () => {},
    stop: async () => false,
    close: async () => {},
  }
}

async function findUrls(inner: Inner, env: NodeJS.ProcessEnv): Promise<Partial<Record<Name, string>>> {
  const kv = `http://${env.HOST || '127.0.0.1'}:${env.KV_STORE_PORT || '3000'}`
  const find = async ({ service, variable, standard }: (typeof portSettings)[number]) => {
    const entries = await inner.json<{ value: string }[]>(`${kv}/getAll?key=${service}Address`)
    // Of several of a kind the one whose port was set, which it keeps over restarts.
    const entry =
      entries?.find(({ value }) => value.endsWith(`:${env[variable] || standard}`)) ?? entries?.[0]
    if (entry === undefined) throw new Failure(`no ${service} is known to the kv-store at ${kv}`)
    return [service, `http://${entry.value}`] as const
  }
  const others = portSettings.filter(({ service }) => service !== 'kv-store')
  const found = await Promise.all(others.map(find))
  return { 'kv-store': kv, ...Object.fromEntries(found) }
}

const firstLine = (path: string) => readFileSync(path, 'utf8').trim().split('\n')[0]?.trim()
