import { join } from 'node:path'
import { keepToOneself } from '../kit/privacy.ts'
import { IN_BACKGROUND, launch, tellLauncher } from './detach.ts'
import { Failure, runScript } from './failure.ts'
import { readStartOptions, type StartOptions, startHelp } from './options.ts'
import { roll } from './rolling.ts'

/** This one and what it starts beside itself: a built scripts/start-all.ts, a built scripts/holder.ts. */
const script = join(import.meta.dirname, 'start-all.js')
const holder = join(import.meta.dirname, 'holder.js')
const argv = process.argv.slice(2)
const { [IN_BACKGROUND]: inBackground, ...env } = process.env

async function run(options: StartOptions, onReady: (table: string) => void): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  // Who only launches it, or asks for help, does without its libraries.
  const { supervise } = await import('./supervisor.ts')
  return supervise({ options, env, holder, signals: process, say, onReady })
}

async function superviseInBackground(options: StartOptions): Promise<number> {
  try {
    return await run(options, table => void tellLauncher({ table }))
  } catch (error) {
    if (error instanceof Failure) await tellLauncher({ failure: error.message })
    throw error
  }
}

await runScript('start-all', async () => {
  keepToOneself()
  const options = readStartOptions(argv, env)
  if (options === 'help') {
    process.stdout.write(startHelp)
    return 0
  }
  if (options.isRolling) return roll(options.dataDir, line => process.stdout.write(`${line}\n`))
  if (inBackground !== undefined) return superviseInBackground(options)
  if (options.isDetached) return launch(options, script, argv)
  return run(options, table => process.stdout.write(table))
})
