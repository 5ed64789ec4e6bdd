import { main } from 'assemblyscript/asc'
import type { Module } from '../../codec/wasm.ts'

declare const WebAssembly: { readonly Module: new (bytes: Uint8Array) => Module }

/** A real module in place of the codec's: it hangs in its first step on pixels of four bytes, and refuses all others. */
const source = `
let pixelBytes: i32 = 0
export function begin(bytes: i32): void { pixelBytes = bytes }
export function addPass(rowBytes: f64, height: f64): void {}
export function exchange(first: i32, second: i32, sampleBytes: i32): void {}
export function input(): usize { return 1024 }
export function room(): i32 { return 60000 }
export function append(count: i32, isComplete: bool): void {}
export function step(): i32 { while (pixelBytes == 4) {} return -12 }
export function output(): usize { return 1024 }
export function outputBytes(): i32 { return 0 }
export function crcInput(): usize { return 65536 }
export function crc32(count: i32, before: u32): u32 { return 0 }
`

/** The module as `loadModule` gives it. */
export async function hungModule(): Promise<Module> {
  return new WebAssembly.Module(await hungBytes())
}

/** Compiles it. */
export async function hungBytes(): Promise<Uint8Array> {
  let binary: Uint8Array | undefined
  const args = [
    'hung.ts',
    '--outFile',
    'hung.wasm',
    '--runtime',
    'stub',
    '--initialMemory',
    '3',
    '--use',
    'abort=',
  ]
  const { error, stderr } = await main(args, {
    readFile: name => (name === 'hung.ts' ? source : null),
    writeFile: (name, contents) => {
      if (name === 'hung.wasm' && typeof contents !== 'string') binary = contents
    },
    listFiles: () => [],
  })
  if (error !== null || binary === undefined) throw error ?? new Error(stderr.toString())
  return binary
}
