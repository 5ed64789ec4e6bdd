import type { Invariant } from '../../faults/findings.ts'

/** One exact text of a source file, and what a mistake would have there. */
export interface Edit {
  readonly file: string
  /** Stands in the file exactly once. */
  readonly find: string
  readonly replace: string
}

/** A bug that could be in the services, and the fault that must show it. */
export interface Mutant {
  readonly name: string
  /** What it breaks. */
  readonly invariant: Invariant
  readonly edits: readonly Edit[]
  /** The fault that shows it, and how often that has to be brought about. */
  readonly shownBy: { readonly fault: `T${number}`; readonly rounds: number }
}
