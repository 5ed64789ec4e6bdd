import { chunk } from '../test/images/chunk.ts'
import type { NamedImage } from '../test/images/encode.ts'
import { icon } from '../test/images/scene.ts'
import { formOf } from './uploader.ts'

/** Where a PNG's first chunk, IHDR, ends (5.2, 11.2.1). */
const AFTER_HEADER = 33

/** Makes the form with the picture of this number; each number has another picture. */
export type MakeForm = (number: number) => Buffer

export const iconForm: MakeForm = number => formOf(icon(number))

/** These pictures by turns, told apart by a text that numbers them. */
export function formsOf(pictures: readonly NamedImage[]): MakeForm {
  return number => {
    const { bytes } = pictures[number % pictures.length] as NamedImage
    const text = chunk('tEXt', `Comment\0picture ${number}`)
    return formOf(Buffer.concat([bytes.subarray(0, AFTER_HEADER), text, bytes.subarray(AFTER_HEADER)]))
  }
}
