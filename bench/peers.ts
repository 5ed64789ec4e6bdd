import { constants, type ZlibOptions } from 'node:zlib'
import { decode, encode } from 'fast-png'
import { PNG } from 'pngjs'
import sharp from 'sharp'
import type { Recoder } from '../codec/recoder.ts'
import { swapRedGreen } from '../codec/swap.ts'
import { createZlibRecoder } from '../codec/zlib.ts'
import { wasmRecoder } from '../test/codec/build.ts'
import { swapFiltered, takeApart } from './filtered.ts'
import type { Picture } from './pictures.ts'

/** What one swap of one picture cost, and gave. */
export interface Turn {
  /** User and system time. */
  readonly cpuMs: number
  /** Undefined where there is no result, since only part of the work is done. */
  readonly result: Buffer | undefined
}

/** Somebody who exchanges red and green, file bytes in, file bytes out. */
export interface Peer {
  readonly name: string
  /** Takes part in fewer rounds of large pictures. */
  readonly isSlow: boolean
  swap(picture: Picture): Promise<Turn>
}

export const OURS = 'this codec'
export const LEVEL_1 = 'zlib level 1, filtered'
export const ADAPTIVE = 'sharp, adaptive filters'
export const ourRecoder = wasmRecoder()

const LIMITS = { maxPixels: 1e9, maxBytes: 1e9 }
const PIECE_BYTES = 65_536

sharp.concurrency(1)
sharp.cache(false)

/** Those that run in this process. `sharp` is libvips, in threads of its own, whose time counts as well. */
export const inProcess: readonly Peer[] = [
  peer(LEVEL_1, ({ bytes }) => swapFiltered(bytes, { level: 1 })),
  peer(OURS, ({ bytes }) => swapWith(ourRecoder, bytes)),
  peer('this codec on node:zlib', ({ bytes }) => swapWith(createZlibRecoder(), bytes)),
  ...[4, 6].map(level => filtered(`zlib level ${level}, filtered`, { level })),
  { ...filtered('zlib level 9, filtered', { level: 9 }), isSlow: true },
  filtered('floor: Huffman only, filtered', { level: 1, strategy: constants.Z_HUFFMAN_ONLY }),
  peer('floor: decoding only', ({ bytes }) => verify(bytes)),
  peer(`sharp ${sharp.versions.sharp}`, ({ bytes }) => swapBySharp(bytes, false)),
  peer(ADAPTIVE, ({ bytes }) => swapBySharp(bytes, true)),
  peer('pngjs', ({ bytes }) => swapByPngjs(bytes), true),
  peer('fast-png', ({ bytes }) => swapByFastPng(bytes), true),
]

/** The whole result of our swap. */
export async function swapWith(recoder: Recoder, bytes: Buffer): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of swapRedGreen(inPieces(bytes), { recoder, ...LIMITS })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** CPU time of this process, all threads, in ms. */
export async function timed(run: () => Promise<Buffer | undefined> | Buffer): Promise<Turn> {
  const before = process.cpuUsage()
  const result = await run()
  const { user, system } = process.cpuUsage(before)
  return { cpuMs: (user + system) / 1_000, result }
}

function peer(
  name: string,
  run: (picture: Picture) => Promise<Buffer | undefined> | Buffer,
  isSlow = false,
): Peer {
  return { name, isSlow, swap: picture => timed(() => run(picture)) }
}

function filtered(name: string, options: ZlibOptions): Peer {
  return peer(name, ({ bytes }) => swapFiltered(bytes, options))
}

async function verify(bytes: Buffer): Promise<undefined> {
  const { layout, stream } = takeApart(bytes)
  for await (const _ of ourRecoder.verify(layout, inPieces(stream)));
}

function swapBySharp(bytes: Buffer, adaptiveFiltering: boolean): Promise<Buffer> {
  // A matrix of 3 x 3 leaves alpha as it is.
  const image = sharp(bytes).recomb([
    [0, 1, 0],
    [1, 0, 0],
    [0, 0, 1],
  ])
  return image.png({ adaptiveFiltering }).toBuffer()
}

function swapByPngjs(bytes: Buffer): Buffer {
  const image = PNG.sync.read(bytes)
  exchange(image.data, 4)
  return PNG.sync.write(image)
}

function swapByFastPng(bytes: Buffer): Buffer {
  const image = decode(bytes)
  exchange(image.data, image.channels)
  return Buffer.from(encode(image))
}

/** In place, in unfiltered pixels. */
function exchange(pixels: { [at: number]: number; readonly length: number }, channels: number): void {
  for (let at = 0; at < pixels.length; at += channels) {
    const red = pixels[at] as number
    pixels[at] = pixels[at + 1] as number
    pixels[at + 1] = red
  }
}

async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES)
}
