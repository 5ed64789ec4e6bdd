import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a stack: the URL of a built file, its line and column. */
const PLACE = /(file:\/\/[^\s()]+\.js):(\d+):(\d+)/g

const maps = new Map<string, SourceMap | undefined>()

/** The map that lies beside a built file; `undefined` where none can be read. */
function mapOf(path: string): SourceMap | undefined {
  if (!maps.has(path)) maps.set(path, readMap(path))
  return maps.get(path)
}

function readMap(path: string): SourceMap | undefined {
  try {
    return new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')))
  } catch {
    return undefined
  }
}

/**
 * A stack with the places of the source in place of those of the built files. Their maps are read when they are first asked for: Node,
 * told to (`--enable-source-maps`), reads all of them at each start, and for each stream that an error ends (docs/decisions, 010).
 */
export function traced(stack: string): string {
  return stack.replaceAll(PLACE, (place, url, line, column) => {
    const path = fileURLToPath(url)
    const entry = mapOf(path)?.findEntry(Number(line) - 1, Number(column) - 1)
    // Lines of libraries are not in it: what is found there stands before them.
    if (entry === undefined || !('originalSource' in entry) || entry.generatedLine !== Number(line) - 1)
      return place
    const { originalSource, originalLine, originalColumn } = entry
    return `${resolve(dirname(path), originalSource)}:${originalLine + 1}:${originalColumn + 1}`
  })
}
