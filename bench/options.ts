import { parseArgs } from 'node:util'
import { Failure } from '../scripts/failure.ts'
import { benchNames, loadBench } from './catalogue.ts'

/** A bench whose section of the report is written anew, or the part of it that is. */
export interface Written {
  readonly name: string
  readonly part?: string
}

/** What is to be run: one bench here, with its arguments; or some, which are written into the report. */
export type BenchOptions =
  | { readonly name: string; readonly args: readonly string[] }
  | { readonly written: readonly Written[] }

/** Reads it; `help` when that was asked for. Throws a `Failure` with status 2. */
export function readBenchOptions(argv: readonly string[]): BenchOptions | 'help' {
  const { values, positionals } = parse(argv)
  if (values.help === true) return 'help'
  const [name, ...args] = positionals
  if (name === undefined) return { written: benchNames.map(one => ({ name: one })) }
  const written = values.write === true ? positionals.map(readWritten) : [{ name }]
  const strange = written.find(one => !benchNames.includes(one.name))
  if (strange !== undefined)
    throw new Failure(`there is no bench ${strange.name}: there are ${benchNames.join(', ')}`, 2)
  return values.write === true ? { written } : { name, args }
}

function readWritten(text: string): Written {
  const at = text.indexOf('/')
  return at === -1 ? { name: text } : { name: text.slice(0, at), part: text.slice(at + 1) }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: { write: { type: 'boolean' }, help: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new Failure(`${(error as Error).message.split(/\.\s/)[0]}; see --help`, 2)
  }
}

/** With a line for each bench: what it answers, its parts or arguments, and what it can do without. */
export async function formatHelp(): Promise<string> {
  const lines: string[] = []
  for (const name of benchNames) {
    const bench = await loadBench(name)
    const takes = 'parts' in bench ? `[${Object.keys(bench.parts).join(' | ')}]...` : (bench.takes ?? '')
    const needs = bench.needs?.map(need => `${need.package} for ${need.for}`).join(', ')
    lines.push(`  ${`${name} ${takes}`.trim()}`, `      ${bench.question}`)
    if (needs !== undefined) lines.push(`      Debian's ${needs}`)
  }
  return `scripts/bench.sh NAME [PART or ARGUMENT...]
scripts/bench.sh [--write NAME[/PART]...]

Runs one bench, or those of its parts, and prints its figures. With --write runs whole benches, or one part of each, each in a
process of its own, writes what they print into their sections of bench/README.md, and their goals into its table (kept in
bench/figures.json), which is printed at the end. Without a name all of them: some hours.

${lines.join('\n')}
`
}
