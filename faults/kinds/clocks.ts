import { existsSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { whileStill } from '../../test/system/still.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { createHand, type Hand, type Held } from '../hand.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'

/** By how much the wall clock is off from then on, in seconds, in turns. */
const jumps = [-10, 0, 3_600, 0, -3_600, 86_400, -86_400, 0] as const
/** The database is killed and started again, its clock standing wrong, in every so manieth round. */
const RESTART_EVERY = 4
/** How long a hand waits for a task, in seconds. */
const TAKE_SECONDS = 10
/** How much later than its lease an abandoned task may be back, in ms: goal G8. */
const LATE_MS = 1_000
/** How long it is waited for, in ms. */
const WAIT_MS = 30_000
const library = 'libfaketimeMT.so.1'

export const clockJumps: Fault = {
  name: 'T13',
  says: 'the wall clock of all services jumps by -10 s, an hour and a day, both ways, while leases run',
  rounds: { full: 80, short: 0 },
  needs: ['package libfaketime'],
  async run({ rounds, random, open }) {
    const clock = openWrongClock()
    try {
      const scene = await open({ system: { env: clock.env }, lanes: 2, pauseMs: 50 })
      const hand = createHand(scene.system, 'hand')
      const errors: number[] = []
      for (let round = 0; round < rounds; round += 1) {
        const jump = jumps[round % jumps.length] ?? 0
        await scene.during(async () => {
          const isRestarted = round % RESTART_EVERY === RESTART_EVERY - 1
          const error = await abandonOne(scene, hand, async () => {
            await delay(random.below(scene.system.leaseMs / 2))
            clock.set(jump)
            if (!isRestarted) return
            await scene.system.kill('database')
            await scene.system.start('database')
          })
          // A start gives every lease its length again.
          if (!isRestarted) errors.push(error)
        })
      }
      const findings = await scene.end()
      const [p50, most] = [percentile(errors, 0.5), Math.max(...errors)]
      const says = `${rounds} jumps, requeue error p50 ${Math.round(p50)} ms, at most ${Math.round(most)} ms`
      return { figures: [{ says, goal: 'G8', isReached: most <= LATE_MS }], findings }
    } finally {
      clock.close()
    }
  },
}

/**
 * Takes two tasks and lets the clock jump: one is abandoned, and has to be back when its lease is over; the other is
 * renewed, and has to stay. Gives by how much the abandoned one's return is off, in ms.
 */
async function abandonOne(scene: Scene, hand: Hand, jump: () => Promise<void>): Promise<number> {
  const { watch, findings } = scene
  // The second by another one: who is to run a task alone is given no other. Who asks for most is served first, so that a
  // worker which asks on would leave them nothing.
  const [kept, abandoned] = await whileStill(scene.system, 'worker', async () => {
    const first = await takeOne(hand)
    return [first, await takeOne(createHand(scene.system, 'abandoning'))] as const
  })
  const takenAt = performance.now()
  let backAt: number | undefined
  watch.onChange(({ id, state, attempt = 0 }) => {
    if (id === abandoned.id && (state !== 1 || attempt > abandoned.attempt)) backAt ??= performance.now()
  })
  const renewing = setInterval(() => void hand.say('renewTask', kept), kept.leaseMs / 4)
  try {
    await jump()
    await waitFor('an abandoned task back', () => backAt, WAIT_MS).catch(() => {
      findings.broke('I6', `task ${abandoned.id} is not back ${WAIT_MS} ms after its holder was heard of`)
    })
    await finish(scene, hand, kept)
  } finally {
    clearInterval(renewing)
  }
  return Math.abs((backAt ?? Number.POSITIVE_INFINITY) - takenAt - abandoned.leaseMs)
}

/** Its holder has never been silent for long, so its word counts. */
async function finish({ findings }: Scene, hand: Hand, kept: Held): Promise<void> {
  await hand.store(kept, await hand.swap(kept))
  const told = await hand.say('registerTaskFinished', kept)
  if (told?.status !== 200)
    findings.broke('I4', `the renewed task ${kept.id} was lost: its finish was answered with ${told?.status}`)
}

async function takeOne(hand: Hand): Promise<Held> {
  const held = await hand.take(TAKE_SECONDS)
  if (held === undefined) throw new Error('no task came')
  return held
}

/** A wall clock that can be set for those who are started with `env`; their monotonic clock goes on. */
function openWrongClock() {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-clock-'))
  const path = join(folder, 'offset')
  const set = (seconds: number) => {
    writeFileSync(`${path}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    renameSync(`${path}.new`, path)
  }
  set(0)
  return {
    env: {
      LD_PRELOAD: findLibrary(),
      FAKETIME_TIMESTAMP_FILE: path,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Files keep the times they were given before the jump.
      NO_FAKE_STAT: '1',
    },
    set,
    close: () => rmSync(folder, { recursive: true }),
  }
}

function findLibrary(): string {
  const found = readdirSync('/usr/lib').map(name => join('/usr/lib', name, 'faketime', library))
  const [path] = found.filter(path => existsSync(path))
  if (path === undefined) throw new Error(`${library} is not where Debian has it`)
  return path
}
