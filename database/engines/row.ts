import { inProgress } from '../contract.ts'
import type { Holder, TaskRecord } from './life.ts'

const FIXED = 'seq, id, created'
/** What changes in the life of a task; what is not set again is not indexed again. */
const MUTABLE = `state, attempt, token, plain, worker, lease_ms, lease_until, errors, losses, ready_at, reason, result,
  ended, revision, taken, steps`
export const COLUMNS = `${FIXED}, ${MUTABLE}`
const namesOf = (columns: string) => columns.split(',').map(name => name.trim())
/** Sets all that changes to the cells of a row, and names the row. */
export const ASSIGNMENTS = `${namesOf(MUTABLE)
  .map((name, at) => `${name} = ?${namesOf(FIXED).length + at + 1}`)
  .join(', ')} WHERE seq = ?1`
export type Cell = number | string | null

/** A task with its place in the order of work and the number of its last change. */
export interface TaskRow extends TaskRecord {
  readonly seq: number
  readonly revision: number
}

/** The cells of `COLUMNS`. */
export function toCells(task: TaskRow): Cell[] {
  const { holder } = task
  return [
    task.seq,
    task.id,
    task.createdAt,
    task.state,
    task.attempt,
    holder?.token ?? task.finishedBy ?? null,
    holder === undefined ? null : Number(holder.isPlain),
    holder?.worker ?? null,
    holder?.leaseMs ?? null,
    holder?.until ?? null,
    task.errors,
    task.losses,
    task.readyAt ?? null,
    task.reason ?? null,
    task.result ?? null,
    task.endedAt ?? null,
    task.revision,
    task.takenAt ?? null,
    task.steps ?? null,
  ]
}

/** The row of the cells of `COLUMNS`: cell by cell, in one literal, which engines make much faster than one gathered from parts. */
export function toRow(cells: Cell[]): TaskRow {
  const state = cells[3] as number
  const token = (cells[5] ?? undefined) as string | undefined
  const isHeld = state === inProgress
  return {
    seq: cells[0] as number,
    id: cells[1] as number,
    createdAt: cells[2] as number,
    state,
    attempt: cells[4] as number,
    holder: isHeld ? toHolder(token as string, cells) : undefined,
    errors: cells[10] as number,
    losses: cells[11] as number,
    readyAt: (cells[12] ?? undefined) as number | undefined,
    reason: (cells[13] ?? undefined) as string | undefined,
    result: (cells[14] ?? undefined) as number | undefined,
    finishedBy: isHeld ? undefined : token,
    endedAt: (cells[15] ?? undefined) as number | undefined,
    revision: cells[16] as number,
    takenAt: (cells[17] ?? undefined) as number | undefined,
    steps: (cells[18] ?? undefined) as string | undefined,
  }
}

function toHolder(token: string, cells: Cell[]): Holder {
  return {
    token,
    isPlain: cells[6] === 1,
    worker: (cells[7] ?? undefined) as string | undefined,
    leaseMs: cells[8] as number,
    until: cells[9] as number,
  }
}
