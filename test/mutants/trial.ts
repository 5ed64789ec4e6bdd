import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Mutant } from './mutant.ts'
import { plant } from './plant.ts'

/** What became of a mutant: `red` when its invariant was found broken. */
export interface Verdict {
  readonly mutant: Mutant
  readonly isRed: boolean
  /** All that was found broken, as the table of faults says it. */
  readonly found: string
}

/** Brings the fault about in a system with the bug. */
export async function tryMutant(mutant: Mutant, seed: number): Promise<Verdict> {
  const planted = plant(mutant)
  try {
    const { fault, rounds } = mutant.shownBy
    const program = join(planted.path, 'dist', 'faults', 'main.js')
    const said = await run(planted.path, [
      program,
      '--only',
      fault,
      '--rounds',
      String(rounds),
      '--seed',
      String(seed),
    ])
    const found = /I\d+ BROKEN: [^|]*/.exec(said)?.[0].trim() ?? `nothing: ${said.slice(-300)}`
    return { mutant, isRed: said.includes(`${mutant.invariant} BROKEN`), found }
  } finally {
    planted.remove()
  }
}

async function run(cwd: string, program: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, program, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', piece => (said += piece))
  await new Promise(resolve => child.once('close', resolve))
  return said
}
