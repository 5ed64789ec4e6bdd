import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../faults/percentile.ts'
import type { Bench, Part } from './bench.ts'
import { type Burst, describeWaits, medianOf, runBurst } from './burst.ts'
import { findEtcd, openEtcd } from './etcd.ts'
import { type KeyStore, openKvStore } from './key-store.ts'
import type { Output } from './output.ts'
import { compare, playRounds } from './rounds.ts'

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

/** Who takes part. */
interface Scene {
  /** Ours first. */
  readonly stores: readonly KeyStore[]
  /** Another address each time: the kv-store does not write a value that is there already. */
  nextValue(): string
}

/**
 * Both as real processes, each asked over HTTP by the same client on the same machine, by turns. A set of either is on disk
 * before it is answered, and those that come at once share an fsync: in the kv-store a transaction, in etcd a write of its log.
 */
export const kvStore: Bench = {
  question: 'How many gets and sets a second, and how long from a set to a watcher, beside etcd?',
  needs: [{ package: 'etcd-server', for: 'etcd', name: 'etcd', find: findEtcd }],
  parts: { gets: partOf(printGets), sets: partOf(printSets), watch: partOf(printWatch) },
}

function partOf(print: (output: Output, scene: Scene) => Promise<void>): Part {
  return async (output, folder) => {
    let last = 0
    const stores: KeyStore[] = []
    try {
      stores.push(await openKvStore(folder))
      if (findEtcd() !== undefined) stores.push(await openEtcd(folder))
      output.line(`${ROUNDS} rounds by turns`)
      await print(output, { stores, nextValue: () => `192.0.2.1:${++last}` })
    } finally {
      for (const store of stores) await store.close()
    }
  }
}

async function printGets(output: Output, { stores, nextValue }: Scene): Promise<void> {
  const values = Array.from({ length: KEYS }, nextValue)
  for (const store of stores) for (const [at, value] of values.entries()) await store.set(keyOf(at), value)
  await printBursts(output, 'gets', stores, async (store, number) => {
    const [value, expected] = [await store.get(keyOf(number)), values[number % KEYS]]
    if (value !== expected) throw new Error(`${store.name} has ${value} instead of ${expected}`)
  })
}

async function printSets(output: Output, { stores, nextValue }: Scene): Promise<void> {
  await printBursts(output, 'sets', stores, (store, number) => store.set(keyOf(number), nextValue()))
}

async function printBursts(
  output: Output,
  what: string,
  stores: readonly KeyStore[],
  send: (store: KeyStore, number: number) => Promise<void>,
): Promise<void> {
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
  output.table(
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

async function printWatch(output: Output, { stores, nextValue }: Scene): Promise<void> {
  const all = await playRounds<Watched>(
    ROUNDS,
    stores.map(store => ({ name: store.name, turn: () => watchSets(store, nextValue) })),
  )
  const rows = all.map(one => [
    one.name,
    describeWaits(one.turns.flatMap(({ toWatcherMs }) => toWatcherMs)),
    compare(one, all[1], ({ toWatcherMs }) => percentile(toWatcherMs, 0.5)),
    describeWaits(one.turns.flatMap(({ toAnswerMs }) => toAnswerMs)),
  ])
  output.table(
    [
      `${WATCHED_SETS} sets one by one, each round`,
      'from set to watcher, p50, p99 ms',
      'p50 against etcd (least to most)',
      'from set to its own answer, p50, p99 ms',
    ],
    rows,
  )
}

async function watchSets(store: KeyStore, nextValue: () => string): Promise<Watched> {
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
