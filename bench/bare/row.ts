import type { Row } from '../row.ts'
import { openBare } from './system.ts'

/** The same load on the barest system. */
export function besideIt({ shape, ...row }: Row): Row {
  return { ...row, shape: { ...shape, says: 'the same through a bare system' }, open: openBare }
}
