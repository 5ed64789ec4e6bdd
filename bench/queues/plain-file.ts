import { better, defineQueue, JobStatus } from 'plainjob'
import { openSqlite, readPragma } from '../../kit/sqlite.ts'
import { versionOf } from '../version.ts'

const TYPE = 'task'
const silent = { error() {}, warn() {}, info() {}, debug() {} }

/** plainjob in a file, on the SQLite that the database has, opened in the same way. */
export interface PlainFile {
  add(count: number): void
  take(): { id: number } | undefined
  finish(id: number): void
  countFinished(): number
  close(): void
  /** Its version, and the settings that make it durable, as they were read back. */
  readonly says: string
}

export function openPlainFile(path: string): PlainFile {
  const database = openSqlite(path)
  const queue = defineQueue({ connection: better(database), logger: silent })
  // It has asked for less, with which a power cut takes what was answered last.
  database.exec('PRAGMA synchronous = FULL')
  const [journal, synchronous] = ['journal_mode', 'synchronous'].map(name => readPragma(database, name))
  if (journal !== 'wal' || synchronous !== 2)
    throw new Error(`plainjob has journal_mode ${journal}, synchronous ${synchronous}`)
  return {
    add: count => void queue.addMany(TYPE, Array(count).fill({})),
    take: () => queue.getAndMarkJobAsProcessing(TYPE),
    finish: id => void queue.markJobAsDone(id),
    countFinished: () => queue.countJobs({ status: JobStatus.Done }),
    close: () => queue.close(),
    says: `${versionOf('plainjob')}, journal_mode ${journal}, synchronous ${synchronous}`,
  }
}
