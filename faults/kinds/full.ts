import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { atEnd } from '../../test/system/ending.ts'
import { waitFor } from '../../test/system/waiting.ts'
import type { Fault } from '../fault.ts'
import { percentile } from '../percentile.ts'

/** Size of each small disk, in MB: so much, and so much more for the pictures of each round, or it is full before its time. */
const DISK_MB = 64
const ROUND_MB = 8
/** Of the log: one of 16 MB would not be made on so small a disk. */
const LOG_BYTES = 1_000_000
/** Time under load before a disk is full, in ms: up to this; and time that it stays full once somebody was told so. */
const LOAD_MS = 300
const FULL_MS = 1_000
/** How long it may take until somebody is told, in ms. */
const TOLD_MS = 20_000
/** Goal G18: how soon a picture goes through once there is room, in ms. */
const HEALED_MS = 1_000
/** What is full, in turns. */
const turns = [['storage'], ['database'], ['storage', 'database']] as const

export const diskFull: Fault = {
  name: 'T6',
  says: 'disk full: that of the images, that of the tasks, both; room again after a while, nothing started again',
  rounds: { full: 60, short: 1 },
  needs: ['root', 'command mount'],
  async run({ rounds, random, open }) {
    const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
    const sizeMb = DISK_MB + ROUND_MB * rounds
    const disks = {
      storage: openSmallDisk(join(dataDir, 'storage'), sizeMb),
      database: openSmallDisk(join(dataDir, 'database'), sizeMb),
    }
    try {
      const scene = await open({ system: { dataDir, env: { LOG_BYTES: String(LOG_BYTES) } }, pauseMs: 50 })
      const { journal, findings } = scene
      const heals: number[] = []
      let untold = 0
      for (let round = 0; round < rounds; round += 1) {
        const full = turns[round % turns.length]?.map(name => disks[name]) ?? []
        await delay(random.below(LOAD_MS))
        const healed = await scene.during(async () => {
          const from = journal.now()
          for (const disk of full) disk.fill()
          const isTold = () => journal.visits.some(visit => visit.status === 507 && visit.from > from)
          // Where nobody is told, all that was taken meanwhile is what the check looks for.
          await waitFor('an upload that is refused since the disk is full', isTold, TOLD_MS).catch(() => {
            untold += 1
          })
          await delay(random.below(FULL_MS))
          for (const disk of full) disk.free()
        })
        heals.push(healed)
      }
      const refused = journal.visits.filter(({ status }) => status === 507).length
      await scene.end()
      const lost = (['I1', 'I2', 'I3'] as const).flatMap(invariant => findings.of(invariant)).length
      const p99 = percentile(heals, 0.99)
      const told = untold === 0 ? '' : ` (${untold} times nobody)`
      const counts = `${rounds} times full, ${journal.promises.length} acknowledged, ${refused} refused with 507${told}`
      const figures = [
        { says: `${counts}, ${lost} falsely acknowledged`, goal: 'G18', isReached: lost === 0 },
        {
          says: `first picture once there is room: p50 ${Math.round(percentile(heals, 0.5))} ms, p99 ${Math.round(p99)} ms`,
          goal: 'G18',
          isReached: p99 <= HEALED_MS,
        },
      ] as const
      return { figures, findings }
    } finally {
      for (const disk of Object.values(disks)) disk.close()
      rmSync(dataDir, { recursive: true, force: true })
    }
  },
}

interface SmallDisk {
  /** Leaves no room for a byte. */
  fill(): void
  free(): void
  close(): void
}

function openSmallDisk(path: string, sizeMb: number): SmallDisk {
  mkdirSync(path, { recursive: true })
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path])
  if (status !== 0) throw new Error(`no tmpfs can be mounted: ${stderr}`)
  const close = () => void spawnSync('umount', ['--lazy', path])
  atEnd(close)
  const filler = join(path, 'filler')
  return {
    fill() {
      const fd = openSync(filler, 'w')
      for (const bytes of [Buffer.alloc(1 << 20), Buffer.alloc(1)]) while (hasRoomFor(fd, bytes));
      closeSync(fd)
    },
    free: () => rmSync(filler),
    close,
  }
}

function hasRoomFor(fd: number, bytes: Buffer): boolean {
  try {
    return writeSync(fd, bytes) > 0
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
