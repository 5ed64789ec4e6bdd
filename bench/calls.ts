import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { askVersion, openDaemon } from './daemon.ts'

/** How often a process called the kernel, by the name of the call. */
export type Calls = ReadonlyMap<string, number>

export const findStrace = () => askVersion('strace', '-V', /^strace -- version (\S+)/)

/** Counts what these processes ask of the kernel, all threads, while `run` goes on; each is slower meanwhile. */
export async function countCalls(
  pids: Readonly<Record<string, number>>,
  folder: string,
  run: () => Promise<void>,
): Promise<Map<string, Calls>> {
  const names = Object.keys(pids)
  const tracers = await Promise.all(names.map(name => trace(pids[name] as number, join(folder, name))))
  try {
    await run()
  } finally {
    await Promise.all(tracers.map(tracer => tracer.close()))
  }
  return new Map(names.map(name => [name, readCalls(readFileSync(join(folder, name), 'utf8'))]))
}

function trace(pid: number, file: string) {
  const log = `${file}.log`
  return openDaemon({
    command: ['strace', '-f', '-c', '-U', 'calls,name', '-o', file, '-p', String(pid)],
    log,
    isReady: async () => readFileSync(log, 'utf8').includes('attached'),
  })
}

/** The lines of a summary of strace (-c -U calls,name) that count a call: its number, then its name. */
export function readCalls(summary: string): Calls {
  const lines = [...summary.matchAll(/^ *([0-9]+) ([a-z_0-9]+)$/gm)]
  return new Map(
    lines
      .map(([, count, name]) => [name as string, Number(count)] as const)
      .filter(([name]) => name !== 'total'),
  )
}
