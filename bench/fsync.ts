import { closeSync, fdatasyncSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { ownCpuMs } from './cpu.ts'

/** How often each is measured, and how many bytes are written before. */
export const SYNCS = 500
export const SYNCED_BYTES = 700

/** How long it takes until a short write is on disk, and how much of that is CPU time; the rest waits for the disk. In ms. */
export interface SyncCost {
  readonly tookMs: number
  readonly cpuMs: number
}

export interface SyncCosts {
  /** Of a file that grows. */
  readonly fsync: SyncCost
  /** Of a file that is written over. */
  readonly fdatasync: SyncCost
}

/** @param folder On a disk. */
export function measureSyncs(folder: string): SyncCosts {
  const path = join(folder, 'synced')
  const fsync = measure(path, 'w', fsyncSync)
  return { fsync, fdatasync: measure(path, 'r+', fdatasyncSync) }
}

/** How long of that the disk was waited for, in ms. */
export const waitOf = ({ tookMs, cpuMs }: SyncCost): number => Math.max(0, tookMs - cpuMs)

function measure(path: string, flags: string, sync: (file: number) => void): SyncCost {
  const file = openSync(path, flags)
  const began = performance.now()
  const before = ownCpuMs()
  for (let i = 0; i < SYNCS; i += 1) {
    writeSync(file, Buffer.alloc(SYNCED_BYTES), 0, SYNCED_BYTES, i * SYNCED_BYTES)
    sync(file)
  }
  const tookMs = (performance.now() - began) / SYNCS
  const cpuMs = (ownCpuMs() - before) / SYNCS
  closeSync(file)
  return { tookMs, cpuMs }
}
