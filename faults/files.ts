import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Database from 'libsql'
import type { Task } from '../database/contract.ts'
import { readPragma } from '../kit/sqlite.ts'
import { decodeSeal, SEAL_BYTES } from '../storage/engines/seal.ts'
import type { Deployment } from './deployment.ts'
import type { Findings } from './findings.ts'
import { createInner } from './inner.ts'

/** Pause between two looks into a folder, in ms. */
const LOOK_MS = 100
/** How long an answer may take, in ms. */
const PATIENCE_MS = 60_000
/** The files of the services that keep their data in SQLite. */
const databases = [join('database', 'tasks.db'), join('kv-store', 'entries.db')]

/** I7: no temporary file outlives its sweep, and no image without a task its own. */
export async function checkResidues(system: Deployment, findings: Findings): Promise<void> {
  const incoming = join(system.dataDir, 'storage', 'incoming')
  if (!existsSync(incoming)) return
  findings.look('I7')
  const deadline = performance.now() + 2 * system.abandonedMs + 1_000
  let left = readdirSync(incoming)
  while (left.length > 0 && performance.now() < deadline) {
    await delay(LOOK_MS)
    left = readdirSync(incoming)
  }
  for (const name of left) findings.broke('I7', `the temporary file ${name} is left`)
  await system.sweepOrphans(async () => (await listOrphans(system)).length === 0)
  for (const orphan of await listOrphans(system)) findings.broke('I7', orphan)
}

/** Images without a task, and results that are nobody's, older than the sweeper waits. */
async function listOrphans(system: Deployment): Promise<string[]> {
  const tasks = await tasksOf(system)
  const orphans: string[] = []
  for (const { state, name, id, attempt, ageMs } of listImages(system.dataDir)) {
    if (ageMs <= system.orphanMs) continue
    const task = tasks.get(id)
    if (task === undefined) orphans.push(`the ${state} image ${name} has no task`)
    // What an operator calls finished (0) has the result that storage chooses, and so may a failed one have yet.
    else if (state === 'finished' && task.state === 2 && (task.result ?? 0) > 0 && task.result !== attempt)
      orphans.push(`the result ${name} is not that of its task`)
  }
  return orphans
}

/** Every task there is: those changed last come last. */
async function tasksOf({ urls, secret }: Deployment): Promise<Map<number, Task>> {
  const inner = createInner(secret, PATIENCE_MS)
  const tasks = new Map<number, Task>()
  for (let since = 0; ; ) {
    const page = await inner.json<{ revision: number; tasks: Task[] }>(
      `${urls.database}/changes?since=${since}&wait=0`,
    )
    if (page === undefined) throw new Error('the database does not say which tasks there are')
    for (const task of page.tasks) tasks.set(task.id, task)
    if (page.tasks.length === 0) return tasks
    since = page.revision
  }
}

function* listImages(dataDir: string) {
  for (const state of ['working', 'finished'] as const) {
    for (const path of listFiles(join(dataDir, 'storage', state))) {
      // A sweeper may be at work.
      const file = statSync(path, { throwIfNoEntry: false })
      if (!file?.isFile()) continue
      const name = path.slice(path.lastIndexOf('/') + 1)
      const [id = 0, attempt = 0] = name.split('.').map(Number)
      const ageMs = Date.now() - file.mtimeMs
      yield { state, path, name, id, attempt, ageMs }
    }
  }
}

/** I8: what lies on disk once all have ended is whole. */
export async function checkFiles({ dataDir }: Deployment, findings: Findings): Promise<void> {
  findings.look('I8')
  for (const path of databases.map(name => join(dataDir, name))) {
    const said = checkDatabase(path)
    if (said !== 'ok') findings.broke('I8', `${path}: ${said}`)
  }
  for (const { path, name, state } of listImages(dataDir)) {
    const bytes = readFileSync(path)
    const image = bytes.subarray(0, -SEAL_BYTES)
    const seal = decodeSeal(bytes.subarray(-SEAL_BYTES))
    const isWhole =
      seal?.length === image.length && seal.sha256.equals(createHash('sha256').update(image).digest())
    if (!isWhole) findings.broke('I8', `the ${state} image ${name} is not what was written`)
  }
}

function checkDatabase(path: string): string {
  const database = new Database(path)
  try {
    return String(readPragma(database, 'integrity_check'))
  } catch (error) {
    return (error as Error).message
  } finally {
    database.close()
  }
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map(name => join(folder, name))
}
