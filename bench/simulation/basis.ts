import type { Basis, Costs, Shared } from './costs.ts'
import { costsBy, kindOf, type Measured } from './measured.ts'

/** How often a row is simulated to find out how many share there: then it is about the same from one time to the next. */
const PASSES = 2

export interface BasisOptions {
  /** The row of icons by which those of photographs are told. */
  readonly icons: Measured
  /** CPU time of a transaction of the database, whatever is in it, in ms. */
  readonly transactionMs: number
  /** Simulates a row: how many share a transaction there, and a batch of the log, if steps cost so much. */
  readonly shareIn: (row: Measured, costs: Costs) => Shared
}

/** What has to be known of each row to tell what its steps take; how many shared what is done once for all can only be simulated. */
export function createBasis({ icons, transactionMs, shareIn }: BasisOptions): (row: Measured) => Basis {
  const find = (row: Measured, known: Partial<Shared> = {}): Basis => {
    let shared: Shared = { operations: 1, images: 1, ...known }
    for (let pass = 0; pass < PASSES; pass += 1)
      shared = { ...shareIn(row, costsBy(row, icons, { transactionMs, shared })), ...known }
    return { transactionMs, shared }
  }
  const ofIcons = find(icons)
  return row => {
    if (row === icons) return ofIcons
    // No photograph goes through the log: of storage's time what the icons' row says of it is taken off, as it was shared there.
    return find(row, kindOf(row) === 'icons' ? {} : { images: ofIcons.shared.images })
  }
}
