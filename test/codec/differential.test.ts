import t from 'tap'
import { scaled } from '../system/scale.ts'
import { tryAll } from './watchdog.ts'

const SEED = Number(process.env.SEED ?? 20_240_611)
/** One mutant alone: `MUTANT=17 SEED=4`. */
const alone = process.env.MUTANT === undefined ? undefined : Number(process.env.MUTANT)
const range =
  alone === undefined ? { from: 0, end: scaled(1_000_000, 4_000) } : { from: alone, end: alone + 1 }
const MOST_WORDS = 40

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

const skip =
  process.env.RECODER === undefined ? false : 'it tries both recoders already, whatever RECODER says'

t.test(
  'the recoders take what node:zlib takes, give the same rows, and refuse the rest',
  { skip },
  async t => {
    const began = performance.now()
    const { accepted, refused, faults, hangs, words } = await tryAll(SEED, range)
    const seconds = (performance.now() - began) / 1_000
    t.comment(
      `seed ${SEED}, ${accepted + refused} mutants: ${accepted} accepted, ${refused} refused, ` +
        `${faults.length} faults, ${hangs} hangs, ${seconds.toFixed(1)} s`,
    )
    const plain = new Map<string, number>()
    for (const [both, count] of words) {
      const name = both.replaceAll(/\d+ x \d+/g, 'n x n').replaceAll(/type \d+/g, 'type n')
      plain.set(name, (plain.get(name) ?? 0) + count)
    }
    const pairs = [...plain].map(([both, count]) => [...both.split(' | '), count] as [string, string, number])
    const others = pairs.filter(([wasm, zlib]) => wasm !== zlib).sort((a, b) => b[2] - a[2])
    const same = pairs.filter(([wasm, zlib]) => wasm === zlib).sort((a, b) => b[2] - a[2])
    for (const [wasm, , count] of same) t.comment(`refused in the same words: ${count} "${wasm}"`)
    for (const [wasm, zlib, count] of others.slice(0, MOST_WORDS))
      t.comment(`refused in other words: ${count} wasm "${wasm}", zlib "${zlib}"`)
    t.same(faults, [], 'SEED and MUTANT in the environment run one alone')
    if (alone !== undefined) return
    t.ok(accepted > refused / 4 && refused > accepted / 4, 'many are accepted, and many refused')
    const said = pairs.map(([wasm]) => wasm)
    t.same(
      REASONS.filter(reason => !said.some(words => words.includes(reason))),
      [],
      'every reason came up',
    )
  },
)
