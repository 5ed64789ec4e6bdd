import { request } from 'undici'
import { differences } from '../test/oracle/compare.ts'
import type { MakeForm } from './forms.ts'
import { imageOf } from './uploader.ts'

/** How many results of a load are looked at. */
const LOOKED_AT = 20

/** A picture that went through: the id of its task, and the number that its form was made from. */
export interface Passed {
  readonly id: string
  readonly number: number
}

/**
 * Fetches some of the results, evenly spread over all, and compares them with what was sent, by the decoder of the tests, which
 * knows nothing of the codec. Throws, with its id, at the first that is not what the contract promises.
 *
 * @param urlOf Where the result of a task is given out.
 */
export async function checkResults(
  passed: readonly Passed[],
  form: MakeForm,
  urlOf: (id: string) => string,
): Promise<void> {
  if (passed.length === 0) throw new Error('no picture went through')
  for (const { id, number } of spreadOver(passed, LOOKED_AT)) {
    const { statusCode, body } = await request(urlOf(id))
    const result = Buffer.from(await body.arrayBuffer())
    if (statusCode !== 200) throw new Error(`the result of task ${id} cannot be had: ${statusCode}`)
    const [difference] = differences(imageOf(form(number)), result)
    if (difference !== undefined) throw new Error(`the result of task ${id} is wrong: ${difference}`)
  }
}

/** So many of all, each from the middle of a part of its own; all, where there are no more. */
function spreadOver<T>(all: readonly T[], count: number): readonly T[] {
  if (all.length <= count) return all
  return Array.from({ length: count }, (_, at) => all[Math.floor(((at + 0.5) * all.length) / count)] as T)
}
