import { keepToOneself } from '../kit/privacy.ts'
import { IN_BACKGROUND, launch, tellLauncher } from './detach.ts'
import { Failure, runScript } from './failure.ts'
import { readStartOptions, type StartOptions, startHelp } from './options.ts'
import { roll } from './rolling.ts'
import { supervise } from './supervisor.ts'

const argv = process.argv.slice(2)
const { [IN_BACKGROUND]: inBackground, ...env } = process.env

function run(options: StartOptions, onReady: (table: string) => void): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  return supervise({ options, env, signals: process, say, onReady })
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
  if (options.isDetached) return launch(options, argv)
  return run(options, table => process.stdout.write(table))
})
