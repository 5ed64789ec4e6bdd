import { readFileSync, statSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A place in a stack: the URL of a built file, its line and column. */
const PLACE = /(file:\/\/\S+?\.js):(\d+):(\d+)/g

const maps = new Map<string, SourceMap | undefined>()

function mapOf(url: string): SourceMap | undefined {
  if (!maps.has(url)) maps.set(url, readMap(url))
  return maps.get(url)
}

/** The map that lies beside a built file; `undefined` where none can be read, or it is that of a later build than what runs here. */
function readMap(url: string): SourceMap | undefined {
  try {
    const path = fileURLToPath(url)
    if (statSync(`${path}.map`).mtimeMs > performance.timeOrigin) return undefined
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
    const entry = mapOf(url)?.findEntry(Number(line) - 1, Number(column) - 1)
    // Lines of libraries are not in it: what is found there stands before them.
    if (entry === undefined || !('originalSource' in entry) || entry.generatedLine !== Number(line) - 1)
      return place
    const { originalSource, originalLine, originalColumn } = entry
    return `${resolve(dirname(fileURLToPath(url)), originalSource)}:${originalLine + 1}:${originalColumn + 1}`
  })
}
