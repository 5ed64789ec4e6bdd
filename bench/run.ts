import { execFileSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { release, totalmem } from 'node:os'
import { join } from 'node:path'
import { describeMachine } from '../faults/machine.ts'
import { Failure } from '../scripts/failure.ts'
import type { Bench, Need, PartedBench } from './bench.ts'
import type { Goal } from './goal.ts'
import { createOutput } from './output.ts'

/** A goal, and the part of the bench that it belongs to; none of a bench without parts. */
export type FoundGoal = Goal & { readonly part?: string }

export interface RunOptions {
  readonly bench: Bench
  /** Names of parts, or what a bench without parts takes. */
  readonly args: readonly string[]
  /** On a disk, empty. */
  readonly folder: string
  readonly say: (line: string) => void
}

/** Says when and on what, then runs a bench, or some parts of it. Throws a `Failure` of arguments that it does not take. */
export async function runBench({ bench, args, folder, say }: RunOptions): Promise<FoundGoal[]> {
  const wanted = 'parts' in bench ? chooseParts(bench, args) : []
  if (!('parts' in bench) && bench.takes === undefined && args.length > 0)
    throw new Failure(`it takes no arguments: ${args.join(' ')}`, 2)
  sayHead(bench.needs ?? [], folder, say)
  if (!('parts' in bench)) {
    const output = createOutput(say)
    await bench.run(output, folder, args)
    return [...output.goals]
  }
  const goals: FoundGoal[] = []
  for (const part of wanted) {
    say(`\n### ${part}\n`)
    const output = createOutput(say)
    const own = mkdtempSync(join(folder, 'part-'))
    await bench.parts[part]?.(output, own)
    goals.push(...output.goals.map(goal => ({ part, ...goal })))
  }
  return goals
}

function chooseParts({ parts }: PartedBench, names: readonly string[]): readonly string[] {
  const all = Object.keys(parts)
  const strange = names.find(name => !all.includes(name))
  if (strange !== undefined) throw new Failure(`no part ${strange}: there are ${all.join(', ')}`, 2)
  return names.length > 0 ? names : all
}

function sayHead(needs: readonly Need[], folder: string, say: (line: string) => void): void {
  const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
  const found = needs.map(need => ({ need, version: need.find() }))
  const versions = found.flatMap(({ need, version }) =>
    version === undefined ? [] : `${need.name} ${version}`,
  )
  say([day, describeMachine(), describeRest(folder), `node ${process.version}`, ...versions].join(', '))
  const missing = found.filter(({ version }) => version === undefined)
  const names = missing.map(({ need }) => `${need.package} (${need.for})`)
  if (names.length > 0) say(`\nLeft out since not installed: ${names.join(', ')}`)
}

/** What else of a machine figures depend on: its memory, its kernel, and the file system of what is written. */
function describeRest(folder: string): string {
  const [, fileSystem] = execFileSync('df', ['--output=fstype', folder], { encoding: 'utf8' }).split('\n')
  return `${Math.round(totalmem() / 2 ** 30)} GB, Linux ${release()}, ${fileSystem}`
}
