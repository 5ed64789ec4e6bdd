import { openSystem, type SystemOptions } from '../test/system/system.ts'
import { iconForm, type MakeForm } from './forms.ts'
import type { Shape } from './load.ts'
import type { Row } from './row.ts'

/** What other shapes of load are told from. */
export const fastIcons: Shape = {
  says: 'icons, 8 as fast as they can',
  lanes: 8,
  isClosed: false,
  // Until then engines still compile what runs often, and a picture takes a tenth more.
  before: 6_000,
  pictures: 6_000,
}

export function iconRow(shape: Shape, options: SystemOptions = {}): Row {
  return { shape, form: makeOnce(iconForm), open: dataDir => openSystem({ ...options, dataDir }) }
}

/** All rounds, and all who are compared, get the same pictures: to draw one takes longer than its way does. */
function makeOnce(make: MakeForm): MakeForm {
  const made = new Map<number, Buffer>()
  return number => {
    const form = made.get(number) ?? make(number)
    made.set(number, form)
    return form
  }
}
