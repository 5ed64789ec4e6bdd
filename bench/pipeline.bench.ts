import { percentile } from '../faults/percentile.ts'
import type { SystemOptions } from '../test/system/system.ts'
import type { Bench, Part } from './bench.ts'
import { findStrace } from './calls.ts'
import type { Goal } from './goal.ts'
import { fastIcons, iconRow } from './icons.ts'
import type { Shape } from './load.ts'
import { printPace } from './pace.ts'
import { printPhotographs } from './photographs.ts'
import { type Outcome, printOutcomes, type Row, runRow } from './row.ts'
import { median } from './spread.ts'

const waiting: Shape = { ...fastIcons, says: 'icons, 8 who wait for theirs', isClosed: true, pictures: 3_000 }
const alone: Shape = {
  says: 'one icon at a time',
  lanes: 1,
  isClosed: true,
  pauseMs: 20,
  before: 50,
  pictures: 300,
}
const crowd: Shape = {
  ...fastIcons,
  says: 'icons, 64 as fast as they can, 5 ms more for each fsync',
  lanes: 64,
}

/** 5 ms more for each fsync, put in by strace, which stops a process for nothing else, and leaves it its number. */
const SLOW = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync']
const slowDisk: SystemOptions = {
  each: () => ({ through: [...SLOW, '-e', 'inject=fsync,fdatasync:delay_exit=5000'] }),
}

/**
 * Everything durable, every picture another one, a fresh folder and a warm-up for each run; beside the rate the CPU time of
 * all services and of the client, the steady figure. The goals are those of one machine with two cores; `pace` says how fast this one is
 * beside it.
 */
export const pipeline: Bench = {
  question: 'What does the way of a picture through all six services cost?',
  needs: [{ package: 'strace', for: 'slow-disk', name: 'strace', find: findStrace }],
  parts: {
    pace: printPace,
    icons: partOf(iconRow(fastIcons), outcome => [
      rateGoal(outcome, 550),
      { says: 'CPU a picture', unit: 'ms', found: median(outcome.cpuMs), most: 3 },
    ]),
    closed: partOf(iconRow(waiting), outcome => [rateGoal(outcome, 500), waitGoal(outcome, 99, 25)]),
    single: partOf(iconRow(alone), outcome => [waitGoal(outcome, 50, 8), waitGoal(outcome, 99, 15)]),
    photographs: printPhotographs,
    async 'slow-disk'(output, folder) {
      if (findStrace() === undefined) return output.line('left out')
      await partOf(iconRow(crowd, slowDisk), outcome => [rateGoal(outcome, 300)])(output, folder)
    },
  },
}

/** One row, and what is to be reached in it. */
function partOf(row: Row, goalsOf: (outcome: Outcome) => readonly Goal[]): Part {
  return async (output, folder) => {
    const outcome = await runRow(row, folder)
    printOutcomes(output, [outcome])
    for (const goal of goalsOf(outcome)) output.goal(goal)
  }
}

function rateGoal({ rates }: Outcome, least: number): Goal {
  return { says: 'rate', unit: 'a second', found: median(rates), least }
}

function waitGoal({ waitedMs }: Outcome, percent: number, most: number): Goal {
  return { says: `p${percent}`, unit: 'ms', found: percentile(waitedMs, percent / 100), most }
}
