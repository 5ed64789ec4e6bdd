import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { portSettings } from '../../scripts/services.ts'
import type { Deployment } from '../deployment.ts'
import type { Fault } from '../fault.ts'
import { createInner } from '../inner.ts'

const LOOK_MS = 20
/** Goal G11: how soon all are entered again in a kv-store that came back empty, in ms. */
const BACK_MS = 5_000

export const withoutDiscovery: Fault = {
  name: 'T14',
  says: 'the kv-store is away for 60 s (8 s in the short run), and comes back empty',
  rounds: { full: 3, short: 0 },
  async run({ rounds, isFull, open }) {
    const scene = await open({ pauseMs: 50 })
    const { system, journal } = scene
    const awayMs = isFull ? 60_000 : 8_000
    const backs: number[] = []
    let sent = 0
    let failed = 0
    for (let round = 0; round < rounds; round += 1) {
      await system.kill('kv-store')
      const from = journal.visits.length
      await delay(awayMs)
      const meanwhile = journal.visits.slice(from)
      sent += meanwhile.length
      failed += meanwhile.filter(({ status }) => status !== 200).length
      rmSync(join(system.dataDir, 'kv-store'), { recursive: true, force: true })
      await system.start('kv-store')
      const started = performance.now()
      while (!(await areAllEntered(system))) await delay(LOOK_MS)
      backs.push(performance.now() - started)
    }
    const longest = Math.round(Math.max(...backs))
    const says = `${rounds} times ${awayMs / 1_000} s without kv-store: ${sent} requests, ${failed} failed; all entered again after at most ${longest} ms`
    return {
      figures: [{ says, goal: 'G11', isReached: failed === 0 && longest <= BACK_MS }],
      findings: await scene.end(),
    }
  },
}

async function areAllEntered({ urls, secret }: Deployment): Promise<boolean> {
  const inner = createInner(secret)
  const keys = portSettings.flatMap(({ service }) => (service === 'kv-store' ? [] : `${service}Address`))
  const entries = await Promise.all(
    keys.map(key => inner.json<unknown[]>(`${urls['kv-store']}/getAll?key=${key}`)),
  )
  return entries.every(found => (found?.length ?? 0) > 0)
}
