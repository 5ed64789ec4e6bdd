import { createHash } from 'node:crypto'
import t from 'tap'
import { decodeSeal, encodeSeal, SEAL_BYTES } from '../../storage/engines/seal.ts'
import { createVerifiedFiles } from '../../storage/engines/verified.ts'

t.test('a seal says what it was made of', async t => {
  const seal = { length: 4_000_000_001, sha256: createHash('sha256').update('x').digest() }
  const bytes = encodeSeal(seal)
  t.equal(bytes.length, SEAL_BYTES)
  t.same(decodeSeal(bytes), seal)
})

t.test('every single flipped bit of a seal breaks it, and so does a byte less or more', async t => {
  const bytes = encodeSeal({ length: 5, sha256: createHash('sha256').update('x').digest() })
  for (let bit = 0; bit < SEAL_BYTES * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    if (decodeSeal(flipped) !== undefined) t.fail(`bit ${bit}`)
  }
  t.equal(decodeSeal(bytes.subarray(1)), undefined)
  t.equal(decodeSeal(Buffer.concat([bytes, Buffer.alloc(1)])), undefined)
})

t.test('a file counts as verified as long as inode, size and times are the same', async t => {
  const files = createVerifiedFiles({ now: () => 10_000 })
  const stat = statOf({})
  t.notOk(files.has(stat))
  files.add(stat)
  t.ok(files.has(statOf({})))
  for (const change of ['dev', 'ino', 'size', 'mtimeNs', 'ctimeNs'])
    t.notOk(files.has(statOf({ [change]: 99n })), change)
})

t.test('a file changed a moment ago is not remembered: its times may hide another change', async t => {
  const files = createVerifiedFiles({ now: () => 10_000 })
  for (const ctimeMs of [7_501n, 10_000n, 99_000n]) {
    files.add(statOf({ ctimeMs }))
    t.notOk(files.has(statOf({ ctimeMs })))
  }
})

t.test('of too many verified files the one not asked for longest is forgotten', async t => {
  const files = createVerifiedFiles({ limit: 2, now: () => 10_000 })
  files.add(statOf({ ino: 1n }))
  files.add(statOf({ ino: 2n }))
  t.ok(files.has(statOf({ ino: 1n })))
  files.add(statOf({ ino: 3n }))
  t.notOk(files.has(statOf({ ino: 2n })))
  t.ok(files.has(statOf({ ino: 1n })))
  t.ok(files.has(statOf({ ino: 3n })))
})

type Stat = Parameters<ReturnType<typeof createVerifiedFiles>['has']>[0]

function statOf(change: Partial<Record<string, bigint>>): Stat {
  const stat = { dev: 1n, ino: 1n, size: 1n, mtimeNs: 1n, ctimeNs: 1n, ctimeMs: 1_000n }
  return { ...stat, ...change } as unknown as Stat
}
