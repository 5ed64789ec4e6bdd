import { join } from 'node:path'
import { HEAP_GROWTH } from '../../kit/run.ts'
import { processSettings } from '../../scripts/services.ts'
import { freePorts } from '../../test/system/ports.ts'
import { openClient } from '../client.ts'
import { type Daemon, openDaemon } from '../daemon.ts'
import type { Subject } from '../load.ts'

const NAMES = ['database', 'storage', 'master', 'worker', 'frontend'] as const
type Name = (typeof NAMES)[number]
/** What ours tell V8. */
const HEAP = `--heap-growing-percent=${HEAP_GROWTH}`

/**
 * The barest system of this shape: five processes on node:http, as durable as ours, that do for a picture what has to be done
 * and nothing else. Addresses are arguments; there are no checks, limits, leases that end, second tries, seals, or figures,
 * and nothing is found again after a crash. Node runs them with the settings of ours.
 */
export async function openBare(dataDir: string): Promise<Subject> {
  const ports = await freePorts(NAMES.length)
  const urls = Object.fromEntries(NAMES.map((name, at) => [name, `http://127.0.0.1:${ports[at]}`]))
  const { database = '', storage = '', master = '' } = urls
  const args: Readonly<Record<Name, readonly string[]>> = {
    database: [join(dataDir, 'database.sqlite')],
    storage: [join(dataDir, 'storage')],
    master: [storage, database],
    worker: [master, storage],
    frontend: [master],
  }
  const running = new Map<Name, Daemon>()
  for (const [at, name] of NAMES.entries())
    running.set(name, await start(name, ports[at] ?? 0, args[name], dataDir))
  const close = async () => {
    for (const one of [...running.values()].reverse()) await one.close()
    running.clear()
  }
  return {
    names: NAMES,
    urls,
    // There is no other attempt: no lease ends.
    resultOf: id => `${storage}/getImage?id=${id}.1&state=finished`,
    pids: () => Object.fromEntries([...running].map(([name, { pid }]) => [name, pid])),
    faults: () => [],
    stop: close,
    close,
  }
}

/** Resolves once it listens. */
async function start(name: Name, port: number, args: readonly string[], dataDir: string): Promise<Daemon> {
  const client = openClient(`http://127.0.0.1:${port}`, 1)
  const daemon = await openDaemon({
    command: [process.execPath, HEAP, join(import.meta.dirname, `${name}.js`), String(port), ...args],
    settings: processSettings[name],
    log: join(dataDir, `${name}.log`),
    async isReady() {
      await client.ask({ method: 'GET', path: '/ready' })
      return true
    },
  })
  await client.close()
  return daemon
}
