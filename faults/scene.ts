import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../test/images/noise.ts'
import type { SystemOptions } from '../test/system/system.ts'
import { check } from './check.ts'
import type { Deployment, OpenDeployment } from './deployment.ts'
import { createFindings, type Findings } from './findings.ts'
import { createJournal, type Journal } from './journal.ts'
import { type Answer, createVisitor, startCrowd, type Upload, type Visitor } from './visitors.ts'
import { startWatch, type Watch } from './watch.ts'

/** Most tasks that wait or run before the crowd waits with them. */
const MOST_OPEN = 40
/** How long a system may take to do its work again once a fault is over, in ms. */
const HEAL_MS = 60_000
/** Pause between two visits that look whether it does, in ms. */
const AGAIN_MS = 10

export interface SceneOptions {
  /** Of a system of its own: settings, how many of each. */
  readonly system?: SystemOptions
  /** Whether that system has a supervisor, which starts again what ends and can replace all. */
  readonly isSupervised?: boolean
  /** How many upload at once, one image after the other; 4 unless said, 0 for none. */
  readonly lanes?: number
  /** Pause of each between two uploads, in ms; 20 unless said. */
  readonly pauseMs?: number
  /** How many ask for the images of open tasks all the time; none unless said. */
  readonly probers?: number
  /** True where that system removes what it did soon afterwards: it is not asked for in the end. */
  readonly isForgetful?: boolean
}

/** A system under load, and all that watches it. */
export interface Scene {
  readonly system: Deployment
  readonly journal: Journal
  readonly visitor: Visitor
  readonly watch: Watch
  /** Where a fault notes what it finds itself. */
  readonly findings: Findings
  /** Uploads an image that is not one of the crowd's; gives the id when it was acknowledged. */
  upload(bytes: Buffer, options?: Omit<Upload, 'image' | 'bytes'>): Promise<string | undefined>
  /** The same, with what was answered. */
  submit(bytes: Buffer, options?: Omit<Upload, 'image' | 'bytes'>): Promise<Answer>
  /** Takes over an acknowledgement that somebody else got; `bytes` gives what was sent, whenever that is asked. */
  promise(id: string, bytes: () => Buffer, options?: { mayFail?: boolean }): void
  /** Runs what brings a fault about and ends it, and waits until a picture goes through again; gives how long that took, in ms. */
  during(fault: () => Promise<void>): Promise<number>
  /** Sends the crowd home, waits until all is quiet, and checks every invariant; closes the system. */
  end(): Promise<Findings>
  /** Closes the system without a check: for a fault that could not be tried. */
  close(): Promise<void>
}

export async function openScene(
  open: OpenDeployment,
  seed: number,
  options: SceneOptions = {},
): Promise<Scene> {
  const { isSupervised = false, lanes = 4, pauseMs = 20, probers = 0, isForgetful = false } = options
  const system = await open(options.system, isSupervised)
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-broken-'))
  const journal = createJournal(join(folder, 'journal.jsonl'))
  const findings = createFindings()
  const url = system.urls.frontend
  const visitor = createVisitor({ url, journal, isForgetful })
  const watch = startWatch(system, {
    findings,
    isDisturbed: () => journal.hadFault(journal.now(), journal.now()),
    probers,
  })
  const crowd = startCrowd({
    url,
    journal,
    isForgetful,
    lanes,
    pauseMs,
    firstImage: seed * 1_000_000,
    isBehind: () => watch.open() > MOST_OPEN,
  })
  const special = new Map<number, () => Buffer>()
  const bytesOf = (image: number) => special.get(image)?.() ?? uniqueImage(image)

  const heal = async (): Promise<number> => {
    const from = journal.now()
    while (journal.now() - from < HEAL_MS) {
      const image = crowd.nextImage()
      const id = await visitor.upload({ image, bytes: uniqueImage(image) })
      if (id !== undefined && (await visitor.fetch(id, HEAL_MS)) !== undefined) return journal.now() - from
      await delay(AGAIN_MS)
    }
    findings.broke('I1', `no picture goes through for ${HEAL_MS} ms after the fault is over`)
    return HEAL_MS
  }

  const submit: Scene['submit'] = async (bytes, options = {}) => {
    const image = crowd.nextImage()
    const answer = await visitor.submit({ ...options, image, bytes })
    if (answer.id !== undefined && !options.isJudged) special.set(image, () => bytes)
    return answer
  }

  return {
    system,
    journal,
    visitor,
    watch,
    findings,
    submit,
    upload: async (bytes, options) => (await submit(bytes, options)).id,
    promise(id, bytes, { mayFail = false } = {}) {
      const image = crowd.nextImage()
      special.set(image, bytes)
      journal.promise({ id, image, mayFail })
    },
    async during(fault) {
      const isOver = journal.beginFault()
      try {
        await fault()
        return await heal()
      } finally {
        isOver()
      }
    },
    async end() {
      try {
        await crowd.goHome()
        await check({ system, journal, visitor, watch, findings, bytesOf })
        if (findings.isBroken()) keepEvidence(system, findings, folder)
        else rmSync(folder, { recursive: true })
      } finally {
        await system.close()
      }
      return findings
    },
    async close() {
      await crowd.goHome()
      await watch.stop()
      await system.close()
      rmSync(folder, { recursive: true })
    },
  }
}

/** What is needed to find out afterwards: who asked what, what the services wrote, and what was found. */
function keepEvidence({ dataDir }: Deployment, findings: Findings, folder: string): void {
  cpSync(join(dataDir, 'logs'), join(folder, 'logs'), { recursive: true })
  const all = findings
    .lookedAt()
    .flatMap(invariant => findings.of(invariant).map(what => `${invariant} ${what}\n`))
  writeFileSync(join(folder, 'findings.txt'), all.join(''))
  process.stderr.write(`journal, logs and findings: ${folder}\n`)
}
