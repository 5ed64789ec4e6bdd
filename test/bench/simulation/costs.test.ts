import t from 'tap'
import { deviationOf } from '../../../bench/simulation/check.ts'
import { type Costs, costsOfIcon, costsOfPhotograph } from '../../../bench/simulation/costs.ts'
import { steps } from '../../../bench/simulation/steps.ts'
import { alone, icon, isAbout, photograph, some } from './measured.ts'

t.test('the steps of each service make up all of its time', async t => {
  for (const [name, group] of Object.entries(steps)) {
    const sum = Object.values(group).reduce((total, { weight, times }) => total + weight * times, 0)
    t.ok(isAbout(sum, 1, 1e-9), `${name}: ${sum}`)
  }
})

type Group = keyof typeof steps

/** What all steps of a group take together, where so many shared one of them. */
function sumOf(group: Group, costs: Costs, shared: Readonly<Record<string, number>> = {}): number {
  const each: Readonly<Record<string, number>> = costs[group]
  return Object.entries(steps[group]).reduce(
    (sum, [name, { times }]) => sum + ((each[name] ?? 0) * times) / (shared[name] ?? 1),
    0,
  )
}

t.test('the steps of an icon take what was measured, however many shared them', async t => {
  for (const basis of [alone, some]) {
    const { operations, images } = basis.shared
    const costs = costsOfIcon(icon, basis)
    t.ok(isAbout(sumOf('storage', costs, { log: images }), icon.storage.loop, 1e-9))
    t.ok(isAbout(sumOf('log', costs, { sync: images }), icon.storage.pool, 1e-9))
    const transactionsMs = (2 / operations) * costs.transactionMs
    t.ok(isAbout(sumOf('database', costs) + transactionsMs, icon.database.loop, 1e-9))
  }
})

t.test('so do those of one whose uploader asked whether it is ready', async t => {
  const costs = costsOfIcon(icon, alone, 1)
  const { client, frontend, database } = costs
  t.ok(isAbout(sumOf('client', costs) + client.ask + client.beTold, icon.client.loop, 1e-9))
  t.ok(isAbout(sumOf('frontend', costs) + frontend.ask + frontend.tell, icon.frontend.loop, 1e-9))
  const databaseMs = sumOf('database', costs) + database.read + database.answer + 2 * costs.transactionMs
  t.ok(isAbout(databaseMs, icon.database.loop, 1e-9))
})

t.test('what is done beside the way of a picture stands beside the loop', async t => {
  const { all, loop, pool } = icon.worker
  t.ok(
    isAbout(costsOfIcon(icon, alone).beside.worker * loop, all - loop, 1e-9),
    'threads of no use to an icon',
  )
  t.ok(pool > 0)
  const { storage } = icon
  t.ok(
    isAbout(costsOfIcon(icon, alone).beside.storage * storage.loop, 0.1, 1e-9),
    'its threads are on the way',
  )
})

t.test('so do those of a photograph, with its pieces, and its pixels in threads', async t => {
  const costs = costsOfPhotograph(photograph, icon, some)
  const { storage, piece, pieces, swapMs, worker } = costs
  const byPieces = 3 * pieces * piece.storage
  t.ok(isAbout(sumOf('storage', costs) - 2 * storage.log + byPieces, photograph.storage.loop, 1e-9))
  t.ok(isAbout(sumOf('files', costs), photograph.storage.pool, 1e-9))
  t.ok(isAbout(sumOf('worker', costs) + 2 * pieces * piece.worker, photograph.worker.loop, 1e-9))
  t.equal(worker.swap, 0)
  t.equal(swapMs, photograph.worker.pool)
})

t.test(
  'how far a simulation is off is told by the ratio that differs most from the first, whichever way',
  async t => {
    const check = (measured: number, simulated: number, foretold = simulated) => ({
      says: '',
      isAlone: false,
      measured,
      simulated,
      foretold,
    })
    const first = check(100, 110)
    t.ok(isAbout(deviationOf([first, check(50, 55)], 'simulated'), 1, 1e-9), 'all of it too high by as much')
    t.ok(isAbout(deviationOf([first, check(50, 66), check(50, 55)], 'simulated'), 1.2, 1e-9))
    t.ok(isAbout(deviationOf([first, check(50, 44), check(50, 60)], 'simulated'), 1.25, 1e-9))
    t.ok(isAbout(deviationOf([first, check(50, 55, 77)], 'foretold'), 1.4, 1e-9))
    t.same(deviationOf([first], 'simulated'), Number.NaN, 'one row says nothing')
  },
)
