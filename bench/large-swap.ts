import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { swapRedGreen } from '../codec/swap.ts'
import { createZlibRecoder } from '../codec/zlib.ts'
import { wasmRecoder } from '../test/codec/build.ts'

/** A program: `large-swap.js ours|zlib FROM TO` swaps a file and prints what that cost, a `LargeSwap`, as JSON. */
export interface LargeSwap {
  /** User and system time of the process, its start left out, in ms. */
  readonly cpuMs: number
  /** The most memory the process ever had resident. */
  readonly peakBytes: number
}

const [way, from = '', to = ''] = process.argv.slice(2)
const recoder = way === 'ours' ? wasmRecoder() : createZlibRecoder({ level: 1 })
const before = process.cpuUsage()
const swapped = swapRedGreen(createReadStream(from), { recoder, maxPixels: 1e9, maxBytes: 1e9 })
await pipeline(swapped, createWriteStream(to))
const { user, system } = process.cpuUsage(before)
const cost: LargeSwap = {
  cpuMs: (user + system) / 1_000,
  peakBytes: process.resourceUsage().maxRSS * 1_024,
}
console.log(JSON.stringify(cost))
