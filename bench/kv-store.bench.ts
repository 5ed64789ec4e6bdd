import { cpus } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../faults/percentile.ts'
import { type Burst, describeWaits, medianOf, runBurst } from './burst.ts'
import { findEtcd, openEtcd } from './etcd.ts'
import { makeDiskFolder } from './folder.ts'
import { type KeyStore, openKvStore } from './key-store.ts'
import { compare, playRounds } from './rounds.ts'
import { printTable } from './table.ts'

/**
 * How does the kv-store stand beside etcd: gets and sets a second, and the time from a set to a watcher? Both as real
 * processes, each asked over HTTP by the same client on the same machine, by turns. A set of either is on disk before it is
 * answered: the kv-store commits each for itself, etcd writes those that come at once with one fsync.
 * `npm run bench kv-store PART...` runs only those parts.
 */
const CLIENTS = [1, 8, 64]
const ROUNDS = 7
const BURST_MS = 2_000
/** Keys that are asked for by turns: few, as addresses of services are. */
const KEYS = 100
const WATCHED = 'watched-address'
/** Sets of a turn, one by one. */
const WATCHED_SETS = 200
/** Pause after the watcher knows, in ms: by then one who polls has asked again. */
const PAUSE_MS = 5

/** The times of sets one by one, in ms from the beginning of each. */
interface Watched {
  readonly toAnswerMs: readonly number[]
  readonly toWatcherMs: readonly number[]
}

const parts: Readonly<Record<string, () => Promise<void>>> = {
  gets: printGets,
  sets: printSets,
  watch: printWatch,
}
const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const etcd = findEtcd()
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
const versions = [`node ${process.version}`, ...(etcd === undefined ? [] : [`etcd ${etcd}`])]
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, ${versions.join(', ')}, ${ROUNDS} rounds`)
if (etcd === undefined) console.log('Left out, since not installed: etcd-server')

const folder = makeDiskFolder()
const stores: KeyStore[] = []
/** Rises with every set: the kv-store does not write a value that is there already. */
let lastValue = 0
try {
  stores.push(await openKvStore(folder))
  if (etcd !== undefined) stores.push(await openEtcd(folder))
  for (const name of wanted) {
    const print = parts[name]
    if (print === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
    await print()
  }
} finally {
  for (const store of stores) await store.close()
}

async function printGets(): Promise<void> {
  const values = Array.from({ length: KEYS }, nextValue)
  for (const store of stores) for (const [at, value] of values.entries()) await store.set(keyOf(at), value)
  await printBursts('gets', async (store, number) => {
    const [value, expected] = [await store.get(keyOf(number)), values[number % KEYS]]
    if (value !== expected) throw new Error(`${store.name} has ${value} instead of ${expected}`)
  })
}

async function printSets(): Promise<void> {
  await printBursts('sets', (store, number) => store.set(keyOf(number), nextValue()))
}

async function printBursts(what: string, send: (store: KeyStore, number: number) => Promise<void>) {
  const rows: string[][] = []
  for (const clients of CLIENTS) {
    const players = stores.map(store => {
      const options = { clients, forMs: BURST_MS, pid: store.pid }
      return { name: store.name, turn: () => runBurst(options, number => send(store, number)) }
    })
    const all = await playRounds<Burst>(ROUNDS, players)
    const peer = all[1]
    for (const one of all)
      rows.push([
        `${what} of ${one.name}, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
        medianOf(one.turns, ({ rate }) => rate).toFixed(0),
        compare(one, peer, ({ rate }) => rate),
        describeWaits(one.turns.flatMap(({ waitedMs }) => waitedMs)),
        medianOf(one.turns, ({ cpuMs }) => cpuMs).toFixed(3),
        compare(one, peer, ({ cpuMs }) => cpuMs),
        medianOf(one.turns, ({ clientShare }) => clientShare).toFixed(2),
      ])
  }
  printTable(
    [
      '',
      'a second',
      'against etcd (least to most)',
      'p50, p99 ms',
      'CPU ms each',
      'against etcd (least to most)',
      'cores busy with the client',
    ],
    rows,
  )
}

async function printWatch(): Promise<void> {
  const all = await playRounds<Watched>(
    ROUNDS,
    stores.map(store => ({ name: store.name, turn: () => watchSets(store) })),
  )
  const rows = all.map(one => [
    one.name,
    describeWaits(one.turns.flatMap(({ toWatcherMs }) => toWatcherMs)),
    compare(one, all[1], ({ toWatcherMs }) => percentile(toWatcherMs, 0.5)),
    describeWaits(one.turns.flatMap(({ toAnswerMs }) => toAnswerMs)),
  ])
  printTable(
    [
      `${WATCHED_SETS} sets one by one, each round`,
      'from set to watcher, p50, p99 ms',
      'p50 against etcd (least to most)',
      'from set to its own answer, p50, p99 ms',
    ],
    rows,
  )
}

async function watchSets(store: KeyStore): Promise<Watched> {
  const [toAnswerMs, toWatcherMs]: [number[], number[]] = [[], []]
  let notice = (_value: string) => {}
  const end = await store.watch(WATCHED, value => notice(value))
  for (let count = 0; count < WATCHED_SETS; count += 1) {
    const value = nextValue()
    const began = performance.now()
    const known = new Promise<void>(resolve => {
      notice = seen => {
        if (seen === value) resolve()
      }
    })
    const timeOf = async (event: Promise<void>) => {
      await event
      return performance.now() - began
    }
    const [toAnswer, toWatcher] = await Promise.all([timeOf(store.set(WATCHED, value)), timeOf(known)])
    toAnswerMs.push(toAnswer)
    toWatcherMs.push(toWatcher)
    await delay(PAUSE_MS)
  }
  await end()
  return { toAnswerMs, toWatcherMs }
}

function keyOf(number: number): string {
  return `service-${number % KEYS}-address`
}

/** Another address each time. */
function nextValue(): string {
  lastValue += 1
  return `192.0.2.1:${lastValue}`
}
