import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..', '..')

/** Each service's port, its variable, and the port it has unless said. In the order they are started in. */
export const portSettings = [
  { service: 'kv-store', variable: 'KV_STORE_PORT', standard: 3000 },
  { service: 'database', variable: 'DATABASE_PORT', standard: 3001 },
  { service: 'storage', variable: 'STORAGE_PORT', standard: 3002 },
  { service: 'master', variable: 'MASTER_PORT', standard: 3003 },
  { service: 'worker', variable: 'WORKER_PORT', standard: 3004 },
  { service: 'frontend', variable: 'FRONTEND_PORT', standard: 8080 },
] as const

export type Service = (typeof portSettings)[number]['service']
/** 0: the system chooses. */
export type Ports = Readonly<Record<Service, number>>

/**
 * What a service is started with, unless the environment has it already. Storage waits for its disk in Node's threads, whose
 * number is settled before a line of ours runs: with the four of Node a disk that needs 5 ms for an fsync takes less than
 * half as many images a second.
 */
export const processSettings: Readonly<Partial<Record<Service, NodeJS.ProcessEnv>>> = {
  storage: { UV_THREADPOOL_SIZE: '16' },
}

/** What ends first: nobody is left who asks the one that ends next. */
export const stopOrder: readonly Service[] = [
  'frontend',
  'worker',
  'master',
  'storage',
  'database',
  'kv-store',
]

/** One process of the system, as it is to be started. */
export interface Part {
  readonly service: Service
  /** The service's name; the second worker is `worker-2`. */
  readonly name: string
  readonly port: number
  readonly variable: string
  /** What it runs. */
  readonly main: string
}

/** The processes of a system: the kv-store first, since all others ask it. */
export function listParts({ ports, workers }: { ports: Ports; workers: number }): Part[] {
  return portSettings.flatMap(({ service, variable }) => {
    const count = service === 'worker' ? workers : 1
    return Array.from({ length: count }, (_, i) => ({
      service,
      name: i === 0 ? service : `${service}-${i + 1}`,
      port: i === 0 ? ports[service] : 0,
      variable,
      main: join(ROOT, 'dist', service, 'main.js'),
    }))
  })
}

/** The service of a process's name. */
export const serviceOf = (name: string) => name.replace(/-[0-9]+$/, '') as Service
