import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from './failure.ts'
import { prepareDataDir } from './ground.ts'
import type { StartOptions } from './options.ts'

/** What the supervisor in the background tells its launcher: the table, once all are ready, or why it came to nothing. */
export type News = { readonly table: string } | { readonly failure: string }

/**
 * Starts a supervisor, `script`, that outlives this process, in a session of its own, its output in DATA/logs/start-all.log. Prints
 * its table and gives 0 once all are ready; throws a `Failure` with its reason when they never are.
 */
export async function launch(
  options: StartOptions,
  script: string,
  argv: readonly string[],
): Promise<number> {
  prepareDataDir(options.dataDir, line => process.stdout.write(`${line}\n`))
  const log = join(options.dataDir, 'logs', 'start-all.log')
  const output = openSync(log, 'a')
  const supervisor = spawn(process.execPath, [script, ...argv], {
    detached: true,
    env: { ...process.env, [IN_BACKGROUND]: '1' },
    stdio: ['ignore', output, output, 'ipc'],
  })
  closeSync(output)
  // A launcher that is told to stop takes the half-started system with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => supervisor.kill('SIGTERM'))

  const news = await new Promise<News>(resolve => {
    supervisor.once('message', message => resolve(message as News))
    supervisor.once('exit', () => resolve({ failure: `the start was broken off: see ${log}` }))
    supervisor.once('error', error => resolve({ failure: error.message }))
  })
  if ('failure' in news) throw new Failure(news.failure)
  process.stdout.write(`${news.table}`)
  return 0
}

/** Set for the supervisor that `launch` starts. */
export const IN_BACKGROUND = 'VERDIGRIS_IN_BACKGROUND'

/** Tells the launcher, and lets go of it. Resolves once it was told, or is gone. */
export function tellLauncher(news: News): Promise<void> {
  return new Promise(resolve => {
    if (process.send === undefined || !process.connected) return resolve()
    process.send(news, () => {
      if (process.connected) process.disconnect()
      resolve()
    })
  })
}
