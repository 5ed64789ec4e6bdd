import { endInOrder, hasEnded, signalSupervisor } from './ending.ts'
import { Failure, runScript } from './failure.ts'
import { readStopOptions, stopHelp } from './options.ts'
import { isRunning } from './process-id.ts'
import { readRun, removeRun, type Started } from './run-file.ts'

/** How long a supervisor may take, in ms: six services one after the other, each 15 s and 5 to be killed. */
const STOP_MS = 125_000

const say = (line: string) => process.stdout.write(`${line}\n`)

async function stop(dataDir: string): Promise<number> {
  const run = readRun(dataDir)
  if (run !== undefined && isRunning(run.supervisor)) {
    const { pid } = run.supervisor
    signalSupervisor(run.supervisor, 'SIGTERM')
    if (!(await hasEnded(run.supervisor, STOP_MS)))
      throw new Failure(`process ${pid} still runs ${STOP_MS / 1_000} s after it was told to stop`)
    refuseSurvivors(readRun(dataDir)?.started ?? [])
    say('stopped')
    return 0
  }
  // Its supervisor was killed: what that had started may run on.
  const leftOver = run?.started.filter(isRunning) ?? []
  const names = await endInOrder(leftOver, say)
  refuseSurvivors(leftOver)
  removeRun(dataDir)
  say(
    names.length > 0 ? `stopped what was left: ${names.join(', ')}` : `nothing runs with data in ${dataDir}`,
  )
  return 0
}

/** What cannot be ended (another user's, or stuck in the kernel) stays in run.json. */
function refuseSurvivors(started: readonly Started[]): void {
  const names = started.filter(isRunning).map(({ name, pid }) => `${name} (process ${pid})`)
  if (names.length > 0) throw new Failure(`not stopped: ${names.join(', ')}`)
}

await runScript('stop-all', async () => {
  const options = readStopOptions(process.argv.slice(2), process.env)
  if (options !== 'help') return stop(options.dataDir)
  process.stdout.write(stopHelp)
  return 0
})
