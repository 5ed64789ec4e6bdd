import { createHash } from 'node:crypto'
import t from 'tap'
import { decodeSeal, encodeSeal, SEAL_BYTES } from '../../storage/engines/seal.ts'

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
