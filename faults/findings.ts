/** What must hold after every fault, in a line each: docs/reliability.md has the whole of it. */
export const invariants = {
  I1: 'every acknowledged upload ends finished or failed, and a valid one finished',
  I2: 'the result is the upload with red and green exchanged; the upload is what was sent',
  I3: 'a task that a worker can see has its image',
  I4: 'at most one accepted finish a task, of its highest attempt; a result never changes',
  I5: 'states only move on; attempts only rise; at most 3 errors and 5 lost leases',
  I6: 'no task is in progress past its lease and a second',
  I7: 'no temporary file is left, and no image without a task for longer than the sweeper waits',
  I8: 'the databases are whole, and every stored image is what was written',
  I9: 'no discovery entry is older than its time',
  I10: 'no process ended that was not killed, and none wrote of an error that nobody handled',
  I11: 'no 5xx without a fault in force',
} as const

export type Invariant = keyof typeof invariants
export const allInvariants = Object.keys(invariants) as Invariant[]

/** How often each invariant is spelled out in a table before it is only counted. */
const SHOWN = 3

/** What was found against each invariant that was looked at. */
export interface Findings {
  /** Says that an invariant was looked at. */
  look(invariant: Invariant): void
  /** Notes what broke one, in words. */
  broke(invariant: Invariant, what: string): void
  /** Takes over what another one has. */
  add(others: Findings): void
  lookedAt(): readonly Invariant[]
  of(invariant: Invariant): readonly string[]
  isBroken(): boolean
}

export function createFindings(): Findings {
  const found = new Map<Invariant, string[]>()
  const listOf = (invariant: Invariant) => {
    const list = found.get(invariant) ?? []
    found.set(invariant, list)
    return list
  }
  return {
    look: invariant => void listOf(invariant),
    broke: (invariant, what) => void listOf(invariant).push(what),
    add(others) {
      for (const invariant of others.lookedAt()) listOf(invariant).push(...others.of(invariant))
    },
    lookedAt: () => allInvariants.filter(invariant => found.has(invariant)),
    of: invariant => found.get(invariant) ?? [],
    isBroken: () => [...found.values()].some(list => list.length > 0),
  }
}

/** In a line: which held, and which broke, and how. */
export function describeFindings(findings: Findings): string {
  const looked = findings.lookedAt()
  const broken = looked.filter(invariant => findings.of(invariant).length > 0)
  const held = looked.filter(invariant => !broken.includes(invariant))
  const parts = broken.map(invariant => {
    const all = findings.of(invariant)
    const more = all.length > SHOWN ? `; and ${all.length - SHOWN} more` : ''
    return `${invariant} BROKEN: ${all.slice(0, SHOWN).join('; ')}${more}`
  })
  if (held.length > 0) parts.push(`${shorten(held)} held`)
  return parts.join('. ')
}

/** `I1-I4, I7`. */
function shorten(list: readonly Invariant[]): string {
  const numbers = list.map(invariant => Number(invariant.slice(1)))
  const runs: [number, number][] = []
  for (const number of numbers) {
    const last = runs.at(-1)
    if (last?.[1] === number - 1) last[1] = number
    else runs.push([number, number])
  }
  return runs.map(([from, to]) => (from === to ? `I${from}` : `I${from}-I${to}`)).join(', ')
}
