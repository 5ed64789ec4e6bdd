import { setTimeout as delay } from 'node:timers/promises'
import { failed, finished, type Task } from '../../database/contract.ts'
import { differences } from '../../test/oracle/compare.ts'
import { decodePng } from '../../test/oracle/decode.ts'
import { corpus, hasCorpus } from '../../test/system/corpus.ts'
import type { Figure } from '../fault.ts'
import type { Findings } from '../findings.ts'
import { createInner } from '../inner.ts'
import { inputFault } from '../input.ts'
import { createMutants } from '../mutants.ts'
import type { Scene } from '../scene.ts'

/** Mutants under way at once. */
const AT_ONCE = 6
/** Goal G15: nothing takes longer, from when a worker has it, in ms. */
const HANG_MS = 5_000
/** The same in the short run, in ms, which runs beside other tests: a swap that hangs is ended after 60 s. */
const SHORT_HANG_MS = 40_000
/** How long whoever sent one waits for its end, in ms. */
const END_MS = 120_000
const TOLD_EVERY = 10_000

/** What became of a file, and what is wrong with that; the decoder of the tests is the judge. */
interface Verdict {
  readonly is: 'finished' | 'refused' | 'failed' | 'lost'
  readonly wrong?: string
}

export const mutants = inputFault({
  name: 'T22',
  says: 'PngSuite’s corrupt files, and mutants of valid ones at 0.01 to 5 % of their bytes',
  rounds: { full: 100_000, short: 120 },
  worksAnywhere: true,
  async send(scene, { rounds, isFull, seed, say }) {
    const { watch, findings, system } = scene
    const { says, mutant } = createMutants(seed)
    const judge = createJudge(scene)
    const hung = countHangs(scene, isFull ? HANG_MS : SHORT_HANG_MS)
    const found = { finished: 0, refused: 0, failed: 0, lost: 0 }
    let wrong = 0
    let next = 0
    const lane = async () => {
      for (let number = next++; number < rounds; number = next++) {
        const { name, bytes } = mutant(number)
        const verdict = await judge(bytes)
        found[verdict.is] += 1
        if (number > 0 && number % TOLD_EVERY === 0) say(`T22: ${number} mutants, ${wrong} wrong`)
        if (verdict.wrong === undefined) continue
        wrong += 1
        findings.broke('I2', `mutant ${number} (${name}) ${verdict.wrong}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, lane))
    const corrupt = await sendCorrupt(judge, findings)
    const deaths = system.faults().length
    const losses = [...watch.seen.values()].reduce((sum, { task }) => sum + (task.losses ?? 0), 0)
    const hangs = hung()
    return [
      ...corrupt,
      {
        says: `${rounds} mutants of ${says} (seeds "mutant ${seed} 0" to "mutant ${seed} ${rounds - 1}"): ${found.finished} finished, ${found.refused} refused, ${found.failed} failed, ${found.lost} without an end; ${deaths} crashes, ${losses} workers lost, ${hangs} hangs, ${wrong} wrong`,
        goal: 'G15',
        isReached: deaths + losses + hangs + wrong + found.lost === 0,
      },
    ]
  },
})

type Judge = (bytes: Buffer) => Promise<Verdict>

/**
 * Sends a file and says what became of it. Wrong is a finished one that the decoder of the tests takes for no PNG, or whose
 * result differs by anything from what the contract promises for it; and one that was turned away although the decoder
 * takes it.
 */
function createJudge({ system, watch, visitor, submit }: Scene): Judge {
  const inner = createInner(system.secret)
  const hearers = new Map<number, () => void>()
  const hasEnded = (task: Task | undefined) => task !== undefined && task.state >= 2
  watch.onChange(task => {
    if (hasEnded(task)) hearers.get(task.id)?.()
  })
  const ended = async (id: number) => {
    const heard = new Promise<void>(resolve => hearers.set(id, resolve))
    if (!hasEnded(watch.seen.get(id)?.task))
      await Promise.race([heard, delay(END_MS, undefined, { ref: false })])
    hearers.delete(id)
  }
  return async bytes => {
    const { id, status, text } = await submit(bytes, { isJudged: true })
    if (id === undefined) {
      if (typeof status !== 'number' || status >= 500) return { is: 'lost', wrong: `was answered ${status}` }
      return isWhole(bytes)
        ? { is: 'refused', wrong: `is whole, and was answered ${status} ${text}` }
        : { is: 'refused' }
    }
    await ended(Number(id))
    const task = await inner.json<Task>(`${system.urls.database}/getById?id=${id}`)
    if (task?.state === failed)
      return isWhole(bytes)
        ? { is: 'failed', wrong: `is whole, and failed: ${task.reason}` }
        : { is: 'failed' }
    const result = task?.state === finished ? await visitor.fetch(id, END_MS) : undefined
    if (result === undefined) return { is: 'lost', wrong: `has no end after ${END_MS} ms` }
    const [difference] = differences(bytes, result)
    return { is: 'finished', ...(difference !== undefined && { wrong: `is finished, and ${difference}` }) }
  }
}

function isWhole(bytes: Buffer): boolean {
  try {
    decodePng(bytes)
    return true
  } catch {
    return false
  }
}

/** Counts the tasks that are in progress for too long; gives how many there were. */
function countHangs({ watch, journal, findings }: Scene, hangMs: number): () => number {
  const begun = new Map<string, number>()
  const hung = new Set<number>()
  watch.onChange(({ id, state, attempt = 0 }) => {
    const name = `${id} ${attempt}`
    if (state === 1) begun.set(name, begun.get(name) ?? journal.now())
    const heldMs = journal.now() - (begun.get(name) ?? journal.now())
    if (state !== 1) begun.delete(name)
    if (heldMs <= hangMs || hung.has(id)) return
    hung.add(id)
    findings.broke('I6', `task ${id} took ${Math.round(heldMs)} ms`)
  })
  return () => hung.size
}

/** None of them becomes a result. */
async function sendCorrupt(judge: Judge, findings: Findings): Promise<Figure[]> {
  if (!hasCorpus) return [{ says: 'PngSuite is not on this machine: its corrupt files are left out' }]
  const files = corpus('pngsuite').filter(({ name }) => name.startsWith('x'))
  const verdicts = await Promise.all(files.map(({ bytes }) => judge(bytes)))
  const turnedAway = verdicts.filter(({ is }) => is === 'refused' || is === 'failed').length
  for (const [i, { is, wrong }] of verdicts.entries())
    if (wrong !== undefined || is === 'finished')
      findings.broke('I2', `${files[i]?.name} ${wrong ?? 'is finished'}`)
  return [
    {
      says: `PngSuite's corrupt files: ${turnedAway} of ${files.length} refused or failed`,
      goal: 'G15',
      isReached: turnedAway === files.length,
    },
  ]
}
