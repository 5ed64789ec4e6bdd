import { readFileSync } from 'node:fs'
import { broken } from './errors.ts'
import type { Layout } from './layout.ts'
import type { ChannelPair, Recoder } from './recoder.ts'
import { badFilter, tooFewBytes, tooManyBytes } from './rows.ts'
import { createZlibRecoder } from './zlib.ts'

/** A compiled module: can be handed to other threads. */
export interface Module {
  readonly [Symbol.toStringTag]: string
}

/** What is used of the engine's WebAssembly; TypeScript has its types among those of browsers alone. */
declare const WebAssembly: {
  validate(bytes: Uint8Array): boolean
  readonly Module: new (bytes: Uint8Array) => Module
  readonly Instance: new (module: Module) => { readonly exports: unknown }
}

/** What codec/wasm/module.ts exports; addresses are places in `memory`. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer }
  begin(pixelBytes: number): void
  addPass(rowBytes: number, height: number): void
  exchange(first: number, second: number, sampleBytes: number): void
  input(): number
  room(): number
  append(bytes: number, isComplete: boolean): void
  step(): number
  output(): number
  outputBytes(): number
  crcInput(): number
  crc32(bytes: number, before: number): number
}

/** What `step` gives: codec/wasm/inflate.ts and codec/wasm/refusals.ts. */
const WANTS_INPUT = 0
const STREAM_ENDED = 2
const TOO_MANY_BYTES = -13
const TOO_FEW_BYTES = -14
const BAD_FILTER = -1000
const INVALID = 'the image data is no valid zlib stream: '
const REFUSALS: Readonly<Record<number, string>> = {
  [-1]: `${INVALID}invalid block type`,
  [-2]: `${INVALID}invalid stored block lengths`,
  [-3]: `${INVALID}too many length or distance symbols`,
  [-4]: `${INVALID}invalid code lengths set`,
  [-5]: `${INVALID}invalid bit length repeat`,
  [-6]: `${INVALID}invalid code -- missing end-of-block`,
  [-7]: `${INVALID}invalid literal/lengths set`,
  [-8]: `${INVALID}invalid distances set`,
  [-9]: `${INVALID}invalid literal/length code`,
  [-10]: `${INVALID}invalid distance code`,
  [-11]: `${INVALID}invalid distance too far back`,
  [-12]: 'the image data ends before its zlib stream does',
  [-15]: 'the image data does not match its Adler-32 checksum',
  [-16]: `${INVALID}incorrect header check`,
  [-17]: `${INVALID}unknown compression method`,
  [-18]: `${INVALID}invalid window size`,
  [-19]: `${INVALID}it asks for a preset dictionary`,
}

/** A step that needs no input takes on at least so many bytes of rows, but for the last: codec/wasm/choice.ts. */
const STEP_BYTES = 16_000

/** Instances that are kept for the next stream, 1.3 MB each. */
const KEPT_INSTANCES = 2

/** Bytes that the module takes at a time for their CRC: codec/wasm/crc.ts. */
const CRC_BYTES = 64 * 1024

/** Compiles the built module at `path`. Undefined where the machine, or the engine, has no SIMD. */
export function loadModule(path: string): Module | undefined {
  const bytes = readFileSync(path)
  return WebAssembly.validate(bytes) ? new WebAssembly.Module(bytes) : undefined
}

/** The recoder on a module, or on node:zlib where there is none. */
export function createRecoder(module: Module | undefined): Recoder {
  return module === undefined ? createZlibRecoder() : createWasmRecoder(module)
}

/**
 * The recoder that keeps the compressor's own matches and codes only the rest anew (docs/decisions, 013). All its work
 * is done where it is called, 64 KB of rows at a time.
 */
export function createWasmRecoder(module: Module): Recoder {
  const idle: Instance[] = []
  const forCrc = new Instance(module)
  async function* lent(use: (instance: Instance) => AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
    const instance = idle.pop() ?? new Instance(module)
    try {
      yield* use(instance)
    } finally {
      // Also after a refusal: a stream begins with everything reset.
      if (idle.length < KEPT_INSTANCES) idle.push(instance)
    }
  }
  return {
    recode: (layout, channels, zlib) =>
      lent(instance => recode(instance, layout, channels, zlib)) as AsyncGenerator<Buffer>,
    verify: (layout, zlib) => lent(instance => verify(instance, layout, zlib)),
    crc32: (bytes, before = 0) => forCrc.crc32(bytes, before),
  }
}

async function* recode(
  instance: Instance,
  layout: Layout,
  channels: ChannelPair,
  zlib: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  instance.begin(layout, channels)
  for await (const piece of zlib) yield* instance.write(piece)
  yield* instance.end()
}

async function* verify(
  instance: Instance,
  layout: Layout,
  zlib: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  instance.begin(layout)
  for await (const piece of zlib) {
    for (const _ of instance.write(piece)) throw new Error('checking put something out')
    yield piece
  }
  for (const _ of instance.end()) throw new Error('checking put something out')
}

/** One instance of the module, and the stream it is at. */
class Instance {
  readonly #exports: Exports
  readonly #memory: Buffer
  #layout: Layout | undefined
  #hasEnded = false
  /** How many more steps the stream can need at most. */
  #stepsLeft = 0

  constructor(module: Module) {
    this.#exports = new WebAssembly.Instance(module).exports as Exports
    // The module's memory never grows, so that this stays the whole of it.
    this.#memory = Buffer.from(this.#exports.memory.buffer)
  }

  /** Without `channels` the rows are only checked. */
  begin(layout: Layout, channels?: ChannelPair): void {
    const { begin, addPass, exchange } = this.#exports
    this.#layout = layout
    this.#hasEnded = false
    this.#stepsLeft = Math.ceil(layout.inflatedBytes / STEP_BYTES) + 1
    begin(layout.pixelBytes)
    for (const { rowBytes, height } of layout.passes) addPass(rowBytes, height)
    if (channels !== undefined) exchange(channels[0], channels[1], layout.sampleBytes)
  }

  /** Takes a piece, as much at a time as there is room for, and gives what comes of it. */
  *write(piece: Uint8Array): Generator<Buffer> {
    const { input, room, append } = this.#exports
    for (let from = 0; from < piece.length && !this.#hasEnded; ) {
      const address = input()
      const part = piece.subarray(from, from + room())
      this.#memory.set(part, address)
      append(part.length, false)
      from += part.length
      yield* this.#steps()
    }
  }

  /** Gives the rest. Throws unless the stream is complete. */
  *end(): Generator<Buffer> {
    if (this.#hasEnded) return
    this.#exports.input()
    this.#exports.append(0, true)
    yield* this.#steps()
    if (!this.#hasEnded) throw new Error('the stream neither ended nor was refused')
  }

  /** Has nothing to do with the stream. */
  crc32(bytes: Uint8Array, before: number): number {
    const { crcInput, crc32 } = this.#exports
    const address = crcInput()
    let crc = before
    for (let from = 0; from < bytes.length; from += CRC_BYTES) {
      // Of short ones, to make a part would cost as much as the rest.
      const part = bytes.length <= CRC_BYTES ? bytes : bytes.subarray(from, from + CRC_BYTES)
      this.#memory.set(part, address)
      crc = crc32(part.length, crc)
    }
    return crc >>> 0
  }

  *#steps(): Generator<Buffer> {
    const { step, output, outputBytes } = this.#exports
    this.#stepsLeft += 1
    for (let came = -1; came !== WANTS_INPUT && !this.#hasEnded; ) {
      this.#stepsLeft -= 1
      if (this.#stepsLeft < 0) throw new Error('the module does not get on')
      came = step()
      if (came < 0) throw this.#refusal(came)
      this.#hasEnded = came === STREAM_ENDED
      const bytes = outputBytes()
      // A copy: the next step writes over it.
      if (bytes > 0) yield Buffer.from(this.#memory.subarray(output(), output() + bytes))
    }
  }

  #refusal(code: number): Error {
    const layout = this.#layout as Layout
    if (code === TOO_MANY_BYTES) return tooManyBytes(layout)
    if (code === TOO_FEW_BYTES) return tooFewBytes(layout)
    if (code <= BAD_FILTER) return badFilter(BAD_FILTER - code)
    return broken(REFUSALS[code] ?? `${INVALID}refusal ${code}`)
  }
}
