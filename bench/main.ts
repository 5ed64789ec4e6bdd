import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { describeCommit } from '../faults/commit.ts'
import { describeMachine } from '../faults/machine.ts'
import { Failure, runScript } from '../scripts/failure.ts'
import { atEnd } from '../test/system/ending.ts'
import { loadBench } from './catalogue.ts'
import { formatFigures } from './figure.ts'
import { makeDiskFolder } from './folder.ts'
import { formatHelp, readBenchOptions, type Written } from './options.ts'
import { readFigures, writeRun } from './report.ts'
import { runBench } from './run.ts'

const REPORT = join('bench', 'README.md')

const say = (line: string) => process.stdout.write(`${line}\n`)

async function run(name: string, args: readonly string[]): Promise<void> {
  await runBench({ bench: await loadBench(name), args, folder: makeDiskFolder(), say })
}

async function runAndWrite({ name, part }: Written): Promise<void> {
  const date = new Date().toISOString().slice(0, 10)
  const occasion = { date, machine: describeMachine(), commit: describeCommit() }
  const bench = await loadBench(name)
  if (part !== undefined && !('parts' in bench)) throw new Failure(`${name} has no parts`, 2)
  const lines: string[] = []
  const sayAndKeep = (line: string) => {
    say(line)
    lines.push(line)
  }
  const args = part === undefined ? [] : [part]
  const goals = await runBench({ bench, args, folder: makeDiskFolder(), say: sayAndKeep })
  const { question } = bench
  writeRun(REPORT, { name, ...(part && { part }), question, occasion, printed: lines.join('\n'), goals })
}

/** Each in a process of its own, one after the other; gives how many broke off, which keep no other from running. */
async function runEach(written: readonly Written[]): Promise<number> {
  let broken = 0
  for (const { name, part } of written) {
    const what = part === undefined ? name : `${name}/${part}`
    say(`\n## ${what}\n`)
    const args = ['--enable-source-maps', join(import.meta.dirname, 'main.js'), '--write', what]
    const child = spawn(process.execPath, args, { stdio: 'inherit' })
    atEnd(() => child.kill())
    const [status] = await once(child, 'exit')
    if (status !== 0) {
      say(`${what} broke off: its section stays as it was`)
      broken += 1
    }
  }
  say(`\n## All goals\n\n${formatFigures(readFigures(REPORT))}`)
  return broken
}

await runScript('bench', async () => {
  const options = readBenchOptions(process.argv.slice(2))
  if (options === 'help') {
    process.stdout.write(await formatHelp())
    return 0
  }
  if ('name' in options) {
    await run(options.name, options.args)
    return 0
  }
  const { written } = options
  if (written.length > 1) return (await runEach(written)) > 0 ? 1 : 0
  for (const one of written) await runAndWrite(one)
  return 0
})
