import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NamedImage } from '../test/images/encode.ts'
import { photograph, screenshot } from '../test/images/scene.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'

/** A picture, and the file it lies in for those who want one. */
export interface Picture extends NamedImage {
  readonly path: string
}

/** Pictures that have a table of their own. */
export interface PictureSet {
  readonly name: 'photographs' | 'screenshots'
  /** Whether they come from the corpus beside the project, or had to be made. */
  readonly origin: 'from the corpus' | 'made on the fly'
  readonly pictures: readonly Picture[]
}

const SCREENSHOTS = [
  'lorem_ipsum_screenshot.png',
  'css-gradients-ref.png',
  'freetype_stats_graphs.png',
  'itxt_chunks.png',
  'blackbug.png',
]

/** The set's pictures, written into `folder`. */
export function openSet(name: PictureSet['name'], folder: string): PictureSet {
  const images = hasCorpus ? fromCorpus(name) : made(name)
  mkdirSync(join(folder, name), { recursive: true })
  const pictures = images.map(image => {
    const path = join(folder, name, image.name)
    writeFileSync(path, image.bytes)
    return { ...image, path }
  })
  return { name, origin: hasCorpus ? 'from the corpus' : 'made on the fly', pictures }
}

function fromCorpus(name: PictureSet['name']): NamedImage[] {
  if (name === 'photographs') return corpus('kodak')
  return corpus('various').filter(image => SCREENSHOTS.includes(image.name))
}

function made(name: PictureSet['name']): NamedImage[] {
  const make = name === 'photographs' ? photograph : screenshot
  return [1, 2, 3].map(seed => ({ name: `${seed}.png`, bytes: make(seed) }))
}
