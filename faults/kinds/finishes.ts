import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keepJournal } from '../../database/engines/journal.ts'
import { openTaskTable } from '../../database/engines/tasks.ts'
import { closeSqlite, openSqlite } from '../../kit/sqlite.ts'
import { uniqueImage } from '../../test/images/noise.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { createHand, type Hand, type Held } from '../hand.ts'
import { createInner } from '../inner.ts'
import type { Scene } from '../scene.ts'

/** How often the same finish is said at once. */
const TWICE = 2
const MANY = 50
/** Of so many one has a token that is nobody's. */
const WRONG_EVERY = 5
/** How long a hand waits for a task, in seconds. */
const TAKE_SECONDS = 10

/** How a finish is said again: so often at once, and whether the database is killed among them. */
const ways = [
  { times: TWICE, isKilled: false },
  { times: MANY, isKilled: false },
  { times: MANY, isKilled: true },
] as const

export const finishAgain: Fault = {
  name: 'T11',
  says: 'the same finish twice, 50 times at once, and again after the database was killed among 50',
  rounds: { full: 150, short: ways.length },
  async run({ rounds, open, seed }) {
    const scene = await open({ lanes: 0 })
    const { system, findings, watch } = scene
    const counts = { tasks: 0, said: 0, wrong: 0, again: 0 }
    // Nobody else takes tasks, so that each change is one of ours.
    await system.kill('worker', 'SIGTERM')
    const hand = createHand(system, 'hand')
    for (let round = 0; round < rounds; round += 1) {
      await scene.upload(uniqueImage(seed * 1_000 + round))
      const held = await hand.take(TAKE_SECONDS)
      if (held === undefined) throw new Error('no task came')
      await hand.store(held, await hand.swap(held))
      const { times, isKilled } = ways[round % ways.length] ?? ways[0]
      const isOver = scene.journal.beginFault()
      const changes = await countChanges(scene, held, restart =>
        finishAtOnce(scene, hand, held, times, isKilled ? restart : undefined, counts),
      )
      isOver()
      counts.tasks += 1
      if (changes !== 1) {
        counts.again += 1
        findings.broke('I4', `${times} finishes of task ${held.id} changed it ${changes} times`)
      }
      await waitFor('the finish to be seen', () => watch.seen.get(held.id)?.task.state === 2)
    }
    await system.start('worker')
    await scene.end()
    const { tasks, said, wrong, again } = counts
    const says = `${tasks} tasks, ${said} finishes by their holders and ${wrong} by others: ${again} accepted more than once`
    return { figures: [{ says }], findings }
  },
}

interface Counts {
  said: number
  wrong: number
}

async function finishAtOnce(
  scene: Scene,
  hand: Hand,
  held: Held,
  times: number,
  restart: (() => Promise<void>) | undefined,
  counts: Counts,
): Promise<void> {
  const { findings } = scene
  const one = async (i: number) => {
    const isWrong = i % WRONG_EVERY === WRONG_EVERY - 1
    const told = await hand.say('registerTaskFinished', held, isWrong ? 'nobody' : undefined)
    if (isWrong) counts.wrong += 1
    else counts.said += 1
    const expected = isWrong ? 409 : 200
    const isKnown = told !== undefined && told.status < 500
    if ((isKnown || restart === undefined) && told?.status !== expected)
      findings.broke(
        'I4',
        `finish ${i} of task ${held.id} was answered with ${told?.status}, not ${expected}`,
      )
  }
  const all = Array.from({ length: times }, (_, i) => one(i))
  if (restart !== undefined) {
    await Promise.race(all)
    await restart()
  }
  await Promise.all(all)
  // Once more, whatever became of them: its holder is told the same again.
  await waitFor(
    'a finish said again',
    async () => (await hand.say('registerTaskFinished', held))?.status === 200,
  )
  counts.said += 1
}

/**
 * By how much the database's count of changes rises meanwhile. It is written ahead, so a database that is killed goes on from a
 * later number (docs/decisions, 029): `restart` kills it, and reads in its file where that is, and what was changed by then.
 */
async function countChanges(
  { system }: Scene,
  { id }: Held,
  change: (restart: () => Promise<void>) => Promise<void>,
): Promise<number> {
  const inner = createInner(system.secret)
  const revision = async () => {
    const page = await inner.json<{ revision: number }>(
      `${system.urls.database}/changes?since=${Number.MAX_SAFE_INTEGER}`,
    )
    return page?.revision ?? Number.NaN
  }
  let since = await revision()
  let changes = 0
  await change(async () => {
    await system.kill('database')
    const { changed, told } = readCounts(join(system.dataDir, 'database', 'tasks.db'), id)
    changes += Math.max(0, changed - since)
    since = told
    await system.start('database')
  })
  return changes + (await revision()) - since
}

/** The number of a task's last change, and the one that is written ahead, in the file of a database that does not run. */
function readCounts(path: string, id: number): { changed: number; told: number } {
  // A copy: who opens the file would fold its log in, which is for the database to do.
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-counts-'))
  try {
    for (const end of ['', '-wal'])
      if (existsSync(path + end)) copyFileSync(path + end, join(folder, `tasks.db${end}`))
    const database = openSqlite(join(folder, 'tasks.db'))
    const tasks = keepJournal(openTaskTable(database), 0)
    const counts = { changed: tasks.find(id)?.revision ?? Number.NaN, told: tasks.told().revision }
    closeSqlite(database)
    return counts
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
