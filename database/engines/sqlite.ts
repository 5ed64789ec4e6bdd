import { randomUUID } from 'node:crypto'
import { createBatch } from '../../kit/batch.ts'
import { ServiceError } from '../../kit/errors.ts'
import { failpoint } from '../../kit/failpoint.ts'
import { drawId } from '../../kit/id.ts'
import { closeSqlite, type Fatal, openSqlite } from '../../kit/sqlite.ts'
import { failed, finished } from '../contract.ts'
import type { Asking, Granted, TaskEngine } from '../engine.ts'
import { createAlarm } from './alarm.ts'
import { createClock } from './clock.ts'
import { createHour } from './hour.ts'
import { keepJournal } from './journal.ts'
import * as life from './life.ts'
import { createLoners } from './loners.ts'
import { createLostHolders } from './lost.ts'
import { createPolls } from './polls.ts'
import { createReader, PAGE_ROWS } from './reader.ts'
import { createRemovals } from './removals.ts'
import type { TaskRow } from './row.ts'
import { createStanding } from './standing.ts'
import { openTaskTable } from './tasks.ts'
import { createTurn } from './turn.ts'
import { createWatchers } from './watchers.ts'

/** Pause after a transaction that failed, before what is due is tried again, in ms. */
const RETRY_MS = 500
/** How long an id stays given up, in ms: longer than a request to make its task can be on its way. */
const GIVEN_UP_MS = 3_600_000

export interface SqliteTasksOptions {
  /** The file, or `:memory:`. */
  readonly path: string
  /** Longest a worker may stay silent, in ms. */
  readonly leaseMs?: number
  /** How long a plain grant lasts, in ms. */
  readonly plainLeaseMs?: number
  /** With how many tasks the table may lag behind between transactions, see `Journal`. */
  readonly mostBehind?: number
  /** Wall clock in ms, read once; it may have jumped since the last start. */
  readonly wall?: () => number
  /** A clock in ms that never jumps. */
  readonly now?: () => number
  readonly fatal?: Fatal
}

/**
 * Tasks in SQLite. What is asked in one turn of the event loop is one transaction, in this order: operations as they came;
 * then leases and pauses that are over; then grants, to whoever asks for most. So a renewal is heard before its lease is
 * found to be over, and a task made while a poll waits is on disk as granted.
 */
export function openSqliteTasks(options: SqliteTasksOptions): TaskEngine {
  const { path, leaseMs = 15_000, plainLeaseMs = 120_000, mostBehind = 256 } = options
  const database = openSqlite(path)
  const tasks = keepJournal(openTaskTable(database), mostBehind)
  failpoint('database.file.opened')
  const told = tasks.told()
  const standing = createStanding(tasks, told)
  const turn = createTurn(told.revision)
  const removals = createRemovals(told.revision)
  const now = createClock({ wall: options.wall, now: options.now, notBefore: told.clock })
  const polls = createPolls()
  const watchers = createWatchers()
  const hour = createHour(now)
  const alarm = createAlarm(now, () => batch.request())
  /**
   * Leases from before this start, not heard of since. Their holders ended together with the last process here, in a power
   * cut perhaps: that is no sign against the task.
   */
  const cutShort = new Set<string>()
  /** Holders whose loss was counted, of tasks that are open. */
  const lost = createLostHolders()
  const loners = createLoners()
  /** What has to forget what it heard in a transaction that is undone. */
  const remembering = [tasks, standing, removals, lost, loners]
  /**
   * No lease or pause is over before. It may be too early, since a lease that was renewed or has ended is not taken out of it:
   * what is due is found out anew when that time has come, and not in each transaction.
   */
  let nextDue: number | undefined = now()

  const foresee = (due: number | undefined) => {
    if (due !== undefined) nextDue = Math.min(due, nextDue ?? due)
  }
  const save = (row: TaskRow, write = tasks.update) => {
    write({ ...row, revision: turn.change(row.id) })
    foresee(row.holder?.until ?? row.readyAt)
    const { doings } = turn.done()
    if (row.state === finished) doings.finished += 1
    else if (row.state === failed) doings.failed += 1
    if (!life.isOpen(row) || row.losses === 0) lost.forget(row.id)
    loners.forget(row.id, row.holder?.worker)
  }
  const remove = (row: TaskRow) => {
    tasks.remove(row)
    removals.note(row.id, turn.change(row.id))
  }
  const createHolder = ({ isPlain, worker }: Asking): life.Holder => {
    const length = isPlain ? plainLeaseMs : leaseMs
    return {
      token: randomUUID().replaceAll('-', ''),
      isPlain,
      worker,
      leaseMs: length,
      until: now() + length,
    }
  }
  const grant = (row: TaskRow, asking: Asking): Granted => {
    const holder = createHolder(asking)
    const granted = life.grantTo(row, holder)
    save(granted, tasks.give)
    if (row.losses > 0 && holder.worker !== undefined) loners.note(row.id, holder.worker)
    const { doings } = turn.done()
    doings.granted += 1
    doings.waitedMs += now() - row.createdAt
    failpoint('database.task.granted')
    return { grant: life.toGrant(granted, holder), mark: holder.token }
  }

  const lose = (row: TaskRow) => {
    const { token = '', worker } = row.holder ?? {}
    if (worker !== undefined) polls.letGo(worker)
    turn.done().settled.push(token)
    if (cutShort.has(token)) return life.giveBack(row)
    lost.note(row.id, token)
    return life.countLoss(row, now())
  }

  /**
   * Runs `write` for the holder of a task. Who held it, lost it and is heard of again is refused; but he lives, so the image
   * did not kill him, and his loss counts no more.
   */
  const forHolder = async (id: number, token: string | undefined, write: (row: TaskRow) => void) => {
    const refusal = await batch.run(() => {
      const row = tasks.find(id)
      if (token !== undefined && row !== undefined && lost.take(id, token)) {
        save(life.uncountLoss(row))
        return new ServiceError('conflict', 'The lease of this task was over.')
      }
      return write(life.found(row))
    })
    if (refusal !== undefined) throw refusal
  }

  const settle = () => {
    if (nextDue !== undefined && nextDue <= now()) {
      for (const row of tasks.lapsed(now(), PAGE_ROWS)) save(lose(row))
      tasks.endPauses(now())
      nextDue = tasks.nextDue()
    }
    const asks = polls.waiting(worker => !loners.has(worker))
    for (const row of tasks.ready(polls.count())) {
      const poll = asks.next().value
      if (poll === undefined) break
      turn.done().grants.push({ poll, granted: grant(row, poll.asking) })
    }
    tasks.endTurn()
    if (turn.done().changed.size > 0) standing.reach({ revision: turn.revision(), clock: now() })
    failpoint('database.turn.settled')
  }
  const committed = () => {
    for (const one of remembering) one.committed()
    const { changed, grants, settled, doings } = turn.committed()
    hour.add(doings)
    for (const token of settled) cutShort.delete(token)
    for (const { poll, granted } of grants) poll.answer(granted)
    polls.beginWaits()
    watchers.wake(changed)
    alarm.setFor(nextDue)
  }
  const rolledBack = (error: unknown) => {
    polls.rejectNew(error)
    for (const one of remembering) one.rolledBack()
    turn.rolledBack()
    nextDue = now()
    alarm.setFor(now() + RETRY_MS)
  }
  const { fatal } = options
  const batch = createBatch({ service: 'database', database, settle, committed, rolledBack, fatal })

  database.exec('BEGIN')
  for (const token of tasks.extendAll(now())) cutShort.add(token)
  database.exec('COMMIT')
  tasks.committed()
  batch.request()

  const reader = createReader({
    tasks,
    watchers,
    removals,
    revision: turn.revision,
    minutes: hour.minutes,
    now,
    isOpen: () => database.open,
  })
  return {
    ...reader,
    newTask: id =>
      batch.run(() => {
        if (id !== undefined && tasks.isGivenUp(id))
          throw new ServiceError('conflict', 'This id was given up.')
        for (;;) {
          const made = id ?? drawId()
          const isNew = tasks.insert({ id: made, createdAt: now(), revision: turn.revision() + 1 })
          if (isNew) {
            turn.change(made)
            turn.done().doings.made += 1
            failpoint('database.task.inserted')
          }
          if (isNew || id !== undefined) return made
        }
      }),
    take(asking) {
      const granted = polls.add(asking)
      batch.request()
      return granted
    },
    // In turn with the grants: what is granted is answered with the grant.
    endAsks: worker => batch.run(() => polls.dismiss(worker)),
    undoGrant: (id, mark) =>
      batch.run(() => {
        const row = tasks.find(id)
        if (row?.holder?.token === mark) save({ ...life.giveBack(row), takenAt: undefined })
      }),
    renew: (id, token) =>
      forHolder(id, token, row => {
        const held = life.heldBy(row, token)
        tasks.extend(held, now() + held.holder.leaseMs)
        turn.done().settled.push(token)
        failpoint('database.task.renewed')
      }),
    release: (id, token, pauseMs = 0) =>
      forHolder(id, token, row =>
        save(life.giveBack(life.heldBy(row, token), pauseMs === 0 ? undefined : now() + pauseMs)),
      ),
    fail: (id, token, { mayRetry, reason, steps }) =>
      forHolder(id, token, row => {
        const held = life.heldBy(row, token)
        const end = mayRetry ? life.countError : life.failFor
        save(end(held, reason, now(), steps))
      }),
    async finish(id, token, { next, steps } = {}) {
      let granted: Promise<Granted | undefined> | undefined
      await forHolder(id, token, row => {
        if (!life.isFinishedBy(row, token))
          save(life.finishHeld(life.heldBy(row, token), now(), steps), tasks.finish)
        failpoint('database.task.finished')
        // Whoever is refused asks for nothing, and whoever waits comes first. If all is rolled back both are rejected.
        granted = next && polls.add(next)
        granted?.catch(() => {})
      })
      return granted
    },
    set: (id, state) =>
      batch.run(() => {
        const row = life.found(tasks.find(id))
        const overridden = life.override(row, state, now(), createHolder({ isPlain: true }))
        if (overridden !== row) save(overridden)
      }),
    remove: id =>
      batch.run(() => {
        const row = tasks.find(id)
        if (row === undefined) return
        remove(row)
        lost.forget(id)
        loners.forget(id)
        failpoint('database.task.removed')
      }),
    giveUp: (id, endedMs) =>
      batch.run(() => {
        const row = tasks.find(id)
        if (row !== undefined) {
          life.refuseNeeded(row, endedMs, now())
          remove(row)
        }
        tasks.giveUp(id, now(), now() - GIVEN_UP_MS)
      }),
    async close() {
      if (!database.open) return
      batch.close()
      polls.close()
      watchers.close()
      alarm.setFor(undefined)
      standing.close({ revision: turn.revision(), clock: now() })
      closeSqlite(database)
    },
  }
}
