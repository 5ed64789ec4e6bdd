import type { Durations } from './durations.ts'
import type { Events } from './events.ts'
import type { Process, Role } from './process.ts'
import type { Wait, Way } from './way.ts'

/** Connections of one process to another for small questions; others wait for one of them (kit/peer.ts). */
const CONNECTIONS = 32

/** Who asks whom, and what it takes to get there. */
export interface Network {
  /** From one process to another: half a round trip between two machines, nothing within one. */
  cross(from: Process, to: Process): Wait
  /** Whom it asks next: who owes it the fewest answers, of several one after the other, in rounds (kit/transport.ts). */
  choose(from: Process, role: Role): Process
  /** Asks over one of few connections: what the other does until it has an answer is the way given. */
  ask<T>(from: Process, to: Process, answer: Way<T>): Way<T>
  /** Asks over a connection of its own, as what is held for long, and what is large, is asked. */
  askApart<T>(from: Process, to: Process, answer: Way<T>): Way<T>
}

export interface NetworkOptions {
  readonly events: Events
  readonly durations: Durations
  readonly roundTripMs: number
  readonly processes: readonly Process[]
}

/** Connections between two processes, who waits for one, and how many answers one owes the other. */
interface Line {
  free: number
  owes: number
  readonly waiting: (() => void)[]
}

export function createNetwork({ events, durations, roundTripMs, processes }: NetworkOptions): Network {
  const rounds = new Map<Process, Map<Role, Process[]>>()
  const lines = new Map<Process, Map<Process, Line>>()

  const lineOf = (from: Process, to: Process): Line =>
    entryOf(
      entryOf(lines, from, () => new Map()),
      to,
      () => ({ free: CONNECTIONS, owes: 0, waiting: [] }),
    )
  const take =
    (line: Line): Wait =>
    resume => {
      if (line.free === 0) line.waiting.push(resume)
      else {
        line.free -= 1
        resume()
      }
    }
  const leave = (line: Line) => {
    const next = line.waiting.shift()
    if (next === undefined) line.free += 1
    else next()
  }
  const cross = (from: Process, to: Process): Wait =>
    from.machine === to.machine
      ? resume => resume()
      : resume => events.after(durations.draw(roundTripMs / 2), resume)
  function* carry<T>(from: Process, to: Process, answer: Way<T>): Way<T> {
    yield cross(from, to)
    const said = yield* answer
    yield cross(to, from)
    return said
  }

  return {
    cross,
    *askApart(from, to, answer) {
      const line = lineOf(from, to)
      line.owes += 1
      const said = yield* carry(from, to, answer)
      line.owes -= 1
      return said
    },
    *ask(from, to, answer) {
      const line = lineOf(from, to)
      line.owes += 1
      yield take(line)
      const said = yield* carry(from, to, answer)
      leave(line)
      line.owes -= 1
      return said
    },
    choose(from, role) {
      const round = entryOf(
        entryOf(rounds, from, () => new Map<Role, Process[]>()),
        role,
        () => [],
      )
      const all = processes.filter(process => process.role === role)
      if (round.length === 0) round.push(...all)
      const least = Math.min(...all.map(to => lineOf(from, to).owes))
      const owesLeast = (to: Process) => lineOf(from, to).owes === least
      const next = round.some(owesLeast) ? round.filter(owesLeast) : all.filter(owesLeast)
      const chosen = next[durations.below(next.length)]
      if (chosen === undefined) throw new Error(`there is no ${role}`)
      if (round.includes(chosen)) round.splice(round.indexOf(chosen), 1)
      return chosen
    },
  }
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}
