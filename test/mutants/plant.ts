import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Edit, Mutant } from './mutant.ts'

/** What a copy in which the services can be built anew needs of the repository. */
const copied = [
  'kit',
  'codec',
  'tasks',
  'kv-store',
  'database',
  'storage',
  'master',
  'worker',
  'frontend',
  'scripts',
  'dist',
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
]

/** A copy of the repository with a bug in it. */
export interface Planted {
  readonly path: string
  remove(): void
}

/** Plants the bug in a copy and joins its services anew; throws when a text to be replaced is not there, or twice. */
export function plant({ name, edits }: Mutant): Planted {
  const path = mkdtempSync(join(tmpdir(), 'verdigris-mutant-'))
  for (const part of copied) cpSync(part, join(path, part), { recursive: true })
  symlinkSync(join(process.cwd(), 'node_modules'), join(path, 'node_modules'))
  for (const { file, find, replace } of edits) {
    const source = readFileSync(join(path, file), 'utf8')
    writeFileSync(
      join(path, file),
      source.replace(find, () => replace),
    )
  }
  const { status, stderr } = spawnSync(process.execPath, ['dist/scripts/bundle.js'], { cwd: path })
  if (status !== 0) throw new Error(`${name}: it does not build: ${stderr}`)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** What is wrong with an edit; `undefined` when its text stands exactly once in its file. */
export function faultOf({ file, find }: Edit): string | undefined {
  const count = readFileSync(file, 'utf8').split(find).length - 1
  return count === 1 ? undefined : `${file} has ${count} times: ${find}`
}
