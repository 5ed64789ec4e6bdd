import { parseArgs } from 'node:util'
import { Failure } from '../scripts/failure.ts'
import { catalogue } from './catalogue.ts'
import type { Fault } from './fault.ts'

export interface FaultOptions {
  readonly faults: readonly Fault[]
  /** Overrides how often each fault is brought about. */
  readonly rounds: number | undefined
  readonly seed: number
  readonly isFull: boolean
  /** The data folder of a running system on which they are tried. */
  readonly at: string | undefined
  /** A document whose table is written anew. */
  readonly report: string | undefined
}

const list = catalogue.map(({ name, says }) => `  ${name.padEnd(4)} ${says}`).join('\n')

export const faultsHelp = `scripts/faults.sh [--only T1,T4] [--rounds N] [--seed S] [--all] [--at DIR] [--report FILE]

Brings faults about in a system of its own under load, heals, and checks that nothing was lost: prints a line a fault, with
what was counted, which invariants held or broke, and the seed. Ends with status 1 when one broke. About two minutes.

  --only LIST    these faults alone
  --rounds N     how often each is brought about
  --seed S       the same random moments again, as far as the machine allows
  --all          the long run, hours
  --at DIR       in the system that start-all.sh runs with this data: kills its services, uploads pictures and removes them
  --report FILE  writes the table into this document, between its two marks

${list}
`

/** Reads what is to be tried; `help` when that was asked for. Throws a `Failure` with status 2. */
export function readFaultOptions(argv: readonly string[]): FaultOptions | 'help' {
  const given = parse(argv)
  if (given.help === true) return 'help'
  const seed = readWhole('--seed', given.seed) ?? Date.now() % 1e6
  return {
    faults: chooseFaults(given.only, given.all === true),
    rounds: readWhole('--rounds', given.rounds),
    seed,
    isFull: given.all === true,
    at: given.at,
    report: given.report,
  }
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({
      args: [...argv],
      options: {
        only: { type: 'string' },
        rounds: { type: 'string' },
        seed: { type: 'string' },
        all: { type: 'boolean' },
        at: { type: 'string' },
        report: { type: 'string' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw new Failure(`${(error as Error).message.split(/\.\s/)[0]}; see --help`, 2)
  }
}

function chooseFaults(only: string | undefined, isFull: boolean): readonly Fault[] {
  if (only === undefined) return catalogue.filter(({ rounds }) => isFull || rounds.short > 0)
  return only.split(',').map(name => {
    const found = catalogue.find(fault => fault.name === name.trim())
    if (found === undefined) throw new Failure(`there is no fault ${name}; see --help`, 2)
    return found
  })
}

function readWhole(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text)
  throw new Failure(`${name} is not a whole number from 1`, 2)
}
