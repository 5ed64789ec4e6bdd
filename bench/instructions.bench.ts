import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../scripts/failure.ts'
import type { PlainBench } from './bench.ts'
import { askVersion } from './daemon.ts'
import type { Output } from './output.ts'

const SWAPS = 8

const findValgrind = () => askVersion('valgrind', '--version', /^valgrind-(\S+)/)

/**
 * Counted by valgrind's callgrind, so that it does not matter what else the machine does: a photograph, or a picture made on
 * the fly, swapped SWAPS times; per byte of its rows. The engine tells where each function of the module lies
 * (--perf-basic-prof), callgrind what each instruction's address costs.
 */
export const instructions: PlainBench = {
  question: "How many instructions do the module's loops take?",
  needs: [{ package: 'valgrind', for: 'all of it', name: 'valgrind', find: findValgrind }],
  async run(output, folder) {
    // Not an empty section in place of the one there is.
    if (findValgrind() === undefined) throw new Failure('nothing can be counted without valgrind')
    count(output, join(folder, 'callgrind.out'))
  },
}

function count(output: Output, out: string): void {
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
    [...args, process.execPath, ...engine, join(import.meta.dirname, 'swaps.js'), String(SWAPS)],
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
  const rows = [...costs].sort(([, a], [, b]) => b - a).slice(0, 12)
  output.line(`\n${SWAPS} swaps of ${rowBytes.toLocaleString('en')} bytes of rows`)
  output.table(
    ['function', 'instructions a byte', 'share'],
    [...rows, ['all of the module', all] as const].map(([name, cost]) => [
      name,
      (cost / SWAPS / rowBytes).toFixed(2),
      `${((100 * cost) / all).toFixed(1)} %`,
    ]),
  )
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
