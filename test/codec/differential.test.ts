import t, { type Test } from 'tap'
import { scaled } from '../system/scale.ts'
import { tryAll } from './watchdog.ts'

const SEED = Number(process.env.SEED ?? 20_240_611)
/** One mutant alone: `MUTANT=17 SEED=4`. */
const alone = process.env.MUTANT === undefined ? undefined : Number(process.env.MUTANT)
const range =
  alone === undefined ? { from: 0, end: scaled(1_000_000, 4_000) } : { from: alone, end: alone + 1 }
const MOST_WORDS = 20

/** What a stream can be refused for: every one of them must have come up. */
const REASONS = [
  'invalid block type',
  'invalid stored block lengths',
  'too many length or distance symbols',
  'invalid code lengths set',
  'invalid bit length repeat',
  'missing end-of-block',
  'invalid literal/lengths set',
  'invalid distances set',
  'invalid literal/length code',
  'invalid distance code',
  'invalid distance too far back',
  'ends before its zlib stream does',
  'to more bytes than',
  'to fewer bytes than',
  'does not match its Adler-32',
  'has filter type',
  'incorrect header check',
  'unknown compression method',
  'invalid window size',
  'preset dictionary',
]

/** How often both recoders refused, by their words, sizes and types left out; the most frequent first. */
type Refusals = readonly (readonly [wasm: string, zlib: string, count: number])[]

function refusalsOf(words: ReadonlyMap<string, number>): Refusals {
  const plain = new Map<string, number>()
  for (const [both, count] of words) {
    const name = both.replaceAll(/\d+ x \d+/g, 'n x n').replaceAll(/type \d+/g, 'type n')
    plain.set(name, (plain.get(name) ?? 0) + count)
  }
  return [...plain]
    .sort(([, a], [, b]) => b - a)
    .map(([both, count]) => [...(both.split(' | ') as [string, string]), count])
}

function tell(t: Test, refusals: Refusals): void {
  for (const [wasm, zlib, count] of refusals)
    if (wasm === zlib) t.comment(`${count} refused by both as "${wasm}"`)
  const others = refusals.filter(([wasm, zlib]) => wasm !== zlib)
  for (const [wasm, zlib, count] of others.slice(0, MOST_WORDS))
    t.comment(`${count} refused by wasm as "${wasm}", by zlib as "${zlib}"`)
}

t.test('the recoders take what node:zlib takes, give the same rows, and refuse the rest', async t => {
  const began = performance.now()
  const { accepted, refused, faults, hangs, words } = await tryAll(SEED, range)
  const seconds = (performance.now() - began) / 1_000
  const refusals = refusalsOf(words)
  t.comment(
    `seed ${SEED}, ${accepted + refused} mutants: ${accepted} accepted, ${refused} refused, ` +
      `${faults.length} faults, ${hangs} hangs, ${seconds.toFixed(1)} s`,
  )
  tell(t, refusals)
  t.same(faults, [], 'SEED and MUTANT in the environment run one alone')
  if (alone !== undefined) return
  t.ok(accepted > refused / 4 && refused > accepted / 4, 'many are accepted, and many refused')
  const unseen = REASONS.filter(reason => !refusals.some(([wasm]) => wasm.includes(reason)))
  t.same(unseen, [], 'every reason came up')
})
