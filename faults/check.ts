import type { Task } from '../database/contract.ts'
import { differences } from '../test/oracle/compare.ts'
import type { Deployment } from './deployment.ts'
import { checkEntries } from './entries.ts'
import { checkFiles, checkResidues } from './files.ts'
import type { Findings } from './findings.ts'
import { createInner } from './inner.ts'
import type { Journal, Promised } from './journal.ts'
import type { Visitor } from './visitors.ts'
import type { Watch } from './watch.ts'

/** How long nothing may end while tasks are waiting once all is quiet, in ms, beside two leases. */
const END_MS = 60_000
/** How long each task is waited for all the same, in ms. */
const LEAST_MS = 5_000
/** How long an answer may take, in ms: meanwhile this process may be comparing two pictures of 100 megapixels. */
const PATIENCE_MS = 180_000

export interface Checked {
  readonly system: Deployment
  readonly journal: Journal
  readonly visitor: Visitor
  readonly watch: Watch
  readonly findings: Findings
  /** The bytes of an image that was sent. */
  readonly bytesOf: (image: number) => Buffer
}

/** Holds a system that nobody uploads to any more against every invariant, and stops it. */
export async function check(checked: Checked): Promise<void> {
  const { system, journal, watch, findings } = checked
  for (const invariant of ['I1', 'I2', 'I4', 'I10', 'I11'] as const) findings.look(invariant)
  checkIds(journal.promises, findings)
  const patience = createPatience(END_MS + 2 * system.leaseMs)
  // One after the other: a request that is under way while this process compares large pictures is one of a slow client.
  for (const promised of journal.promises) await checkPromise(promised, checked, patience)
  checkAnswers(journal, findings)
  await checkEntries(system, findings)
  await checkResidues(system, findings)
  await watch.stop()
  for (const { task } of watch.seen.values())
    if (task.state === 2 && task.result !== undefined && task.result !== task.attempt)
      findings.broke('I4', `task ${task.id} has the result of attempt ${task.result} of ${task.attempt}`)
  for (const fault of system.faults()) findings.broke('I10', fault)
  if (await system.stop()) await checkFiles(system, findings)
}

/** Two uploads never share an id. */
function checkIds(promises: readonly Promised[], findings: Findings): void {
  const ids = new Map<string, number>()
  for (const { id, image } of promises) {
    if (ids.has(id)) findings.broke('I1', `images ${ids.get(id)} and ${image} were both given the id ${id}`)
    ids.set(id, image)
  }
}

interface Patience {
  /** Waits for a task while it is not long ago that one ended which was waited for. */
  wait<T>(end: (withinMs: number) => Promise<T | undefined>): Promise<T | undefined>
}

/** The first lost task is waited for long enough; where many are lost, the others need no such time of their own. */
function createPatience(quietMs: number): Patience {
  let until = Date.now() + quietMs
  return {
    async wait(end) {
      const asked = Date.now()
      const ended = await end(Math.max(until - asked, LEAST_MS))
      const waited = Date.now() - asked
      if (ended !== undefined && waited >= LEAST_MS) until = Math.max(until, Date.now() + quietMs)
      return ended
    },
  }
}

async function checkPromise(
  promised: Promised,
  { system, visitor, findings, bytesOf }: Checked,
  patience: Patience,
) {
  const { id, image, mayFail } = promised
  const sent = bytesOf(image)
  const inner = createInner(system.secret, PATIENCE_MS)
  const result = await patience.wait(withinMs => visitor.fetch(id, withinMs))
  const task = await persist(() => inner.json<Task>(`${system.urls.database}/getById?id=${id}`))
  if (task?.state !== 2 && task?.state !== 3)
    return findings.broke('I1', `upload ${id} (image ${image}) is ${describe(task)}`)
  if (task.state === 3 && !mayFail)
    return findings.broke('I1', `upload ${id} (image ${image}) failed: ${task.reason}`)
  const kept = await persist(() => inner.ask(`${system.urls.storage}/getImage?id=${id}&state=working`))
  if (kept === undefined || !kept.bytes.equals(sent))
    findings.broke('I2', `upload ${id} is not what was sent (${kept?.status ?? 'no answer'})`)
  if (result === undefined) {
    if (task.state === 2) findings.broke('I1', `the result of ${id} cannot be had`)
    return
  }
  const [difference] = differences(sent, result)
  if (difference !== undefined) findings.broke('I2', `the result of ${id}: ${difference}`)
  const attempt = task.result === undefined || task.result === 0 ? '' : `&attempt=${task.result}`
  const query = `id=${id}&state=finished${attempt}`
  const again = await persist(() => inner.ask(`${system.urls.storage}/getImage?${query}`))
  if (again === undefined) findings.broke('I1', `storage does not answer for the result of ${id}`)
  else if (!again.bytes.equals(result))
    findings.broke('I4', `the result of ${id} is another one in storage (${again.status})`)
}

/** Asks up to three times: its connection may have been closed while this process compared pictures. */
async function persist<T>(ask: () => Promise<T | undefined>): Promise<T | undefined> {
  return (await ask()) ?? (await ask()) ?? ask()
}

/** A 5xx whose request met no fault at any moment. */
function checkAnswers(journal: Journal, findings: Findings): void {
  for (const { kind, from, to, status, id } of journal.visits)
    if (typeof status === 'number' && status >= 500 && !journal.hadFault(from, to))
      findings.broke('I11', `${kind} ${id ?? ''} was answered ${status}`)
}

function describe(task: Task | undefined): string {
  return task === undefined ? 'unknown' : task.state === 0 ? 'still waiting' : 'still in progress'
}
