import { setTimeout as delay } from 'node:timers/promises'
import { type Network, openNetwork } from '../../test/neighbours/namespace.ts'
import type { Name } from '../../test/system/system.ts'
import { type Cut, createCable } from '../cable.ts'
import type { Fault, Figure, Stage } from '../fault.ts'
import type { Findings } from '../findings.ts'
import { createFindings } from '../findings.ts'
import { percentile } from '../percentile.ts'

/** How long a host is cut off in the long run, in ms, and in the last rounds of that. */
const MEDIUM_MS = 10_000
const LONG_MS = 180_000

/**
 * Who is cut off, and how long in the short run, in ms: a worker for longer than its lease, and than a task may be overdue.
 * While it is a worker, another one goes on.
 */
interface Victim {
  readonly name: Name
  readonly shortMs: number
}
const victims: readonly Victim[] = [
  { name: 'storage', shortMs: 3_000 },
  { name: 'worker-2', shortMs: 5_000 },
]

export const cutOff: Fault = {
  name: 'T16',
  says: 'storage or a worker cut off in a network namespace of its own, silently or by a link that goes down',
  rounds: { full: 24, short: 0 },
  needs: ['root', 'command ip'],
  async run(stage) {
    const network = openNetwork()
    if ('missing' in network) throw new Error(network.missing)
    const findings = createFindings()
    try {
      const each = Math.ceil(stage.rounds / victims.length)
      const figures: Figure[] = []
      for (const victim of victims) figures.push(await cutVictim(stage, network, victim, each, findings))
      return { figures, findings }
    } finally {
      network.close()
    }
  },
}

/** Opens a system whose victim stands on a host of its own, and cuts that off, `rounds` times. */
async function cutVictim(
  { open, isFull }: Stage,
  network: Network,
  { name: victim, shortMs }: Victim,
  rounds: number,
  findings: Findings,
): Promise<Figure> {
  const { one, two } = network
  const env = {
    SECRET: 'a secret for two hosts',
    ALLOWED_HOSTS: `${one.address},${two.address}`,
    UPLOADS_PER_MINUTE: '1000000',
  }
  const scene = await open({
    system: {
      env,
      counts: { worker: 2 },
      each: name => {
        const { address, through } = name === victim ? two : one
        return { host: address, through, env: { HOST: address } }
      },
    },
  })
  const cable = createCable(network)
  const heals: number[] = []
  let cutMs = 0
  for (let round = 0; round < rounds; round += 1) {
    const how: Cut = round % 2 === 0 ? 'silent' : 'down'
    const ms = !isFull ? shortMs : round >= rounds - 2 ? LONG_MS : MEDIUM_MS
    cutMs += ms
    const heal = await scene.during(async () => {
      cable.cut(how)
      await delay(ms)
      cable.mend(how)
    })
    heals.push(heal)
  }
  const acknowledged = scene.journal.promises.length
  findings.add(await scene.end())
  return {
    says: `${victim} cut off ${rounds} times, ${cutMs / 1_000} s in all: ${acknowledged} acknowledged; a picture goes through again after p50 ${Math.round(percentile(heals, 0.5))} ms, at most ${Math.round(Math.max(...heals))} ms`,
  }
}
