import type { Recoder } from '../codec/recoder.ts'
import { swapRedGreen } from '../codec/swap.ts'
import { wasmRecoder } from '../test/codec/build.ts'
import { ownCpuMs } from './cpu.ts'

/** What one swap of one picture cost, and gave. */
export interface Turn {
  /** User and system time. */
  readonly cpuMs: number
  /** Undefined where there is no result, since only part of the work is done. */
  readonly result: Buffer | undefined
}

export const ourRecoder = wasmRecoder()

const LIMITS = { maxPixels: 1e9, maxBytes: 1e9 }
const PIECE_BYTES = 65_536

/** The whole result of our swap. */
export async function swapWith(recoder: Recoder, bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of swapRedGreen(inPieces(bytes), { recoder, ...LIMITS })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** CPU time of this process, all threads. */
export async function timed(run: () => Promise<Buffer | undefined> | Buffer): Promise<Turn> {
  const before = ownCpuMs()
  const result = await run()
  return { cpuMs: ownCpuMs() - before, result }
}

/** As a body arrives. */
export async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
