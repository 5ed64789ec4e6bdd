import { setTimeout as delay } from 'node:timers/promises'
import { portSettings } from '../scripts/services.ts'
import type { Deployment } from './deployment.ts'
import type { Findings } from './findings.ts'
import { createInner } from './inner.ts'

/** How long an entry lasts that nobody renews, in ms. */
const TTL_MS = 10_000
/** Pause between two looks, in ms. */
const LOOK_MS = 100

interface Entry {
  readonly value: string
  readonly instance?: string
  readonly expiresInMs?: number
}

/** I9: every leased entry is that of a process that answers, or gone within its time. */
export async function checkEntries({ urls, secret }: Deployment, findings: Findings): Promise<void> {
  findings.look('I9')
  const inner = createInner(secret)
  const answersAt = async ({ value, instance }: Entry) => {
    const health = await inner.json<{ instance: string }>(`http://${value}/health`)
    return health?.instance === instance
  }
  const deadOf = async (key: string) => {
    const entries = (await inner.json<Entry[]>(`${urls['kv-store']}/getAll?key=${key}`)) ?? []
    const leased = entries.filter(({ instance }) => instance !== undefined)
    for (const { value, expiresInMs = 0 } of leased)
      if (expiresInMs > TTL_MS) findings.broke('I9', `${key} ${value} lasts for ${expiresInMs} ms`)
    const answers = await Promise.all(leased.map(answersAt))
    return leased.filter((_, i) => !answers[i])
  }
  for (const { service } of portSettings) {
    const key = `${service}Address`
    const deadline = performance.now() + TTL_MS + 1_000
    let dead = await deadOf(key)
    while (dead.length > 0 && performance.now() < deadline) {
      await delay(LOOK_MS)
      dead = await deadOf(key)
    }
    for (const { value } of dead) findings.broke('I9', `${key} ${value} is there, and nobody behind it`)
  }
}
