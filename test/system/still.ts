import type { System } from './system.ts'

/** Does `work` while a process of a system stands still (SIGSTOP); it goes on afterwards, unless it has ended meanwhile. */
export async function whileStill<Result>(
  { pids }: Pick<System, 'pids'>,
  name: string,
  work: () => Promise<Result>,
): Promise<Result> {
  const pid = pids()[name]
  if (pid === undefined) throw new Error(`${name} does not run`)
  process.kill(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    if (pids()[name] === pid) process.kill(pid, 'SIGCONT')
  }
}
