import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NamedImage } from '../images/encode.ts'

/** Real images nobody here made, where they lie beside the project: data for tests that also run without them. */
const FOLDER = join(process.cwd(), '..', 'shared', 'corpus')

export const hasCorpus = existsSync(FOLDER)

/** The PNGs of one of its folders: `pngsuite`, `kodak`, `various` or `nasty`. */
export function corpus(folder: string): NamedImage[] {
  const names = readdirSync(join(FOLDER, folder)).filter(name => name.endsWith('.png'))
  return names.sort().map(name => ({ name, bytes: readFileSync(join(FOLDER, folder, name)) }))
}
