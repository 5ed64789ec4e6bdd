import { setTimeout as delay } from 'node:timers/promises'
import { DELAY_MS, type Detour, openDetour, type Trouble, troubles } from '../detour.ts'
import type { Fault } from '../fault.ts'

/** Services that others reach through a detour, at another address of this machine. */
const behind = ['storage', 'database'] as const
const DETOUR_HOST = '127.0.0.2'
/** How long a request that fits may not come, in ms, before its trouble is counted as not brought about. */
const STRIKE_MS = 20_000

interface Link {
  readonly to: (typeof behind)[number]
  readonly request: RegExp
  /** A task whose grant gets lost waits for the end of its lease: after five of them it has failed. */
  readonly isGrant?: boolean
}

const links: readonly Link[] = [
  { to: 'storage', request: /^POST \/sendImage.*state=working/ },
  { to: 'storage', request: /^GET \/getImage.*state=working/ },
  { to: 'storage', request: /^POST \/sendImage.*state=finished/ },
  { to: 'database', request: /^POST \/newTask/ },
  { to: 'database', request: /^POST \/getNewTask/, isGrant: true },
  { to: 'database', request: /^POST \/finishTask/ },
]

export const badLinks: Fault = {
  name: 'T17',
  says: `between services: ${DELAY_MS / 1_000} s delay, reset in the middle, truncated reply, half-close, request sent twice`,
  rounds: { full: 30, short: 0 },
  async run({ rounds, random, open }) {
    const detours = new Map<string, Detour>()
    const each = (name: string, port: number) => {
      if (!behind.some(service => service === name)) return {}
      const to = { host: '127.0.0.1', port }
      detours.set(name, openDetour({ host: DETOUR_HOST, port, to }))
      return { env: { OWN: `${DETOUR_HOST}:${port}`, HOST: to.host } }
    }
    let struck = 0
    let tried = 0
    /** Brings one trouble to a request on each link; of those that grants come over, one in a round. */
    const strike = async (trouble: Trouble, ofGrants: Trouble | undefined) => {
      const hit = links.filter(({ isGrant }) => !isGrant || trouble === ofGrants)
      const all = hit.map(({ to, request }) => detours.get(to)?.strike(trouble, line => request.test(line)))
      const late = delay(STRIKE_MS, false as const, { ref: false })
      const came = await Promise.all(all.map(one => Promise.race([one?.then(() => true), late])))
      tried += came.length
      struck += came.filter(Boolean).length
    }
    const scene = await open({ system: { each }, pauseMs: 150 })
    try {
      for (let round = 0; round < rounds; round += 1)
        await scene.during(async () => {
          const [late = 'delay', ...others] = troubles
          const ofGrants = troubles[random.below(troubles.length)]
          const delayed = strike(late, ofGrants).then(() => delay(DELAY_MS))
          for (const trouble of others) await strike(trouble, ofGrants)
          await delayed
        })
      const { length: acknowledged } = scene.journal.promises
      const says = `${troubles.length} troubles on ${links.length} kinds of requests: ${struck} of ${tried} brought about; ${acknowledged} acknowledged`
      return { figures: [{ says }], findings: await scene.end() }
    } finally {
      for (const detour of detours.values()) detour.close()
    }
  },
}
