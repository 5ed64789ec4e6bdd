import { randomUUID } from 'node:crypto'
import { type Changes, finished } from '../../database/contract.ts'
import { createBatch } from '../../kit/batch.ts'
import { openSqlite } from '../../kit/sqlite.ts'
import { serve } from './web.ts'

/** Tasks in SQLite, with a token and a lease that nobody looks at: `node database.js PORT FILE`. */
const [port, path = ''] = process.argv.slice(2)
const LEASE_MS = 120_000
const database = openSqlite(path)
database.exec(`
  CREATE TABLE tasks(
    seq INTEGER PRIMARY KEY, id INTEGER NOT NULL UNIQUE, state INTEGER NOT NULL, attempt INTEGER NOT NULL,
    token TEXT, until INTEGER) STRICT;
  CREATE INDEX waiting ON tasks(seq) WHERE state = 0;
`)
const insert = database.prepare('INSERT INTO tasks(id, state, attempt, token, until) VALUES (?, ?, ?, ?, ?)')
const first = database.prepare('SELECT id, attempt FROM tasks WHERE state = 0 ORDER BY seq LIMIT 1')
const grant = database.prepare('UPDATE tasks SET state = 1, attempt = ?, token = ?, until = ? WHERE id = ?')
const finish = database.prepare('UPDATE tasks SET state = 2 WHERE id = ? AND state = 1 AND token = ?')

type Answer = (text: string) => void
/** Who waits for a task, who for the end of one, and what has ended: what nobody has to find after a crash. */
const polls: Answer[] = []
const waits = new Map<number, Answer[]>()
const ended = new Set<number>()
const order: number[] = []
/** Of the present transaction: what is said once it is on disk. */
let due: (() => void)[] = []

const batch = createBatch({
  service: 'database',
  database,
  committed() {
    for (const say of due) say()
    due = []
  },
  rolledBack(error) {
    throw error
  },
})

const give = (id: number, attempt: number, poll: Answer) => {
  const token = randomUUID()
  due.push(() => poll(JSON.stringify({ id, token, attempt })))
  return token
}

serve(Number(port), {
  '/newTask': ({ query }) =>
    batch.run(() => {
      const id = Number(query.get('id'))
      const poll = polls.shift()
      if (poll === undefined) insert.run(id, 0, 0, null, null)
      else insert.run(id, 1, 1, give(id, 1, poll), Date.now() + LEASE_MS)
      return String(id)
    }),
  '/getNewTask': () =>
    new Promise<string>((resolve, reject) => {
      const write = () => {
        const found = first.get() as { id: number; attempt: number } | undefined
        if (found === undefined) return void polls.push(resolve)
        const attempt = found.attempt + 1
        grant.run(attempt, give(found.id, attempt, resolve), Date.now() + LEASE_MS, found.id)
      }
      batch.run(write).catch(reject)
    }),
  '/finishTask': ({ query }) =>
    batch.run(() => {
      const id = Number(query.get('id'))
      if (finish.run(id, query.get('token')).changes !== 1) throw new Error(`nobody holds task ${id}`)
      due.push(() => {
        ended.add(id)
        order.push(id)
        for (const say of waits.get(id) ?? []) say('')
        waits.delete(id)
      })
      return 'success'
    }),
  async '/isReady'({ query }) {
    const id = Number(query.get('id'))
    if (!ended.has(id))
      await new Promise<string>(resolve => waits.set(id, [...(waits.get(id) ?? []), resolve]))
    return '1'
  },
  '/changes'({ query }) {
    const since = Math.min(Number(query.get('since')), order.length)
    const tasks: Pick<Changes['tasks'][number], 'id' | 'state'>[] = order
      .slice(since)
      .map(id => ({ id, state: finished }))
    return JSON.stringify({ revision: order.length, tasks })
  },
})
