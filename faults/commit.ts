import { execFileSync } from 'node:child_process'

/** What the commands of the reports write themselves is no change to what is measured. */
const WRITTEN = ['bench/README.md', 'bench/figures.json', 'docs/reliability.md', 'docs/reliability.json']

/** The commit that the sources are at, short, and whether they differ from it; empty where there is no repository, or no git. */
export function describeCommit(): string {
  const git = (...args: string[]) => execFileSync('git', args, { encoding: 'utf8', stdio: 'pipe' }).trim()
  try {
    const isChanged = git('status', '--porcelain', '--', '.', ...WRITTEN.map(path => `:!${path}`)) !== ''
    return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' and changes' : ''}`
  } catch {
    return ''
  }
}
