import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { atEnd } from '../test/system/ending.ts'
import { waitFor } from '../test/system/waiting.ts'

/** A server that is not ours, as a process that a bench starts and ends. */
export interface Daemon {
  readonly pid: number
  /** Resolves once it has ended. */
  close(): Promise<void>
}

export interface DaemonOptions {
  /** The program, which has to stay in the foreground, and its arguments. */
  readonly command: readonly [string, ...string[]]
  /** What is set for it. */
  readonly settings?: NodeJS.ProcessEnv | undefined
  /** The file of what it says. */
  readonly log: string
  /** Whether it answers; may reject as long as it does not. */
  readonly isReady: () => Promise<boolean>
}

/** Nothing of the bench's own surroundings: programs take settings from there. */
const env = { PATH: process.env.PATH, LC_ALL: 'C' }

/** What runs now. SIGTERM, since a program that is killed leaves its own children behind. */
const running = new Set<ChildProcess>()
atEnd(() => {
  for (const child of running) child.kill('SIGTERM')
})

/** What `pattern` catches in what a program says of itself; undefined when it is not installed, or says nothing like it. */
export function askVersion(program: string, option: string, pattern: RegExp): string | undefined {
  const { stdout, stderr } = spawnSync(program, [option], { env, encoding: 'utf8' })
  return pattern.exec(`${stdout}${stderr}`)?.[1]
}

/** Starts it; resolves once it is ready. */
export async function openDaemon({ command, settings, log, isReady }: DaemonOptions): Promise<Daemon> {
  const [program, ...args] = command
  const output = openSync(log, 'a')
  const child = spawn(program, args, { env: { ...env, ...settings }, stdio: ['ignore', output, output] })
  closeSync(output)
  running.add(child)
  const ended = once(child, 'exit').finally(() => running.delete(child))
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null
  await waitFor(`${program} ready`, () => {
    if (hasEnded()) throw new Error(`${program} ended before it was ready:\n${readFileSync(log, 'utf8')}`)
    return isReady().catch(() => false)
  })
  return {
    pid: child.pid ?? 0,
    async close() {
      child.kill('SIGTERM')
      await ended
    },
  }
}
