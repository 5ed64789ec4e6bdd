import { formatAddress } from '../kit/address.ts'
import { startChild } from './child.ts'
import { endInOrder, killAtOnce } from './ending.ts'
import { Failure } from './failure.ts'
import { checkPorts, prepareDataDir } from './ground.ts'
import { openHealthCheck, publicScheme } from './health.ts'
import { Keeper } from './keeper.ts'
import type { StartOptions } from './options.ts'
import { isRunning } from './process-id.ts'
import { ROLL_SIGNAL } from './rolling.ts'
import { openRunFile } from './run-file.ts'
import { listParts, type Part } from './services.ts'
import { type HeldSocket, holdSocket } from './socket.ts'
import { formatTable } from './table.ts'

export interface Supervision {
  readonly options: StartOptions
  readonly env: NodeJS.ProcessEnv
  /** The program that holds a socket: a built scripts/holder.ts. */
  readonly holder: string
  /** Whose signals it follows: the first one stops all in order, the next one at once. */
  readonly signals: NodeJS.EventEmitter
  /** Told a line for whoever watches. */
  readonly say: (line: string) => void
  /** Told the table, once all are ready. */
  readonly onReady: (table: string) => void
}

/**
 * Starts a system and stays with it until it is told to stop. Gives the exit status; a start that fails ends what it
 * started and throws a `Failure`.
 */
export async function supervise(supervision: Supervision): Promise<number> {
  const { options, env, holder, signals, say, onReady } = supervision
  const { dataDir } = options
  const parts = listParts(options)
  const host = env.HOST || '127.0.0.1'
  prepareDataDir(dataDir, say)
  const health = openHealthCheck(env, host)
  const runFile = openRunFile(dataDir, say)
  const keepers: Keeper[] = []
  const stopping = new AbortController()
  const stopped = onceAborted(stopping.signal)
  const running = () => keepers.flatMap(keeper => keeper.running())
  let socket: HeldSocket | undefined

  const onSignal = () => {
    if (stopping.signal.aborted) {
      killAtOnce(running())
      runFile.remove()
      process.exit(1)
    }
    stopping.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) signals.on(signal, onSignal)

  let isUp = false
  let rolling: Promise<void> | undefined
  const onRoll = () => {
    rolling ??= rollOver(isUp ? keepers : undefined, stopping.signal, say)
      .then(
        () => '',
        error => (error as Error).message,
      )
      .then(failure => {
        runFile.noteRoll(running(), failure)
        rolling = undefined
      })
  }
  signals.on(ROLL_SIGNAL, onRoll)

  const keep = (part: Part, kv: string): Keeper => {
    const isShared = part.service === 'frontend'
    const start = (part: Part, isStandby: boolean) => {
      const child = startChild({
        part,
        host,
        dataDir,
        env: { ...env, KV: kv },
        health,
        socket: isShared ? socket?.fd : undefined,
        isStandby,
      })
      runFile.note([...running(), child.started])
      return child
    }
    const keeper = new Keeper({ part, start, isShared, stopping: stopping.signal, say })
    keepers.push(keeper)
    return keeper
  }
  const startAll = async () => {
    await checkPorts(parts, host).catch(error => explainLeftOver(error, runFile.leftOver.length))
    if (runFile.leftOver.length > 0) explainLeftOver(new Failure('the data is in use'), 1)
    const frontend = parts.find(({ service }) => service === 'frontend') as Part
    socket = await holdSocket(frontend, host, holder)
    const [first, ...others] = parts as [Part, ...Part[]]
    const registry = keep(first, '')
    // The others wait for it themselves, once it is known where: loading their code takes as long.
    const kv = first.port === 0 ? await registry.ready() : formatAddress({ host, port: first.port })
    // Where the system chose its port, it must come back there: that is where all others look.
    registry.stayAt(kv)
    for (const part of others) keep(part === frontend ? { ...part, port: socket?.port ?? 0 } : part, kv)
    return Promise.all(keepers.map(keeper => keeper.ready()))
  }
  const stopAll = async () => {
    const names = await endInOrder(running(), say)
    await socket?.close()
    await health.close()
    const left = running().filter(isRunning)
    if (left.length > 0) runFile.note(left)
    else runFile.remove()
    return { names, status: left.length > 0 ? 1 : 0 }
  }

  try {
    const addresses = await startAll()
    const rows = keepers.map(({ part, log }, i) => ({ name: part.name, address: addresses[i] ?? '', log }))
    onReady(formatTable(rows, publicScheme(env), process.cwd()))
  } catch (error) {
    const wasTold = stopping.signal.aborted
    if (!wasTold) stopping.abort()
    await stopAll()
    if (wasTold) return 1
    throw error
  }
  for (const keeper of keepers) void keeper.keep()
  isUp = true
  await stopped
  say('stopping')
  await rolling
  const { names, status } = await stopAll()
  say(`stopped: ${names.join(', ')}`)
  return status
}

/** One after the other, in the order of their start: what others need comes back before they go. */
async function rollOver(
  keepers: readonly Keeper[] | undefined,
  stopping: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  if (keepers === undefined) throw new Failure('the system is still starting')
  for (const keeper of keepers) {
    await keeper.replace()
    if (stopping.aborted) throw new Failure('the system was stopped meanwhile')
    say(`${keeper.part.name} restarted`)
  }
}

function explainLeftOver(error: unknown, count: number): never {
  if (count === 0 || !(error instanceof Failure)) throw error
  throw new Failure(`${error.message}: services of an earlier start still run; scripts/stop-all.sh ends them`)
}

function onceAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
