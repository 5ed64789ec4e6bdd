import type { Recoder } from '../../codec/recoder.ts'
import { createWasmRecoder, loadModule, type Module } from '../../codec/wasm.ts'
import { createZlibRecoder } from '../../codec/zlib.ts'
import { MODULE } from './build.ts'
import type { Mutant } from './mutant.ts'
import { exchanged, inflated, type Result, recode, rowsOf, verify } from './verdict.ts'
import { canBoth } from './words.ts'

/** What came of a mutant. */
export interface Outcome {
  readonly isAccepted: boolean
  /** Why it was refused, in the words of both recoders. */
  readonly words: readonly [wasm: string, zlib: string] | undefined
  /** What is wrong with the recoders. */
  readonly faults: readonly string[]
}

export interface Trial {
  run(mutant: Mutant, number: number): Promise<Outcome>
}

/** Every so many mutants a recoder that has done nothing before must give the same bytes. */
const FRESH_EVERY = 8

/** Puts mutants to both recoders, with node:zlib as the judge. */
export function createTrial(): Trial {
  const module = loadModule(MODULE) as Module
  const wasm = createWasmRecoder(module)
  const zlib = createZlibRecoder({ level: 1 })
  return {
    run: async (mutant, number) => {
      const rows = rowsOf(mutant)
      const faults: string[] = []
      const results: Result[] = []
      const check = async (name: string, recoder: Recoder) => {
        const result = await tried(() => (mutant.channels === undefined ? verify : recode)(recoder, mutant))
        faults.push(...faultsOf(name, result, rows, mutant))
        results.push(result)
        return result
      }
      const result = await check('wasm', wasm)
      await check('zlib', zlib)
      if (mutant.channels !== undefined) {
        const verified = await tried(() => verify(wasm, mutant))
        faults.push(...faultsOf('wasm, verifying,', verified, rows, { ...mutant, channels: undefined }))
      }
      if (number % FRESH_EVERY === 0) {
        const fresh = await check('fresh wasm', createWasmRecoder(module))
        if (
          fresh.refusal !== result.refusal ||
          fresh.bytes?.equals(result.bytes ?? Buffer.alloc(0)) === false
        )
          faults.push('a fresh wasm recoder gives something else')
      }
      const [ofWasm, ofZlib] = results.map(({ refusal }) => refusal)
      const words = ofWasm === undefined || ofZlib === undefined ? undefined : ([ofWasm, ofZlib] as const)
      if (words !== undefined && !canBoth(...words)) faults.push(`refused as "${words.join('", and as "')}"`)
      return { isAccepted: rows !== undefined, words, faults }
    },
  }
}

/** What is no refusal is a fault, in words that no refusal has. */
async function tried(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run()
  } catch (error) {
    return { refusal: `threw ${error}` }
  }
}

function faultsOf(
  name: string,
  { bytes, refusal }: Result,
  rows: Buffer | undefined,
  { layout, channels, zlib }: Mutant,
): string[] {
  if (refusal?.startsWith('threw ') === true) return [`${name} ${refusal}`]
  if (rows === undefined) return bytes === undefined ? [] : [`${name} accepts what is to be refused`]
  if (bytes === undefined) return [`${name} refuses what is to be accepted: ${refusal}`]
  if (channels === undefined) return bytes.equals(zlib) ? [] : [`${name} passes something else on`]
  const came = inflated(bytes, rows.length)
  if (came === undefined) return [`${name} gives no zlib stream`]
  return came.equals(exchanged(rows, layout, channels)) ? [] : [`${name} gives other rows`]
}
