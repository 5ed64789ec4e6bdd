import { execFileSync } from 'node:child_process'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { uniqueImage } from '../../test/images/noise.ts'
import type { Random } from '../../test/images/random.ts'
import type { Fault } from '../fault.ts'
import { percentile } from '../percentile.ts'
import type { Scene } from '../scene.ts'

const DESCRIPTORS = 64
/** Connections that are opened to a service at once, and say nothing, and how long they stay, in ms. */
const CONNECTIONS = 200
const STAY_MS = 1_000
/** How long a system may take to do its work again, in ms. */
const HEAL_MS = 60_000
const AGAIN_MS = 20

export const fewDescriptors: Fault = {
  name: 'T27',
  says: `${DESCRIPTORS} file descriptors for one service at a time, and ${CONNECTIONS} connections at once`,
  rounds: { full: 60, short: 0 },
  needs: ['command prlimit'],
  worksAnywhere: true,
  async run({ rounds, random, open }) {
    const scene = await open()
    const { names } = scene.system
    const recovered: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const name = names[round % names.length] ?? 'frontend'
      await scene.during(async () => {
        const pid = scene.system.pids()[name]
        // It ended by itself in the round before.
        if (pid === undefined) return scene.system.start(name)
        const before = limitDescriptors(pid, DESCRIPTORS)
        try {
          await crowdIn(scene.system.urls[name])
          recovered.push(await timeToPicture(scene, random, name))
        } finally {
          if (scene.system.pids()[name] === pid) limitDescriptors(pid, before)
        }
      })
    }
    const says = `${rounds} times ${CONNECTIONS} connections: the first picture after they were gone, with ${DESCRIPTORS} descriptors still, p50 ${Math.round(percentile(recovered, 0.5))} ms, at most ${Math.round(Math.max(...recovered))} ms`
    return { figures: [{ says }], findings: await scene.end() }
  },
}

/** Sets how many descriptors a process may have from now on; gives how many it had. */
function limitDescriptors(pid: number, limit: number): number {
  const prlimit = (...args: string[]) =>
    execFileSync('prlimit', ['--pid', String(pid), ...args], { encoding: 'utf8' })
  const before = Number(prlimit('--nofile', '--output', 'SOFT', '--noheadings'))
  prlimit(`--nofile=${limit}:`)
  return before
}

/** Takes every descriptor a service has left. */
async function crowdIn(url: string | undefined): Promise<void> {
  if (url === undefined) return delay(STAY_MS)
  const { hostname: host, port } = new URL(url)
  const open = (): Socket => connect({ host, port: Number(port) }).on('error', () => {})
  const sockets = Array.from({ length: CONNECTIONS }, open)
  await delay(STAY_MS)
  for (const socket of sockets) socket.destroy()
}

/** How long it takes until a picture goes through, in ms. */
async function timeToPicture(scene: Scene, random: Random, name: string): Promise<number> {
  const from = performance.now()
  while (performance.now() - from < HEAL_MS) {
    const id = await scene.upload(uniqueImage(random.next()))
    if (id !== undefined && (await scene.visitor.fetch(id, HEAL_MS)) !== undefined)
      return performance.now() - from
    await delay(AGAIN_MS)
  }
  scene.findings.broke('I1', `no picture goes through while ${name} has ${DESCRIPTORS} descriptors`)
  return HEAL_MS
}
