import { constants, type ZlibOptions } from 'node:zlib'
import { decode, encode } from 'fast-png'
import { PNG } from 'pngjs'
import sharp from 'sharp'
import { createZlibRecoder } from '../codec/zlib.ts'
import { swapFiltered, takeApart } from './filtered.ts'
import type { Picture } from './pictures.ts'
import { inPieces, ourRecoder, swapWith, type Turn, timed } from './swap.ts'
import { versionOf } from './version.ts'

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

/** Those that run in this process. `sharp` is libvips, in threads of its own, whose time counts as well. */
export function listInProcess(): readonly Peer[] {
  sharp.concurrency(1)
  sharp.cache(false)
  return [
    peer(LEVEL_1, ({ bytes }) => swapFiltered(bytes, { level: 1 })),
    peer(OURS, ({ bytes }) => swapWith(ourRecoder, bytes)),
    peer('this codec on node:zlib', ({ bytes }) => swapWith(createZlibRecoder(), bytes)),
    ...[4, 6].map(level => filtered(`zlib level ${level}, filtered`, { level })),
    { ...filtered('zlib level 9, filtered', { level: 9 }), isSlow: true },
    filtered('floor: Huffman only, filtered', { level: 1, strategy: constants.Z_HUFFMAN_ONLY }),
    peer('floor: decoding only', ({ bytes }) => verify(bytes)),
    peer(`sharp ${sharp.versions.sharp}`, ({ bytes }) => swapBySharp(bytes, false)),
    peer(ADAPTIVE, ({ bytes }) => swapBySharp(bytes, true)),
    peer(`pngjs ${versionOf('pngjs')}`, ({ bytes }) => swapByPngjs(bytes), true),
    peer(`fast-png ${versionOf('fast-png')}`, ({ bytes }) => swapByFastPng(bytes), true),
  ]
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
