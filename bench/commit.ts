import { execFileSync } from 'node:child_process'

/** What the report's own command writes is no change to what is measured. */
const WRITTEN = [':!bench/README.md', ':!bench/figures.json']

/** The commit that the sources are at, short, and whether they differ from it. */
export function describeCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const isChanged = git('status', '--porcelain', '--', '.', ...WRITTEN) !== ''
  return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' and changes' : ''}`
}
