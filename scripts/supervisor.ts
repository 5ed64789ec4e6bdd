import { type Child, startChild } from './child.ts'
import { endInOrder, killAtOnce } from './ending.ts'
import { Failure } from './failure.ts'
import { checkPorts, prepareDataDir } from './ground.ts'
import type { StartOptions } from './options.ts'
import { openRunFile } from './run-file.ts'
import { listParts, type Part } from './services.ts'
import { formatTable } from './table.ts'

export interface Supervision {
  readonly options: StartOptions
  readonly env: NodeJS.ProcessEnv
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
export async function supervise({ options, env, signals, say, onReady }: Supervision): Promise<number> {
  const { dataDir } = options
  const parts = listParts(options)
  const host = env.HOST || '127.0.0.1'
  prepareDataDir(dataDir)
  const runFile = openRunFile(dataDir)
  const children: Child[] = []
  const stopping = new AbortController()
  const stopped = onceAborted(stopping.signal)
  const running = () => children.filter(child => !child.hasEnded()).map(({ started }) => started)

  const onSignal = () => {
    if (stopping.signal.aborted) {
      killAtOnce(running())
      runFile.remove()
      process.exit(1)
    }
    stopping.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) signals.on(signal, onSignal)

  const start = (part: Part, kv: string): Child => {
    const child = startChild({ part, host, dataDir, env: { ...env, KV: kv } })
    children.push(child)
    runFile.note(children.map(({ started }) => started))
    return child
  }
  const startAll = async () => {
    await checkPorts(parts, host).catch(error => explainLeftOver(error, runFile.leftOver.length))
    if (runFile.leftOver.length > 0) explainLeftOver(new Failure('the data is in use'), 1)
    const [first, ...others] = parts as [Part, ...Part[]]
    const kvStore = start(first, '')
    const kv = await kvStore.ready(stopping.signal)
    const started = others.map(part => start(part, kv))
    const addresses = await Promise.all(started.map(child => child.ready(stopping.signal)))
    return [kv, ...addresses]
  }
  const stopAll = async () => {
    const names = await endInOrder(running(), say)
    runFile.remove()
    return names
  }

  try {
    const addresses = await startAll()
    const rows = children.map(({ part, log }, i) => ({ name: part.name, address: addresses[i] ?? '', log }))
    onReady(formatTable(rows, process.cwd()))
  } catch (error) {
    const wasTold = stopping.signal.aborted
    if (!wasTold) stopping.abort()
    await stopAll()
    if (wasTold) return 1
    throw error
  }
  for (const { part, ended, log } of children) {
    void ended.then(how => {
      if (!stopping.signal.aborted) say(`${part.name} ended by itself (${how}): see ${log}`)
    })
  }
  await Promise.race([stopped, Promise.all(children.map(({ ended }) => ended))])
  if (!stopping.signal.aborted) {
    runFile.remove()
    throw new Failure('nothing is left that runs')
  }
  say('stopping')
  say(`stopped: ${(await stopAll()).join(', ')}`)
  return 0
}

function explainLeftOver(error: unknown, count: number): never {
  if (count === 0 || !(error instanceof Failure)) throw error
  throw new Failure(`${error.message}: services of an earlier start still run; scripts/stop-all.sh ends them`)
}

function onceAborted(signal: AbortSignal): Promise<void> {
  return new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))
}
