import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { Failure, runScript } from './failure.ts'
import { createTapReader, type TapReport } from './tap-report.ts'

const help = `scripts/test.sh [--all] [--only NAME]

Installs, builds, and runs everything that can run on this machine; says what it left out and why.

  --all         the long tests in full, and their figures (VERDIGRIS_TESTS=all)
  --only NAME   the tests in test/NAME/ alone, or test/NAME.test.ts, and their figures
`

/** These start whole systems: fewer files at a time, after all others, since each keeps the processors busy for a while. */
const systemGroups = ['test/faults/', 'test/system/', 'test/scripts/', 'test/neighbours/', 'test/originals/']
/** How long one file may take, in seconds: one that starts systems or not, and any with --all. */
const UNIT_SECONDS = 240
const SYSTEM_SECONDS = 900
const ALL_SECONDS = 7_200

const say = (line: string) => process.stdout.write(`${line}\n`)

interface Plan {
  readonly isAll: boolean
  readonly only: string | undefined
}

function readPlan(argv: string[]): Plan | 'help' {
  try {
    const options = { all: { type: 'boolean' }, only: { type: 'string' }, help: { type: 'boolean' } } as const
    const { all, only, help } = parseArgs({ args: argv, options }).values
    return help === true ? 'help' : { isAll: all === true, only }
  } catch (error) {
    throw new Failure(`${(error as Error).message.split(/\.\s/)[0]}; see --help`, 2)
  }
}

function listFiles(only: string | undefined): string[] {
  const all = readdirSync('test', { recursive: true, encoding: 'utf8' })
  const files = all.filter(name => name.endsWith('.test.ts')).map(name => join('test', name))
  const isWanted = (file: string) => file.startsWith(`test/${only}/`) || file === `test/${only}.test.ts`
  const found = files.filter(file => only === undefined || isWanted(file)).sort()
  if (found.length === 0) throw new Failure(`there are no tests in test/${only}/`, 2)
  return found
}

/** Runs a checker in silence; what it said is shown when it objects. */
async function check(name: string, command: string, args: string[]): Promise<boolean> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const pieces: Buffer[] = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', piece => pieces.push(piece))
  const status = await new Promise(resolve => child.once('close', resolve).once('error', resolve))
  say(`${status === 0 ? 'ok     ' : 'FAILED '} ${name}`)
  if (status !== 0) process.stdout.write(Buffer.concat(pieces))
  return status === 0
}

/** Runs the files, `jobs` of them at a time, for as many seconds at most each. */
async function run(
  files: string[],
  jobs: number,
  seconds: number,
  env: NodeJS.ProcessEnv,
): Promise<TapReport[]> {
  if (files.length === 0) return []
  const built = files.map(file => join('dist', file.replace(/\.ts$/, '.js')))
  const runner = join('dist', 'test', 'runner.js')
  const child = spawn(process.execPath, [runner, String(jobs), String(seconds), ...built], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise(resolve => child.once('close', resolve).once('error', resolve))
  const { report, read } = createTapReader(say)
  for await (const line of createInterface({ input: child.stdout })) read(line)
  const status = await ended
  if (status === 0 || report.failed > 0) return [report]
  say(`FAILED  the run itself: ${status}`)
  return [{ ...report, failed: 1 }]
}

function summarize(reports: TapReport[], checks: boolean[], showsFigures: boolean): number {
  const slow = reports.flatMap(({ slow }) => slow)
  const leftOut = reports.flatMap(({ leftOut }) => leftOut)
  if (slow.length > 0) say('\nlonger than 10 s:')
  for (const { file, ms } of slow) say(`  ${(ms / 1_000).toFixed(1)} s  ${file}`)
  const figures = showsFigures ? reports.flatMap(({ figures }) => figures) : []
  for (const [i, { file, figure }] of figures.entries()) {
    if (figures[i - 1]?.file !== file) say(`\n${file}`)
    say(`  ${figure}`)
  }
  if (leftOut.length > 0) say('\nleft out:')
  for (const { file, name, reason } of leftOut) say(`  ${file}: ${name}: ${reason}`)

  const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0)
  const passed = sum(reports.map(report => report.passed)) + checks.filter(isFine => isFine).length
  const failed = sum(reports.map(report => report.failed)) + checks.filter(isFine => !isFine).length
  say(`\n${passed} passed, ${failed} failed`)
  return failed > 0 || passed === 0 ? 1 : 0
}

await runScript('test', async () => {
  const plan = readPlan(process.argv.slice(2))
  if (plan === 'help') {
    process.stdout.write(help)
    return 0
  }
  const { isAll, only } = plan
  const files = listFiles(only)
  const isSystem = (file: string) => systemGroups.some(group => file.startsWith(group))
  const env = isAll ? { ...process.env, VERDIGRIS_TESTS: 'all' } : process.env

  const checks: boolean[] = []
  if (only === undefined)
    checks.push(
      await check('format and lint', 'node_modules/.bin/biome', ['check', '--error-on-warnings', '.']),
    )
  checks.push(
    await check('types', 'node_modules/.bin/tsc', ['-b', 'tsconfig.test.json', 'tsconfig.browser.json']),
  )
  checks.push(await check('services with failpoints', 'scripts/build.sh', ['--failing']))
  const units = files.filter(file => !isSystem(file))
  const reports = [
    ...(await run(units, 4, isAll ? ALL_SECONDS : UNIT_SECONDS, env)),
    ...(await run(files.filter(isSystem), 3, isAll ? ALL_SECONDS : SYSTEM_SECONDS, env)),
  ]
  return summarize(reports, checks, isAll || only !== undefined)
})
