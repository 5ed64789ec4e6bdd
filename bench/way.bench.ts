import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { PlainBench } from './bench.ts'
import { playBlocks, type Rival } from './blocks.ts'
import { combineRuns, type Load, type Run } from './load.ts'
import { fillPageCache } from './page-cache.ts'
import { compare } from './rounds.ts'
import { describeSpread, median } from './spread.ts'

const ROUNDS = 4
/** Icons of each in a round. */
const PICTURES = 3_000
/** The latest steps, behind what stood before them; the report has the earlier ones from a run of their own. */
const REVISIONS = ['65cc907', '03c0893', '9da2f78', '561ec84', '79bcf51', 'b9650af', '6cec372', '15d6d43']

/**
 * Builds all six services as they were at each of the project's revisions, and lets them take turns on icons, each in a
 * process of its own, with fresh data and warmed up. The first is what the others are compared with.
 */
export const way: PlainBench = {
  question: 'What has each step given to the way of a picture through all six services?',
  takes: '[REVISION...]',
  async run(output, folder, args) {
    const revisions = args.length > 0 ? args : REVISIONS
    const rivals = revisions.map((revision): Rival => {
      const tree = buildAt(folder, revision)
      return { name: subjectOf(revision), open: () => openAt(tree) }
    })
    fillPageCache(folder)
    const all = await playBlocks(ROUNDS, PICTURES, rivals)
    output.line(`\n${ROUNDS} rounds by turns, medians (least to most)`)
    const rows = all.map(one => [
      one.name,
      describeSpread(one.turns.map(perSecond), 0),
      compare(one, all[0], perSecond),
      describeSpread(one.turns.map(cpuMs)),
      compare(one, all[0], cpuMs),
      sharesOf(one.turns),
    ])
    const head = [
      'revision',
      'a second',
      'against the first',
      'CPU ms a picture',
      'against the first',
      'of that',
    ]
    output.table(head, rows)
  },
}

/** The services of a revision, built, with the packages of the present one. */
function buildAt(folder: string, revision: string): string {
  const tree = mkdtempSync(join(folder, 'at-'))
  execFileSync('sh', ['-c', 'git archive "$2" | tar -x -C "$1"', 'sh', tree, revision])
  symlinkSync(join(process.cwd(), 'node_modules'), join(tree, 'node_modules'))
  execFileSync('scripts/build.sh', { cwd: tree })
  return tree
}

function subjectOf(revision: string): string {
  return execFileSync('git', ['log', '-1', '--format=`%h` %s', revision], { encoding: 'utf8' }).trim()
}

async function openAt(tree: string): Promise<Load> {
  // Left there until the end: ext4 looks past each file that was deleted lately whenever it makes one.
  const dataDir = mkdtempSync(join(tree, 'data-'))
  const program = join(import.meta.dirname, 'way-turn.js')
  const child = spawn(process.execPath, [program, dataDir], { cwd: tree, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const nextLine = async () => {
    const { done, value } = await lines.next()
    if (done) throw new Error(`the services of ${tree} ended`)
    return JSON.parse(value)
  }
  const ask = (line: string) => {
    child.stdin.write(`${line}\n`)
    return nextLine()
  }
  await nextLine()
  return {
    block: pictures => ask(String(pictures)),
    check: () => ask('check'),
    async close() {
      child.stdin.end()
      await ended
    },
  }
}

function perSecond({ tookMs, waitedMs }: Run): number {
  return (waitedMs.length / tookMs) * 1_000
}

function cpuMs(run: Run): number {
  return Object.values(run.cpu).reduce((sum, { all }) => sum + all, 0)
}

function sharesOf(turns: readonly Run[]): string {
  return Object.entries(combineRuns(turns, median))
    .map(([name, { all }]) => `${name} ${all.toFixed(2)}`)
    .join(', ')
}
