import type { SystemOptions } from '../test/system/system.ts'
import { besideIt } from './bare/row.ts'
import type { Bench, Part } from './bench.ts'
import { findStrace } from './calls.ts'
import type { Goal } from './goal.ts'
import { fastIcons, iconRow } from './icons.ts'
import type { Shape } from './load.ts'
import { printPace } from './pace.ts'
import { printPhotographs } from './photographs.ts'
import { type Outcome, printOutcomes, printPair, ROUNDS_ALONE, runPair, runRow, waitsOf } from './row.ts'
import { onSlowDisk, slowDisk } from './slow-disk.ts'
import { median, ratios } from './spread.ts'

const waiting: Shape = {
  ...fastIcons,
  says: 'icons, 8 who wait for theirs',
  isClosed: true,
  pictures: 3_000,
}
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
  says: `icons, 64 as fast as they can, ${onSlowDisk}`,
  lanes: 64,
}
/** Nobody else is waited for, so that fsyncs and what they wait for are all there is to see. */
const acknowledged: Shape = {
  says: 'one icon at a time, until it is acknowledged',
  lanes: 1,
  isClosed: false,
  pauseMs: 20,
  before: 50,
  pictures: 300,
}
/** Two fsyncs, one after the other, are before each acknowledgement: storage's, then the database's. */
const LATER_MS = 10

const BESIDE = 'against a bare system'

/** Of what is held to a least time: a slow minute of the machine does not hide one that came too early. */
const ROUNDS_LEAST = 2

const slowed: SystemOptions = { each: () => ({ through: slowDisk }) }

/**
 * Everything durable, every picture another one, a fresh folder and a warm-up for each run; beside the rate the CPU time of
 * all services and of the client, the steady figure. The absolute goals are those of one machine with two cores; `pace` says how
 * fast this one is beside it. On that machine the barest system of this shape did 666 icons a second, 647 in the closed loop, and took 2.6
 * ms of CPU for each: what of that the goals allow holds on any machine.
 */
export const pipeline: Bench = {
  question: 'What does the way of a picture through all six services cost?',
  needs: [{ package: 'strace', for: 'slow-disk', name: 'strace', find: findStrace }],
  parts: {
    pace: printPace,
    icons: aloneAndBeside(
      fastIcons,
      outcome => [
        rateGoal(outcome, 550),
        { says: 'CPU a picture', unit: 'ms', found: median(outcome.cpuMs), most: 3 },
      ],
      (outcome, bare) => [
        rateBeside(outcome, bare, 0.83),
        { says: `CPU a picture ${BESIDE}`, found: ratio(outcome.cpuMs, bare.cpuMs), most: 1.15 },
      ],
    ),
    closed: aloneAndBeside(
      waiting,
      outcome => [rateGoal(outcome, 500), waitGoal(outcome, 99, 25)],
      (outcome, bare) => [rateBeside(outcome, bare, 0.77)],
    ),
    async single(output, folder) {
      const row = iconRow(alone)
      const outcome = await runRow(row, folder, ROUNDS_ALONE)
      printOutcomes(output, [outcome, await runRow(besideIt(row), folder, ROUNDS_ALONE)])
      for (const goal of [waitGoal(outcome, 50, 8), waitGoal(outcome, 99, 15)]) output.goal(goal)
    },
    photographs: printPhotographs,
    async 'slow-disk'(output, folder) {
      if (findStrace() === undefined) return output.line('left out')
      const outcome = await runRow(iconRow(crowd, slowed), folder, ROUNDS_ALONE)
      printOutcomes(output, [outcome])
      const says = `${acknowledged.says}, ${onSlowDisk}`
      const slow = await runRow(iconRow({ ...acknowledged, says }, slowed), folder, ROUNDS_LEAST)
      const fast = await runRow(iconRow(acknowledged), folder, ROUNDS_LEAST)
      printOutcomes(output, [slow, fast])
      output.goal(rateGoal(outcome, 300))
      output.goal({
        says: 'how much later the first acknowledgement comes',
        unit: 'ms',
        found: leastWait(slow) - leastWait(fast),
        least: LATER_MS,
      })
    },
  },
}

/** A load on ours, which is alone on the machine, and then by turns on ours and a bare system; what is to be reached in each. */
function aloneAndBeside(
  shape: Shape,
  goalsAlone: (outcome: Outcome) => readonly Goal[],
  goalsBeside: (outcome: Outcome, bare: Outcome) => readonly Goal[],
): Part {
  return async (output, folder) => {
    const row = iconRow(shape)
    const outcome = await runRow(row, folder, ROUNDS_ALONE)
    printOutcomes(output, [outcome])
    const [turns, bare] = await runPair([row, besideIt(row)], folder)
    printPair(output, [turns, bare])
    for (const goal of [...goalsAlone(outcome), ...goalsBeside(turns, bare)]) output.goal(goal)
  }
}

function rateBeside({ rates }: Outcome, bare: Outcome, least: number): Goal {
  return { says: `rate ${BESIDE}`, found: ratio(rates, bare.rates), least }
}

/** The median of the rounds. */
const ratio = (one: readonly number[], other: readonly number[]) => median(ratios(one, other))

function rateGoal({ rates }: Outcome, least: number): Goal {
  return { says: 'rate', unit: 'a second', found: median(rates), least }
}

/** The median of the rounds, as with the rate: what the machine does in one of them is not ours. */
function waitGoal(outcome: Outcome, percent: number, most: number): Goal {
  return { says: `p${percent}`, unit: 'ms', found: median(waitsOf(outcome, percent / 100)), most }
}

/** Of all pictures of all rounds. */
const leastWait = (outcome: Outcome) => Math.min(...waitsOf(outcome, 0))
