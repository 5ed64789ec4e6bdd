import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createWasmRecoder, loadModule } from '../codec/wasm.ts'
import type { PlainBench } from './bench.ts'
import type { Peer } from './peers.ts'
import { openSet } from './pictures.ts'
import { race } from './race.ts'
import { printStandings } from './standings.ts'
import { ourRecoder, swapWith, timed } from './swap.ts'

const ROUNDS = { all: 15, slow: 15 }
/** Those that the report tells of. */
const REVISIONS = ['85fa8c0', 'f9bb289', '0021784', 'dbb8dfa', '59d8e05', '8dfc79a']

/**
 * Builds codec/wasm as it was at each of the project's revisions, and lets them take turns on photographs, all below the
 * present code around them. The first is what the others are compared with. Behind them comes the floor: the last one,
 * decoding and coding literals alone.
 */
export const steps: PlainBench = {
  question: 'What has a change to the module given?',
  takes: '[REVISION...]',
  async run(output, folder, args) {
    const revisions = args.length > 0 ? args : REVISIONS
    const { pictures } = openSet('photographs', folder)
    const peers = [
      ...revisions.map(revision => peerAt(folder, revision)),
      peerAt(folder, revisions.at(-1) ?? '', withoutMatches),
    ]
    const standings = await race(peers, pictures, ROUNDS)
    output.line(`\n${pictures.length} photographs, ${ROUNDS.all} rounds by turns`)
    printStandings(output, standings, standings[0])
  },
}

function peerAt(folder: string, revision: string, change?: (sources: string) => void): Peer {
  const sources = mkdtempSync(join(folder, 'at-'))
  execFileSync('sh', ['-c', 'git archive "$2" codec/wasm | tar -x -C "$1"', 'sh', sources, revision])
  change?.(sources)
  const built = join(sources, 'codec.wasm')
  const options = [
    '-O3',
    '--converge',
    '--noAssert',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--use',
    'abort=',
  ]
  const asc = join(process.cwd(), 'node_modules/assemblyscript/bin/asc.js')
  execFileSync(process.execPath, [asc, join(sources, 'codec/wasm/module.ts'), '--outFile', built, ...options])
  const module = loadModule(built)
  if (module === undefined) throw new Error(`the module of ${revision} cannot be run here`)
  // The first ones had no CRC.
  const recoder = { ...createWasmRecoder(module), crc32: ourRecoder.crc32 }
  const subject = execFileSync('git', ['log', '-1', '--format=%h %s', revision], { encoding: 'utf8' }).trim()
  const name = change === undefined ? subject : 'floor'
  return { name, isSlow: false, swap: ({ bytes }) => timed(() => swapWith(recoder, bytes)) }
}

/** Has no segment searched, and no hint taken. */
function withoutMatches(sources: string): void {
  const path = join(sources, 'codec/wasm/choice.ts')
  const head = 'static match(last: usize, end: usize): void {'
  const source = readFileSync(path, 'utf8')
  const begin = source.indexOf(head) + head.length
  if (begin < head.length) throw new Error(`${path} has no "${head}"`)
  const end = source.indexOf('}', begin)
  writeFileSync(path, `${source.slice(0, begin)}\n    Matches.take(last, last, end)\n  ${source.slice(end)}`)
}
