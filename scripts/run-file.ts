import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'
import { identify, isRunning, type ProcessId } from './process-id.ts'

/** A process that start-all started. */
export interface Started extends ProcessId {
  readonly name: string
}

/** What stands in DATA/run.json: who runs the system that has this data, and what was started, in that order. */
export interface Run {
  readonly supervisor: ProcessId
  readonly started: readonly Started[]
  /** Of each rolling restart that is over why it failed, or nothing. */
  readonly rolls?: readonly string[]
}

/** This process's hold on a data folder. What cannot be noted now, since the disk is full, is noted once it can be. */
export interface RunFile {
  /** Notes what was started, so that it can be ended even if this process is killed. */
  note(started: readonly Started[]): void
  /** Notes that a rolling restart is over, what runs since then, and why it failed, if it did. */
  noteRoll(started: readonly Started[], failure: string): void
  /** Gives the folder up. What an earlier start left running stays noted, so that stop-all can end it. */
  remove(): void
}

const pathIn = (dataDir: string) => join(dataDir, 'run.json')

/** How long after it could not be written run.json is tried again, in ms. */
const RETRY_MS = 500

/**
 * Takes a data folder for this process. Throws a `Failure` when a system that runs has it; what a killed supervisor left
 * is no hold. What it had started may still run, and is given as `leftOver`. `say` is told a line when it cannot be written
 * later on.
 */
export function openRunFile(
  dataDir: string,
  say: (line: string) => void,
): RunFile & { readonly leftOver: readonly Started[] } {
  const path = pathIn(dataDir)
  const supervisor = identify(process.pid)
  const draft = `${path}.${process.pid}`
  const write = (run: Run) => writeFileSync(draft, `${JSON.stringify(run, undefined, 2)}\n`)

  const before = readRun(dataDir)
  if (before !== undefined && isRunning(before.supervisor)) throw runsAlready(before, dataDir)
  const leftOver = before?.started.filter(isRunning) ?? []
  try {
    write({ supervisor, started: leftOver })
    rmSync(path, { force: true })
    // A link appears with its content, and only if there is none: of two that start at once, one gets the folder.
    linkSync(draft, path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EEXIST') throw new Failure(`${path} cannot be written (${code})`)
    const winner = readRun(dataDir)
    throw winner === undefined ? new Failure(`${path} is not to be had`) : runsAlready(winner, dataDir)
  } finally {
    rmSync(draft, { force: true })
  }
  const rolls: string[] = []
  let started: readonly Started[] = []
  let retry: NodeJS.Timeout | undefined
  const replace = (run: Run) => {
    write(run)
    renameSync(draft, path)
  }
  /** What runs is not less there for not being noted: nobody is ended for it. */
  const note = () => {
    try {
      replace({ supervisor, started: [...leftOver, ...started], rolls })
      clearInterval(retry)
      retry = undefined
    } catch (error) {
      if (retry !== undefined) return
      say(`${path} cannot be written now: ${(error as Error).message}`)
      retry = setInterval(note, RETRY_MS).unref()
    }
  }
  return {
    leftOver,
    note(all) {
      started = all
      note()
    },
    noteRoll(all, failure) {
      started = all
      rolls.push(failure)
      note()
    },
    remove() {
      clearInterval(retry)
      rmSync(draft, { force: true })
      if (before === undefined || !leftOver.some(isRunning)) return rmSync(path, { force: true })
      replace({ supervisor: before.supervisor, started: leftOver })
    },
  }
}

const runsAlready = ({ supervisor }: Run, dataDir: string) =>
  new Failure(`the system with the data in ${dataDir} runs already (process ${supervisor.pid})`)

/** What stands in a folder's run.json; `undefined` when there is none, or none that can be read. */
export function readRun(dataDir: string): Run | undefined {
  try {
    const { supervisor, started, rolls = [] } = JSON.parse(readFileSync(pathIn(dataDir), 'utf8'))
    const isRun = Number.isInteger(supervisor.pid) && Array.isArray(started) && Array.isArray(rolls)
    return isRun ? { supervisor, started, rolls } : undefined
  } catch {
    return undefined
  }
}

/** Takes away the run.json of a system that does not run. */
export function removeRun(dataDir: string): void {
  rmSync(pathIn(dataDir), { force: true })
}
