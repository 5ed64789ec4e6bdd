import { ServiceError } from './errors.ts'
import { failpoint } from './failpoint.ts'
import type { TurnOwner } from './failpoints.ts'
import { commitWith, type Fatal, type Sqlite } from './sqlite.ts'

interface Operation {
  write(): unknown
  resolve(value: unknown): void
  reject(error: unknown): void
}

export interface BatchOptions {
  /** Whose transactions these are: so it stands in failpoints and refusals. */
  readonly service: TurnOwner
  readonly database: Sqlite
  /** Runs in every transaction, after its operations and before it is committed; nothing unless said. */
  readonly settle?: () => void
  /** Runs once the transaction is on disk, before its operations are answered. */
  readonly committed: () => void
  /** Runs when the transaction was rolled back, before its operations are rejected with `error`. */
  readonly rolledBack: (error: unknown) => void
  readonly fatal?: Fatal | undefined
}

/**
 * Group commit: all that is asked in one turn of the event loop runs in one transaction, in order, and is answered once
 * that is on disk, so that many callers share one fsync. (One caller waits for one fsync, as ever.)
 */
export interface Batch {
  /**
   * Runs `write` in this turn's transaction. A `ServiceError` thrown by it rejects this operation alone, so it must come
   * before anything is written; any other error rolls back and rejects the whole turn.
   */
  run<T>(write: () => T): Promise<T>
  /** Sees to it that this turn has a transaction, though nothing else asks for one. */
  request(): void
  /** Commits what was asked so far. What is asked later is rejected with `unavailable`. */
  close(): void
}

export function createBatch(options: BatchOptions): Batch {
  const { service, database, settle, committed, rolledBack, fatal } = options
  const commitTurn = () => {
    database.exec('COMMIT')
    failpoint(`${service}.turn.committed`)
  }
  let queue: Operation[] = []
  let isRequested = false
  let isClosed = false

  const request = () => {
    if (isRequested || isClosed) return
    isRequested = true
    setImmediate(flush)
  }

  const flush = () => {
    if (!isRequested) return
    isRequested = false
    const operations = queue
    queue = []
    let answers: (() => void)[]
    try {
      database.exec('BEGIN')
      failpoint(`${service}.turn.begun`)
      answers = operations.map(attempt)
      failpoint(`${service}.turn.written`)
      settle?.()
      commitWith(commitTurn, fatal)
    } catch (error) {
      // SQLite has rolled back by itself when the disk was full.
      if (database.inTransaction) database.exec('ROLLBACK')
      const reason = asRefusal(error)
      rolledBack(reason)
      for (const operation of operations) operation.reject(reason)
      return
    }
    committed()
    for (const answer of answers) answer()
  }

  return {
    run<T>(write: () => T) {
      if (isClosed) return Promise.reject(new ServiceError('unavailable', `The ${service} is about to end.`))
      return new Promise<T>((resolve, reject) => {
        queue.push({ write, resolve: resolve as (value: unknown) => void, reject })
        request()
      })
    },
    request,
    close() {
      isClosed = true
      flush()
    },
  }
}

/** Writes, and gives how to answer once it is on disk. Throws what must undo the whole turn. */
function attempt({ write, resolve, reject }: Operation): () => void {
  try {
    const value = write()
    return () => resolve(value)
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error
    return () => reject(error)
  }
}

function asRefusal(error: unknown): unknown {
  const { code } = error as { code?: string }
  if (code !== 'SQLITE_FULL') return error
  return new ServiceError('disk-full', 'The disk is full.', { cause: error })
}
