import { openSystem, type SystemOptions } from '../test/system/system.ts'
import { iconForm } from './forms.ts'
import type { Shape } from './load.ts'
import type { Row } from './row.ts'

/** What other shapes of load are told from. */
export const fastIcons: Shape = {
  says: 'icons, 8 as fast as they can',
  lanes: 8,
  isClosed: false,
  before: 0,
  pictures: 6_000,
}

export function iconRow(shape: Shape, options: SystemOptions = {}): Row {
  return { shape, form: iconForm, open: dataDir => openSystem({ ...options, dataDir }) }
}
