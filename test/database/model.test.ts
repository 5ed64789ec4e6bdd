import { copyFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { failed, inProgress, notStarted } from '../../database/contract.ts'
import type { Granted, TaskEngine } from '../../database/engine.ts'
import { openSqliteTasks } from '../../database/engines/sqlite.ts'
import { ServiceError } from '../../kit/errors.ts'
import { armFailpoints } from '../../kit/failpoint.ts'
import { isFull, scaled } from '../system/scale.ts'
import { GIVEN_UP_MS, LEASE_MS, Model, type Outcome, PLAIN_LEASE_MS } from './model.ts'

/** Sequences of commands, and turns in each at most. Commands of one turn are asked before any of them is answered. */
const SEQUENCES = scaled(20_000, 200)
const MOST_TURNS = 60
const SEED = Number(process.env.SEED ?? (isFull ? 20_240_611 : Date.now() % 1e6))

/** At most so far does the clock of a file go ahead of the one that it was told, in ms. */
const TOLD_AHEAD_MS = 250

/** Few ids, so that commands meet. */
const id = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.integer({ min: 2, max: 4 }) },
)
/** Which of the tokens that were ever told for that id, the last one first; or one that never was. */
const token = fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 4 }))
/** Who asks for a task; now and then plainly. */
const worker = fc.constantFrom('v', 'w', 'w', undefined)
const command = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('newTask' as const), id }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('take' as const), worker }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('renew' as const), id, token }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      id,
      token,
      pauseMs: fc.constantFrom(0, 0, 1_500),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), id, token, mayRetry: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('finish' as const), id, token, asksNext: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finishPlain' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undoGrant' as const), id, token }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('set' as const), id, state: fc.integer({ min: 0, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), id }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('giveUp' as const),
      id,
      endedMs: fc.constantFrom(0, 1_000, LEASE_MS),
    }),
  },
)
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never
const commands = fc.array(command, { minLength: 1, maxLength: 4 })
const turn = fc.oneof(
  { weight: 24, arbitrary: commands },
  { weight: 1, arbitrary: fc.record({ undone: commands }) },
  {
    weight: 12,
    arbitrary: fc.record({
      passMs: fc.constantFrom(1, 999, 1_000, 4_000, LEASE_MS - 1, LEASE_MS, PLAIN_LEASE_MS, GIVEN_UP_MS),
    }),
  },
  { weight: 4, arbitrary: fc.constantFrom('restart' as const, 'kill' as const) },
)

type Turn = typeof turn extends fc.Arbitrary<infer T> ? T : never
const asTurn = (one: Command): Turn => [one]
/** One task, and nothing that makes its counters forget: so they come to their ends. */
const losing: fc.Arbitrary<Turn> = fc.constantFrom(
  asTurn({ kind: 'newTask', id: 1 }),
  asTurn({ kind: 'take', worker: 'w' }),
  { passMs: 4_000 },
  { passMs: LEASE_MS },
)
const failing: fc.Arbitrary<Turn> = fc.constantFrom(
  asTurn({ kind: 'newTask', id: 1 }),
  asTurn({ kind: 'take', worker: 'w' }),
  asTurn({ kind: 'fail', id: 1, token: 0, mayRetry: true }),
  { passMs: 1_000 },
)
const sequence = fc.oneof(
  ...[turn, turn, turn, losing, failing].map(one => fc.array(one, { maxLength: MOST_TURNS, size: 'max' })),
)

/** A task engine on a file, and the model beside it. */
class Bench {
  #path: string
  readonly #mostBehind: number
  #clock = 1_000
  #engine: TaskEngine
  readonly #model = new Model(1_000)
  /** All tokens ever told, by id, the last one first. */
  readonly #tokens = new Map<number, string[]>()
  #revision = 0

  constructor(path: string, mostBehind: number) {
    this.#path = path
    this.#mostBehind = mostBehind
    this.#engine = this.#open()
  }

  async pass(ms: number): Promise<void> {
    this.#clock += ms
    this.#model.now += ms
    await this.#engine.remove(999)
    this.#model.settle()
  }

  async restart(): Promise<void> {
    await this.#engine.close()
    await this.#openAgain()
  }

  /** Goes on with what a process that was killed would have left, late enough for the clock that it has told ahead. */
  async kill(): Promise<void> {
    const left = `${this.#path}+`
    for (const end of ['', '-wal'])
      if (existsSync(this.#path + end)) copyFileSync(this.#path + end, left + end)
    await this.#engine.close()
    this.#path = left
    this.#clock += TOLD_AHEAD_MS
    this.#model.now += TOLD_AHEAD_MS
    await this.#openAgain()
  }

  /** Asks for all of them in one turn of the event loop, and compares each answer, in the order in which they count. */
  async turn(commands: readonly Command[]): Promise<void> {
    const asked = commands.map(command => ({ command, answer: this.#ask(command) }))
    await Promise.allSettled(asked.map(({ answer }) => answer))
    for (const { command, answer } of asked) {
      if (command.kind === 'take') continue
      const found = await outcomeOf(answer)
      const expected = this.#expect(command)
      if (found !== expected) throw new Error(`${JSON.stringify(command)}: ${found} instead of ${expected}`)
    }
    this.#model.settle()
    const takes = asked.flatMap(({ command, answer }) =>
      command.kind === 'take' ? { worker: command.worker, answer } : [],
    )
    // Whoever asks for the next one as he finishes comes after those who asked for nothing else.
    for (const { command, answer } of asked)
      if (command.kind === 'finish' && command.asksNext && (await outcomeOf(answer)) === 'done')
        takes.push({ worker: 'w', answer })
    const workers = byWorker(takes)
    // Each time the first one left of the worker that has most left, of two such the first.
    for (;;) {
      const served = workers.filter(([first]) => first !== undefined && this.#model.mayServe(first.worker))
      const take = served.sort((a, b) => b.length - a.length)[0]?.shift()
      if (take === undefined) break
      this.#taken((await take.answer) as Granted | undefined, take.worker)
    }
    for (const { answer } of workers.flat())
      same('granted beside one to be run alone', ((await answer) as Granted | undefined)?.grant.id, undefined)
  }

  /** The same, and the disk fails before all of it is committed. */
  async undone(commands: readonly Command[]): Promise<void> {
    armFailpoints('database.turn.settled=error*1')
    const answers = commands.map(command => this.#ask(command))
    await Promise.allSettled(answers)
    for (const answer of answers) same('undone', await outcomeOf(answer), 'Error: disk I/O error')
  }

  /** The whole state is the same, and the feed told of what changed. */
  async compare(): Promise<void> {
    const listed: number[] = []
    for await (const { id, state } of this.#engine.list()) {
      listed.push(id)
      same(`state of ${id} in the list`, state, this.#model.tasks.get(id)?.state)
    }
    same('order', listed.join(), [...this.#model.tasks.keys()].join())
    for (const [id, task] of this.#model.tasks) {
      const { state, attempt, errors, losses, result } = (await this.#engine.get(id)) ?? {}
      const found = { state, attempt, errors, losses, result: result ?? null }
      const { state: s, attempt: a, errors: e, losses: l, result: r } = task
      same(`task ${id}`, found, { state: s, attempt: a, errors: e, losses: l, result: r ?? null })
    }
    await this.#compareFeed()
    this.#compareOverview()
  }

  async #compareFeed(): Promise<void> {
    const { revision, tasks, next } = await this.#engine.changes({ since: this.#revision, waitMs: 0 })
    if (revision < this.#revision) throw new Error(`revision ${revision} after ${this.#revision}`)
    const told = tasks.map(({ id }) => id)
    same('feed', [...told].sort().join(), [...this.#model.changed].sort().join())
    const one = await this.#engine.changes({ since: this.#revision, waitMs: 0, limit: 1 })
    const others = await this.#engine.changes({ since: one.revision, waitMs: 0 })
    same('feed in two', [...one.tasks, ...others.tasks].map(({ id }) => id).join(), told.join())
    const [first] = this.#model.next() ?? []
    same('place of the next', next, first && (await this.#engine.get(first))?.place)
    this.#revision = revision
    this.#model.changed.clear()
  }

  #compareOverview(): void {
    const all = [...this.#model.tasks]
    const inState = (wanted: number) => all.filter(([, { state }]) => state === wanted)
    const waits = inState(notStarted)
    const paused = waits.filter(([, { readyAt }]) => readyAt > this.#model.now).length
    const { waiting, paused: pausing, running, failed: fails, held, oldestMs } = this.#engine.overview()
    const counts = [waits.length - paused, paused, inState(inProgress).length, inState(failed).length]
    same('one that waits', oldestMs !== undefined, this.#model.next() !== undefined)
    same('counts', [waiting, pausing, running, fails], counts)
    const untilOf = (id: number) => this.#model.tasks.get(id)?.holder?.until
    const ends = inState(inProgress).map(([id]) => untilOf(id) as number)
    same(
      'held, by the end of their leases',
      held.map(({ id }) => untilOf(id)),
      ends.sort((a, b) => a - b),
    )
  }

  close(): Promise<void> {
    return this.#engine.close()
  }

  async #openAgain(): Promise<void> {
    this.#engine = this.#open()
    this.#model.restart()
    await this.#engine.remove(999)
  }

  #open(): TaskEngine {
    const now = () => this.#clock
    return openSqliteTasks({
      path: this.#path,
      wall: now,
      now,
      leaseMs: LEASE_MS,
      plainLeaseMs: PLAIN_LEASE_MS,
      mostBehind: this.#mostBehind,
    })
  }

  #ask(command: Command): Promise<unknown> {
    const engine = this.#engine
    switch (command.kind) {
      case 'newTask':
        return engine.newTask(command.id)
      case 'take':
        return engine.take({ isPlain: command.worker === undefined, worker: command.worker })
      case 'renew':
        return engine.renew(command.id, this.#token(command))
      case 'release':
        return engine.release(command.id, this.#token(command), command.pauseMs)
      case 'fail':
        return engine.fail(command.id, this.#token(command), { mayRetry: command.mayRetry, reason: 'no' })
      case 'finish':
        return engine.finish(command.id, this.#token(command), {
          next: command.asksNext ? { isPlain: false, worker: 'w' } : undefined,
        })
      case 'finishPlain':
        return engine.finish(command.id)
      case 'undoGrant':
        return engine.undoGrant(command.id, this.#token(command))
      case 'set':
        return engine.set(command.id, command.state)
      case 'remove':
        return engine.remove(command.id)
      case 'giveUp':
        return engine.giveUp(command.id, command.endedMs)
    }
  }

  #expect(command: Exclude<Command, { kind: 'take' }>): Outcome {
    const model = this.#model
    switch (command.kind) {
      case 'newTask':
        return model.newTask(command.id)
      case 'renew':
        return model.renew(command.id, this.#token(command))
      case 'release':
        return model.release(command.id, this.#token(command), command.pauseMs)
      case 'fail':
        return model.fail(command.id, this.#token(command), command.mayRetry)
      case 'finish':
        return model.finish(command.id, this.#token(command))
      case 'finishPlain':
        return model.finish(command.id, undefined)
      case 'undoGrant':
        model.undoGrant(command.id, this.#token(command))
        return 'done'
      case 'set':
        return model.set(command.id, command.state, 'of the operator')
      case 'remove':
        model.remove(command.id)
        return 'done'
      case 'giveUp':
        return model.giveUp(command.id, command.endedMs)
    }
  }

  #taken(granted: Granted | undefined, worker: string | undefined): void {
    const next = this.#model.next()
    if (granted === undefined || next === undefined) {
      same('granted', granted?.grant.id, next?.[0])
      return
    }
    const [id, task] = next
    const { grant, mark } = granted
    const plain = { id, state: 1 }
    const { attempt, losses } = task
    const leased = { ...plain, attempt: attempt + 1, token: mark, leaseMs: LEASE_MS, alone: losses > 0 }
    same('grant', grant, worker === undefined ? plain : leased)
    this.#model.grant(id, mark, worker)
    this.#tokens.set(id, [mark, ...(this.#tokens.get(id) ?? [])])
  }

  #token({ id, token }: { readonly id: number; readonly token: number }): string {
    return this.#tokens.get(id)?.[token] ?? 'nobody was told this'
  }
}

/** What each worker asks, in order; who has no name stands alone. */
function byWorker<T extends { readonly worker: string | undefined }>(takes: readonly T[]): T[][] {
  const workers: T[][] = []
  for (const take of takes) {
    const others = workers.find(([first]) => take.worker !== undefined && first?.worker === take.worker)
    if (others === undefined) workers.push([take])
    else others.push(take)
  }
  return workers
}

async function outcomeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'done'
  } catch (error) {
    return error instanceof ServiceError ? error.code : String(error)
  }
}

function same(what: string, found: unknown, expected: unknown): void {
  const [one, other] = [JSON.stringify(found), JSON.stringify(expected)]
  if (one !== other) throw new Error(`${what}: ${one} instead of ${other}`)
}

t.test('whatever is asked in whatever order, the engine answers as the model does', async t => {
  const folder = t.testdir()
  t.teardown(() => armFailpoints(''))
  let run = 0
  const property = fc.asyncProperty(sequence, fc.constantFrom(0, 2, 256), async (turns, mostBehind) => {
    run += 1
    const bench = new Bench(join(folder, `${run}.sqlite`), mostBehind)
    try {
      for (const turn of turns) {
        if (turn === 'restart') await bench.restart()
        else if (turn === 'kill') await bench.kill()
        else if ('passMs' in turn) await bench.pass(turn.passMs)
        else if ('undone' in turn) await bench.undone(turn.undone)
        else await bench.turn(turn)
        await bench.compare()
      }
    } finally {
      await bench.close()
    }
  })
  const { failed, counterexample, errorInstance } = await fc.check(property, {
    numRuns: SEQUENCES,
    seed: SEED,
  })
  t.comment(`seed ${SEED}, ${run} sequences`)
  t.notOk(failed, failed ? `${errorInstance}: ${JSON.stringify(counterexample)}` : 'no difference')
})
