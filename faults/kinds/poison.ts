import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { encodePng } from '../../test/images/encode.ts'
import { uniqueImage } from '../../test/images/noise.ts'
import { freePorts } from '../../test/system/ports.ts'
import { createServiceProcess, type ServiceProcess } from '../../test/system/process.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'

/** Workers to which the images of each round are poison. */
const WORKERS = 3
/** How often a worker may die of one image: a task whose worker was lost so often fails. */
const MOST_DEATHS = 5
/** How long a poison image may take to fail, in ms: five leases, the pauses between them, a watchdog each time. */
const FAIL_MS = 120_000
const LOOK_MS = 50
/** How long one who is not poison may wait for his result, in ms. */
const WAIT_MS = 60_000
const poisonous = resolve(import.meta.dirname, '..', 'poisonous.js')

const sizes = { width: 32, height: 32 }
/** An image of each sort, as `poisonous.ts` knows them by their pixels. */
const sorts = [
  { name: 'throws', picture: { ...sizes, colourType: 2, bitDepth: 16 }, isDeadly: false },
  { name: 'kills', picture: { ...sizes, colourType: 6, bitDepth: 16 }, isDeadly: true },
  { name: 'hangs', picture: { ...sizes, colourType: 4, bitDepth: 8 }, isDeadly: true },
] as const

export const poison: Fault = {
  name: 'T12',
  says: 'poison: an image that makes the swap throw, one that kills its worker, one that hangs it; others beside them',
  rounds: { full: 10, short: 0 },
  async run({ rounds, seed, open }) {
    const scene = await open({ lanes: 2, pauseMs: 100 })
    const { findings, watch } = scene
    const workers = await openWorkers(scene)
    await scene.system.kill('worker', 'SIGTERM')
    const before = await timeOthers(scene, seed, () => delay(5_000))
    let failed = 0
    const isOver = scene.journal.beginFault()
    const beside = await timeOthers(scene, seed + 1, async () => {
      for (let round = 0; round < rounds; round += 1) {
        const uploads = sorts.map(({ picture }) =>
          scene.upload(encodePng({ ...picture, seed: seed + round }), { mayFail: true }),
        )
        for (const [i, id] of (await Promise.all(uploads)).entries()) {
          const state = () => watch.seen.get(Number(id))?.task.state
          await waitFor('the end of poison', () => (state() ?? 0) >= 2, FAIL_MS).catch(() => {})
          if (state() === 3) failed += 1
          else findings.broke('I1', `the image that ${sorts[i]?.name} is in state ${state()}`)
        }
      }
    })
    isOver()
    await scene.system.start('worker')
    const deaths = await workers.end()
    const most = rounds * MOST_DEATHS * sorts.filter(({ isDeadly }) => isDeadly).length
    if (deaths > most) findings.broke('I10', `${deaths} workers died of what may kill ${most}`)
    await scene.end()
    const p99 = (times: readonly number[]) => Math.round(percentile(times, 0.99))
    const says = `${failed} of ${rounds * sorts.length} poison images failed, ${deaths} workers died (at most ${most}); others p99 ${p99(beside)} ms, ${p99(before)} ms before`
    return { figures: [{ says }], findings }
  },
}

/** Uploads one image after the other while `meanwhile` runs; gives how long each took to its result, in ms. */
async function timeOthers(
  { upload, visitor }: Scene,
  seed: number,
  meanwhile: () => Promise<unknown>,
): Promise<number[]> {
  const times: number[] = []
  let isOver = false
  const over = meanwhile().finally(() => {
    isOver = true
  })
  for (let image = 0; !isOver; image += 1) {
    const from = performance.now()
    const id = await upload(uniqueImage(seed * 10_000 + image))
    if (id === undefined) continue
    if ((await visitor.fetch(id, WAIT_MS)) !== undefined) times.push(performance.now() - from)
  }
  await over
  return times
}

/** Workers that die of poison, and somebody who starts them again. `end` gives how often one died. */
async function openWorkers({ system, findings }: Scene) {
  const ports = await freePorts(WORKERS)
  const workers = ports.map((port, i) =>
    createServiceProcess({
      name: `worker-poisonable-${i}`,
      service: 'worker',
      port,
      env: {
        ...process.env,
        KV: new URL(system.urls['kv-store']).host,
        WORKER_PORT: String(port),
        SWAP_TIMEOUT_MS: '1000',
        LOG_LEVEL: 'warn',
        NODE_OPTIONS: `--import=${poisonous}`,
      },
      logs: join(system.dataDir, 'logs'),
    }),
  )
  await Promise.all(workers.map(worker => worker.start()))
  let isOver = false
  const keep = async (worker: ServiceProcess) => {
    while (!isOver) {
      if (!worker.isRunning()) await worker.start().catch(() => {})
      await delay(LOOK_MS)
    }
  }
  const kept = workers.map(keep)
  return {
    async end() {
      isOver = true
      await Promise.all(kept)
      await Promise.all(workers.map(worker => worker.kill('SIGTERM')))
      for (const { name, log } of workers)
        if (/unhandled|uncaught/i.test(log()))
          findings.broke('I10', `${name} wrote of an error nobody handled`)
      return workers.flatMap(({ unasked }) => unasked).length
    },
  }
}
