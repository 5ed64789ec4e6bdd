import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { printLarge } from './large.ts'
import { ADAPTIVE, inProcess, LEVEL_1, OURS } from './peers.ts'
import { openSet, type PictureSet } from './pictures.ts'
import { findPrograms, GO } from './programs.ts'
import { median, type Rounds, race, ratios } from './race.ts'
import { printRecompressed } from './recompressed.ts'
import { printGoal, printStandings } from './table.ts'

/**
 * What does the swap cost beside other ways to the same result, what does it make of the size, what memory does it take,
 * and how does it bear badly compressed input? CPU time on one core, file bytes in, file bytes out, everyone by turns in
 * one run. `npm run bench codec PART...` runs only those parts.
 */
const ROUNDS: Readonly<Record<PictureSet['name'], Rounds>> = {
  photographs: { all: 9, slow: 3 },
  screenshots: { all: 5, slow: 1 },
}

const folder = mkdtempSync(join(tmpdir(), 'codec-bench-'))
const parts: Readonly<Record<string, () => Promise<void>>> = {
  photographs: () => printSet('photographs'),
  screenshots: () => printSet('screenshots'),
  large: () => printLarge(folder),
  recompressed: () =>
    printRecompressed([
      ...openSet('photographs', folder).pictures,
      ...openSet('screenshots', folder).pictures,
    ]),
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
try {
  for (const name of wanted) {
    const print = parts[name]
    if (print === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
    console.log(`\n### ${name}\n`)
    await print()
  }
} finally {
  rmSync(folder, { recursive: true })
}

async function printSet(name: PictureSet['name']): Promise<void> {
  const { pictures, isReal } = openSet(name, folder)
  const { peers, missing } = findPrograms(folder)
  const rounds = ROUNDS[name]
  const standings = await race([...inProcess, ...peers], pictures, rounds)
  const of = (peer: string) => standings.find(standing => standing.name === peer)
  const against = (peer: string) => median(ratios(of(OURS), of(peer)))
  const ms = median([...(of(OURS)?.ms ?? [])].sort((a, b) => a - b))
  const origin = isReal ? 'from the corpus' : 'made on the fly'
  const slow = rounds.slow < rounds.all ? `, of slow ones ${rounds.slow}` : ''
  console.log(
    `${pictures.length} pictures ${origin}, ${rounds.all} rounds${slow}; ${OURS} takes ${ms.toFixed(1)} ms a picture`,
  )
  if (missing.length > 0) console.log(`Left out, since not installed: ${missing.join(', ')}`)
  printStandings(standings, of(LEVEL_1))
  if (name === 'photographs') {
    printGoal(`time against ${GO}`, against(GO), 1 / 10)
    printGoal(`time against ${ADAPTIVE}`, against(ADAPTIVE), 1 / 4)
  }
  printGoal(`time against ${LEVEL_1}`, against(LEVEL_1), name === 'photographs' ? 1 / 2 : 1)
  printGoal('mean size against the upload', of(OURS)?.size ?? Number.NaN, 1.05)
}
