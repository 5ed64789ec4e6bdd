import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Failure } from './failure.ts'
import { type Ports, portSettings } from './services.ts'

/** Most workers one start-all starts; more processes than that belong on more machines. */
const MOST_WORKERS = 64
/** Where data lies unless said: the folder `data` of the repository, whatever folder start-all is called from. */
const STANDARD_DATA = join(import.meta.dirname, '..', '..', 'data')

/** What start-all is asked to do. */
export interface StartOptions {
  readonly ports: Ports
  /** Absolute path. */
  readonly dataDir: string
  readonly workers: number
  /** Return once all are ready, and let them run. */
  readonly isDetached: boolean
  /** Replace the processes of the system that runs already. */
  readonly isRolling: boolean
}

export const startHelp = `scripts/start-all.sh [--port N] [--data DIR] [--workers N] [--detach]
scripts/start-all.sh --rolling [--data DIR]

Installs and builds what is missing, starts the six services, and says where they are. Ctrl-C stops them in order, a
second one at once. A service that ends by itself is started again, after a pause that grows from 0.1 to 30 s.

  --port N      the frontend's port; 0: the system chooses (FRONTEND_PORT, or 8080)
  --data DIR    where data, logs and run.json lie (DATA_DIR, or ./data)
  --workers N   how many worker processes, 1 to ${MOST_WORKERS}; the second and later on ports of the system's choice (1)
  --detach      return once all are ready; scripts/stop-all.sh stops them
  --rolling     restart, one after the other, the services of the system that runs with this data; nobody need notice.
                They keep the settings of the start, except for what stands in files: code, secrets, certificates

The other ports: KV_STORE_PORT, DATABASE_PORT, STORAGE_PORT, MASTER_PORT, WORKER_PORT (3000 to 3004). Every other
setting of the services is taken from the environment too: node dist/SERVICE/main.js --help.
`

export const stopHelp = `scripts/stop-all.sh [--data DIR]

Stops, in order, the system that start-all.sh started with this data (DATA_DIR, or ./data).
`

/** Reads what start-all is asked to do; `help` when that was asked for. Throws a `Failure` with status 2. */
export function readStartOptions(argv: readonly string[], env: NodeJS.ProcessEnv): StartOptions | 'help' {
  const given = parse(argv, {
    port: { type: 'string' },
    data: { type: 'string' },
    workers: { type: 'string' },
    detach: { type: 'boolean' },
    rolling: { type: 'boolean' },
  })
  if (given.help === true) return 'help'
  const isRolling = given.rolling === true
  if (isRolling && (given.port ?? given.workers ?? given.detach) !== undefined)
    throw new Failure('--rolling keeps the settings of the start: it takes --data alone', 2)
  if (env.OWN) throw new Failure('OWN is the address of one service: it cannot be set for all six', 2)
  if (env.HOST === '0.0.0.0' || env.HOST === '::')
    throw new Failure(`HOST ${env.HOST} is no address that others can use: name one of this machine`, 2)
  const workers = readWhole('--workers', textOf(given.workers) ?? '1', 1, MOST_WORKERS)
  return {
    ports: readPorts(env, textOf(given.port)),
    dataDir: readDataDir(textOf(given.data), env),
    workers,
    isDetached: given.detach === true,
    isRolling,
  }
}

/** Reads which system stop-all is to stop; `help` when that was asked for. Throws a `Failure` with status 2. */
export function readStopOptions(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): { readonly dataDir: string } | 'help' {
  const given = parse(argv, { data: { type: 'string' } })
  return given.help === true ? 'help' : { dataDir: readDataDir(textOf(given.data), env) }
}

type Given = Record<string, string | boolean | undefined>

function parse(argv: readonly string[], options: Record<string, { type: 'string' | 'boolean' }>): Given {
  try {
    const all = { ...options, help: { type: 'boolean' as const } }
    return parseArgs({ args: [...argv], options: all, strict: true }).values as Given
  } catch (error) {
    throw new Failure(`${(error as Error).message.split(/\.\s/)[0]}; see --help`, 2)
  }
}

const textOf = (value: string | boolean | undefined) => (typeof value === 'string' ? value : undefined)

function readDataDir(given: string | undefined, env: NodeJS.ProcessEnv): string {
  if (given === '') throw new Failure('--data is empty', 2)
  return resolve(given ?? (env.DATA_DIR || STANDARD_DATA))
}

/** Each service's port; two services cannot have the same one. */
function readPorts(env: NodeJS.ProcessEnv, frontend: string | undefined): Ports {
  const owners = new Map<number, string>()
  const ports = portSettings.map(({ service, variable, standard }) => {
    const isFlag = service === 'frontend' && frontend !== undefined
    const name = isFlag ? '--port' : variable
    const port = readWhole(name, (isFlag ? frontend : env[variable]) || String(standard), 0, 65_535)
    const owner = owners.get(port)
    if (port !== 0 && owner !== undefined) throw new Failure(`${owner} and ${name} are both ${port}`, 2)
    owners.set(port, name)
    return [service, port] as const
  })
  return Object.fromEntries(ports) as Ports
}

function readWhole(name: string, text: string, least: number, most: number): number {
  const value = /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new Failure(`${name} is not a whole number from ${least} to ${most}`, 2)
}
