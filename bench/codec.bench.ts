import type { Bench } from './bench.ts'
import { printLarge } from './large.ts'
import type { Output } from './output.ts'
import { ADAPTIVE, LEVEL_1, listInProcess, OURS } from './peers.ts'
import { openSet, type PictureSet } from './pictures.ts'
import { findPrograms, GO, programNeeds } from './programs.ts'
import { type Rounds, race } from './race.ts'
import { printRecompressed } from './recompressed.ts'
import { median, ratios } from './spread.ts'
import { printStandings } from './standings.ts'

const ROUNDS: Readonly<Record<PictureSet['name'], Rounds>> = {
  photographs: { all: 9, slow: 3 },
  screenshots: { all: 5, slow: 1 },
}

/** CPU time on one core, file bytes in, file bytes out, everyone by turns in one run. */
export const codec: Bench = {
  question:
    'What does the swap cost beside other ways to the same result, in time, size and memory, and how does it bear badly compressed input?',
  needs: programNeeds,
  parts: {
    photographs: (output, folder) => printSet(output, 'photographs', folder),
    screenshots: (output, folder) => printSet(output, 'screenshots', folder),
    large: printLarge,
    recompressed: (output, folder) =>
      printRecompressed(output, [
        ...openSet('photographs', folder).pictures,
        ...openSet('screenshots', folder).pictures,
      ]),
  },
}

async function printSet(output: Output, name: PictureSet['name'], folder: string): Promise<void> {
  const { pictures, origin } = openSet(name, folder)
  const rounds = ROUNDS[name]
  const standings = await race([...listInProcess(), ...findPrograms(folder)], pictures, rounds)
  const of = (peer: string) => standings.find(standing => standing.name === peer)
  const ours = of(OURS)
  const against = (peer: string) => median(ratios(ours?.ms ?? [], of(peer)?.ms ?? []))
  const slow = rounds.slow < rounds.all ? `, of slow ones ${rounds.slow}` : ''
  const ms = median(ours?.ms ?? []).toFixed(1)
  output.line(
    `${pictures.length} pictures ${origin}, ${rounds.all} rounds${slow}; ${OURS} takes ${ms} ms a picture`,
  )
  printStandings(output, standings, of(LEVEL_1))
  if (name === 'photographs') {
    output.goal({ says: `time against ${GO}`, found: against(GO), most: 0.1 })
    output.goal({ says: `time against ${ADAPTIVE}`, found: against(ADAPTIVE), most: 0.25 })
  }
  output.goal({
    says: `time against ${LEVEL_1}`,
    found: against(LEVEL_1),
    most: name === 'photographs' ? 0.5 : 1,
  })
  output.goal({ says: 'mean size against the upload', found: ours?.size ?? Number.NaN, most: 1.05 })
}
