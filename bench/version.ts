import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The version of a library that is installed. */
export function versionOf(library: string): string {
  const path = join(process.cwd(), 'node_modules', library, 'package.json')
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version
}
