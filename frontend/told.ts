import type { Took } from './took.ts'

/** What is told of a task as JSON: at /task, and in each event. */
export interface Told {
  readonly id: number
  readonly state: 'waiting' | 'ready' | 'failed' | 'gone' | 'unknown for now'
  /** Whether one that waits is worked on already; an original master does not say. */
  readonly step?: 'queued' | 'working' | undefined
  /** How many are before one that is queued, at most; only where the queue is followed. */
  readonly ahead?: number | undefined
  /** How long it took on its way, once it has ended. */
  readonly took?: Took | undefined
  /** Where the result of one that is ready is to be had. */
  readonly image?: string
  /** Why one has failed. */
  readonly reason?: string
}

/** A reason as it stands by itself. */
export function asSentence(reason: string): string {
  return `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.$/, '')}.`
}

/** Nothing more will be told of it. */
export function hasEnded({ state }: Told): boolean {
  return state === 'ready' || state === 'failed' || state === 'gone'
}
