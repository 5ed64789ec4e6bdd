import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createWasmRecoder, loadModule } from '../codec/wasm.ts'
import { ourRecoder, type Peer, swapWith, timed } from './peers.ts'
import { openSet } from './pictures.ts'
import { race } from './race.ts'
import { printStandings } from './table.ts'

/**
 * What has a change to the module given? `npm run bench steps REVISION...` builds codec/wasm as it was at each of the
 * project's revisions, and lets them take turns on photographs, all below the present code around them. The first is what
 * the others are compared with. Behind them comes the floor: the last one, decoding and coding literals alone.
 */
const ROUNDS = { all: 15, slow: 15 }

const revisions = process.argv.slice(2)
if (revisions.length < 1) throw new Error('usage: npm run bench steps REVISION...')
const folder = mkdtempSync(join(tmpdir(), 'steps-bench-'))
try {
  const { pictures } = openSet('photographs', folder)
  const peers = [
    ...revisions.map(revision => peerAt(revision)),
    peerAt(revisions.at(-1) ?? '', withoutMatches),
  ]
  const standings = await race(peers, pictures, ROUNDS)
  printStandings(standings, standings[0])
} finally {
  rmSync(folder, { recursive: true })
}

function peerAt(revision: string, change?: (sources: string) => void): Peer {
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
