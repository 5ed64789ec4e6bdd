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

/** This process's hold on a data folder. */
export interface RunFile {
  /** Notes what was started, so that it can be ended even if this process is killed. */
  note(started: readonly Started[]): void
  /** Notes that a rolling restart is over, what runs since then, and why it failed, if it did. */
  noteRoll(started: readonly Started[], failure: string): void
  /** Gives the folder up. What an earlier start left running stays noted, so that stop-all can end it. */
  remove(): void
}

const pathIn = (dataDir: string) => join(dataDir, 'run.json')

/**
 * Takes a data folder for this process. Throws a `Failure` when a system that runs has it; what a killed supervisor left
 * is no hold. What it had started may still run, and is given as `leftOver`.
 */
export function openRunFile(dataDir: string): RunFile & { readonly leftOver: readonly Started[] } {
  const path = pathIn(dataDir)
  const supervisor = identify(process.pid)
  const draft = `${path}.${process.pid}`
  const write = (run: Run) => writeFileSync(draft, `${JSON.stringify(run, undefined, 2)}\n`)

  const before = readRun(dataDir)
  if (before !== undefined && isRunning(before.supervisor)) throw runsAlready(before, dataDir)
  rmSync(path, { force: true })
  const leftOver = before?.started.filter(isRunning) ?? []
  write({ supervisor, started: leftOver })
  try {
    // A link appears with its content, and only if there is none: of two that start at once, one gets the folder.
    linkSync(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    const winner = readRun(dataDir)
    throw winner === undefined ? new Failure(`${path} is not to be had`) : runsAlready(winner, dataDir)
  } finally {
    rmSync(draft, { force: true })
  }
  const rolls: string[] = []
  let started: readonly Started[] = []
  const replace = () => {
    write({ supervisor, started: [...leftOver, ...started], rolls })
    renameSync(draft, path)
  }
  return {
    leftOver,
    note(all) {
      started = all
      replace()
    },
    noteRoll(all, failure) {
      started = all
      rolls.push(failure)
      replace()
    },
    remove() {
      if (before === undefined || !leftOver.some(isRunning)) return rmSync(path, { force: true })
      write({ supervisor: before.supervisor, started: leftOver })
      renameSync(draft, path)
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
