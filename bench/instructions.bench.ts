import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * How many instructions do the module's loops take? Counted by valgrind's callgrind, so that it does not matter what else
 * the machine does: a photograph, or a picture made on the fly, swapped SWAPS times; per byte of its rows. The engine tells
 * where each function of the module lies (--perf-basic-prof), callgrind what each instruction's address costs.
 */
const SWAPS = 8

const program = join(import.meta.dirname, 'swaps.js')
if (spawnSync('valgrind', ['--version']).status !== 0) {
  console.log("valgrind is not installed (Debian's package valgrind): nothing was counted")
} else {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-'))
  try {
    count(join(folder, 'callgrind.out'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function count(out: string): void {
  const args = [
    '--tool=callgrind',
    '--dump-instr=yes',
    '--smc-check=all-non-file',
    `--callgrind-out-file=${out}`,
  ]
  const log = ['--no-logfile-per-isolate', `--logfile=${out}.log`]
  const engine = [...log, '--perf-basic-prof', '--no-wasm-tier-up', '--no-liftoff', '--single-threaded']
  const { stdout, stderr, status } = spawnSync(
    'valgrind',
    [...args, process.execPath, ...engine, program, String(SWAPS)],
    { encoding: 'utf8', maxBuffer: 1e8 },
  )
  const rowBytes = Number(/^rows (\d+)$/m.exec(stdout)?.[1])
  const pid = /^==(\d+)==/m.exec(stderr)?.[1]
  const map = `/tmp/perf-${pid}.map`
  if (status !== 0 || !existsSync(map)) throw new Error(`valgrind failed: ${stderr.slice(-500)}`)
  const functions = readMap(map)
  rmSync(map)
  const costs = new Map<string, number>()
  for (const [address, instructions] of readCosts(out)) {
    const name = functions.find(({ from, to }) => address >= from && address < to)?.name
    if (name !== undefined) costs.set(name, (costs.get(name) ?? 0) + instructions)
  }
  const all = [...costs.values()].reduce((sum, cost) => sum + cost, 0)
  console.log(`${SWAPS} swaps of ${rowBytes} bytes of rows, node ${process.version}`)
  console.log('function              instructions a byte  share')
  for (const [name, cost] of [...costs].sort(([, a], [, b]) => b - a).slice(0, 12)) {
    const each = (cost / SWAPS / rowBytes).toFixed(2)
    console.log(`${name.padEnd(20)}  ${each.padEnd(19)}  ${((100 * cost) / all).toFixed(1)} %`)
  }
  console.log(`${'the module'.padEnd(20)}  ${(all / SWAPS / rowBytes).toFixed(2)}`)
}

interface Range {
  readonly from: number
  readonly to: number
  readonly name: string
}

/** Where the module's functions lie. */
function readMap(path: string): Range[] {
  const ranges: Range[] = []
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [, from = '', bytes = '', name] =
      /^([0-9a-f]+) ([0-9a-f]+) JS:.*?([^/]*)-turbofan$/.exec(line) ?? []
    if (name === undefined || !line.includes('wasm')) continue
    const start = Number.parseInt(from, 16)
    ranges.push({ from: start, to: start + Number.parseInt(bytes, 16), name: name.replace(/-\d+$/, '') })
  }
  return ranges
}

/** Address and cost of each instruction; addresses may be relative to the one before, and a call's cost is its callee's. */
function* readCosts(path: string): Generator<[number, number]> {
  let address = 0
  let isCall = false
  for (const line of readFileSync(path, 'latin1').split('\n')) {
    if (line.startsWith('calls=')) {
      isCall = true
      continue
    }
    const [, sign, digits = '', cost] = /^(\+|-|\*|0x)([0-9a-f]*) \S+ (\d+)$/.exec(line) ?? []
    if (cost === undefined) continue
    if (sign === '0x') address = Number.parseInt(digits, 16)
    else if (sign !== '*') address += (sign === '+' ? 1 : -1) * Number(digits)
    if (!isCall) yield [address, Number(cost)]
    isCall = false
  }
}
