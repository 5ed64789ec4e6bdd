import t from 'tap'
import { costsOfIcon, costsOfPhotograph } from '../../../bench/simulation/costs.ts'
import { createDurations } from '../../../bench/simulation/durations.ts'
import { createEvents } from '../../../bench/simulation/events.ts'
import { createLog } from '../../../bench/simulation/log.ts'
import { createMachine } from '../../../bench/simulation/machine.ts'
import { createProcess, type Process } from '../../../bench/simulation/process.ts'
import { createStorage, inPieces, shareRuns } from '../../../bench/simulation/storage.ts'
import { start } from '../../../bench/simulation/way.ts'
import { alone, icon, photograph } from './measured.ts'

t.test('all who wait while an fsync runs share the next', async t => {
  const events = createEvents()
  let runs = 0
  const sync = shareRuns(ended => {
    runs += 1
    events.after(1, ended)
  })
  const ends: number[] = []
  for (let at = 0; at < 10; at += 1) events.after(at / 20, () => sync(() => ends.push(events.now())))
  events.run(() => false)
  t.equal(runs, 2)
  t.same(ends, [1, 2, 2, 2, 2, 2, 2, 2, 2, 2])
})

/** A storage, on a machine that has as many cores as it wants. */
function lone() {
  const events = createEvents()
  const durations = createDurations('log', 4)
  const machine = createMachine(events, Number.POSITIVE_INFINITY)
  const process = createProcess({ role: 'storage', events, durations, machine, besideRatio: 0 })
  return { events, durations, process }
}

t.test(
  'all who come while a batch of the log is under way are in the next, and nobody waits for ever',
  async t => {
    for (const gapMs of [0.02, 0.2, 1, 10]) {
      const { events, durations, process } = lone()
      const log = createLog({ process, costs: costsOfIcon(icon, alone), fdatasyncMs: 0.5 })
      const ends: number[] = []
      let longestMs = 0
      const come = (at: number) => {
        if (at === 2_000) return
        const began = events.now()
        log.write(() => {
          ends.push(at)
          longestMs = Math.max(longestMs, events.now() - began)
        })
        events.after(durations.drawGap(gapMs), () => come(at + 1))
      }
      come(0)
      events.run(() => false)
      t.equal(ends.length, 2_000, `${gapMs}`)
      t.equal(log.images(), 2_000)
      t.same(
        ends,
        ends.toSorted((a, b) => a - b),
        'in the order in which they came',
      )
      const share = log.images() / log.batches()
      if (gapMs === 0.02) t.ok(share > 20, `${share}`)
      if (gapMs === 10) t.ok(share < 1.3, `${share}`)
      if (gapMs >= 1) t.ok(longestMs < 10, `${longestMs}`)
      t.equal(
        process.files.done(),
        log.batches(),
        'one fdatasync for each batch, and nothing else in threads',
      )
    }
  },
)

t.test('who finds the log idle is a batch alone, however long the loop takes to get to it', async t => {
  const { events, process } = lone()
  const log = createLog({ process, costs: costsOfIcon(icon, alone), fdatasyncMs: 0.5 })
  process.does(5)(() => {})
  const ends: number[] = []
  for (const at of [0, 1, 2]) log.write(() => ends.push(at))
  events.run(() => false)
  t.same(ends, [0, 1, 2])
  t.equal(log.batches(), 2, 'one, and the two that came meanwhile')
})

t.test('a photograph goes past the log, and is written in three goes', async t => {
  const { events, durations, process } = lone()
  const costs = costsOfPhotograph(photograph, icon, alone)
  const storage = createStorage({ process, durations, costs, fsyncMs: 0.16, fdatasyncMs: 0.12 })
  start(storage.keep('working', inPieces(costs.pieces, storage.takePiece)))
  events.run(() => false)
  t.equal(process.files.done(), 3 + 2, 'and an fsync for its bytes, and one for its name')
  t.equal(storage.log.images(), 0)
})

t.test('what a storage has written itself it reads at once, what another has in threads', async t => {
  const { events, durations, process } = lone()
  const costs = costsOfIcon(icon, alone)
  const storage = createStorage({ process, durations, costs, fsyncMs: 0.16, fdatasyncMs: 0.12 })
  const turnsFor = (by: Process) => {
    const before = process.files.done()
    start(storage.give(by, resume => resume()))
    events.run(() => false)
    return process.files.done() - before
  }
  t.equal(turnsFor(process), 0)
  t.equal(turnsFor(lone().process), 2)
})
