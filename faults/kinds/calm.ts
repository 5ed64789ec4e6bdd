import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Grant } from '../../database/contract.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Fault, Figure, Stage } from '../fault.ts'
import { createFindings } from '../findings.ts'
import { createInner } from '../inner.ts'
import { percentile } from '../percentile.ts'

/** Goal G20: how soon an idle worker has a new task after its uploader knows of it, in ms. */
const GRANT_MS = 20
/** Goal G9: how soon all are ready from cold, in ms, with how many tasks. */
const COLD_MS = 3_000
const COLD_TASKS = 100_000
/** Tasks that are made at the same time. */
const BATCH = 1_000

/** No fault: what the goals say of a system that nothing happens to. `rounds` is how many tasks are granted one by one. */
export const calm: Fault = {
  name: 'T0',
  says: 'nothing goes wrong: grants to an idle worker, a start from cold',
  rounds: { full: 1_000, short: 0 },
  async run(stage) {
    const findings = createFindings()
    const figures = [await grantOneByOne(stage, findings), await startFromCold(stage, findings)]
    return { figures, findings }
  },
}

/**
 * The harness itself is the worker. The task begins where its image is stored, somewhere between an upload's first byte and
 * its answer: the time from the first byte is more than a worker's wait, and the one from the answer less.
 */
async function grantOneByOne({ open, rounds }: Stage, findings: ReturnType<typeof createFindings>) {
  const scene = await open({ lanes: 0, system: { env: { LEASE_MS: '120000' } } })
  const { system, visitor } = scene
  const inner = createInner(system.secret)
  await system.kill('worker', 'SIGTERM')
  const take = async () => {
    const grant = await inner.json<Grant>(`${system.urls.database}/getNewTask?worker=idle&wait=60`, 'POST')
    return { grant, at: performance.now() }
  }
  const [fromSent, fromAnswered]: [number[], number[]] = [[], []]
  const held: Grant[] = []
  for (let image = 1; image <= rounds; image += 1) {
    const taking = take()
    await delay(5)
    const sent = performance.now()
    await visitor.upload({ image, bytes: uniqueImage(image) })
    const answered = performance.now()
    const { grant, at } = await taking
    if (grant === undefined) continue
    held.push(grant)
    fromSent.push(at - sent)
    fromAnswered.push(at - answered)
  }
  for (const { id, token } of held)
    await inner.ask(`${system.urls.master}/releaseTask?id=${id}&token=${token}`, 'POST')
  await system.start('worker')
  findings.add(await scene.end())
  const describe = (times: number[]) =>
    `p50 ${percentile(times, 0.5).toFixed(1)} ms, p99 ${percentile(times, 0.99).toFixed(1)} ms`
  const says = `${held.length} tasks one by one: granted ${describe(fromSent)} after the first byte of its upload, ${describe(fromAnswered)} after its answer`
  const isReached = held.length === rounds && percentile(fromAnswered, 0.99) <= GRANT_MS
  return { says, goal: 'G20', isReached } satisfies Figure
}

/** Finished tasks are in the file before; the six are started on it. */
async function startFromCold({ open }: Stage, findings: ReturnType<typeof createFindings>) {
  const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-cold-'))
  try {
    await fill(join(dataDir, 'database', 'tasks.db'))
    const from = performance.now()
    const scene = await open({ lanes: 0, system: { dataDir } })
    const readyMs = Math.round(performance.now() - from)
    const firstMs = Math.round(await scene.during(async () => {}))
    findings.add(await scene.end())
    const says = `from cold with ${COLD_TASKS} tasks: all ready after ${readyMs} ms, the first picture ${firstMs} ms later`
    return { says, goal: 'G9', isReached: readyMs <= COLD_MS } satisfies Figure
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

async function fill(path: string): Promise<void> {
  const engine = openSqliteTasks({ path })
  for (let made = 0; made < COLD_TASKS; made += BATCH) {
    const ids = await Promise.all(Array.from({ length: BATCH }, () => engine.newTask()))
    await Promise.all(ids.map(id => engine.set(id, 2)))
  }
  await engine.close()
}
