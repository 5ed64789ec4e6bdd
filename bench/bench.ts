import type { Output } from './output.ts'

/** A program of others that a bench can do without. */
export interface Need {
  /** Debian's package. */
  readonly package: string
  /** What is left out without it. */
  readonly for: string
  readonly name: string
  /** Its version, as it says itself; undefined when it is not installed. */
  find(): string | undefined
}

/** @param folder On a disk, empty, removed afterwards. */
export type Part = (output: Output, folder: string) => Promise<void>

interface Question {
  /** What it answers, in one line. */
  readonly question: string
  readonly needs?: readonly Need[]
}

/** One that can be run in parts, each with a headline of its own. */
export interface PartedBench extends Question {
  readonly parts: Readonly<Record<string, Part>>
}

export interface PlainBench extends Question {
  /** Which arguments it takes, as a usage says it: none unless said. All of them can be left out. */
  readonly takes?: string
  /** @param folder On a disk, empty, removed afterwards. */
  run(output: Output, folder: string, args: readonly string[]): Promise<void>
}

/** A question about what something costs, and the way to its answer. */
export type Bench = PartedBench | PlainBench
