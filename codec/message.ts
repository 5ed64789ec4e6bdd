import type { PngErrorCode } from './errors.ts'
import type { SwapLimits } from './swap.ts'
import type { Module } from './wasm.ts'

/** What a thread is started with. */
export interface ThreadData {
  /** The compiled module; undefined where there is no SIMD. */
  readonly module: Module | undefined
  readonly limits: SwapLimits
}

/** What a thread is told. One swap after the other: `begin`, pieces, `end`; or `stop`, at any time in between. */
export type ToThread =
  | { readonly kind: 'begin' | 'end' | 'took' | 'stop' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }

/** What a thread says: `asks` for the next piece of the input, a `piece` of the output, and how the swap ended. */
export type FromThread =
  | { readonly kind: 'asks' | 'done' }
  | { readonly kind: 'piece'; readonly bytes: Uint8Array }
  | { readonly kind: 'failed'; readonly code: PngErrorCode | undefined; readonly message: string }

/** Bytes of a piece between threads, at most: each costs a message. */
export const MESSAGE_BYTES: number = 1024 * 1024
/** How many pieces of the output may be under way. */
export const AHEAD = 2
