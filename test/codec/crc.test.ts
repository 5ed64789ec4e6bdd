import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import t from 'tap'
import { createZlibRecoder } from '../../codec/zlib.ts'
import { randomOf, wasmRecoder } from './build.ts'

const recoders = { wasm: wasmRecoder(), zlib: createZlibRecoder() }
const random = randomOf(55)
const bytes = Buffer.from(Array.from({ length: 200_000 }, () => random(256)))

for (const [name, recoder] of Object.entries(recoders)) {
  t.test(`${name}: the CRC of every short length is that of node:zlib`, async t => {
    const wrong: string[] = []
    for (let length = 0; length <= 1_000; length += 1) {
      const part = bytes.subarray(length, 2 * length)
      if (recoder.crc32(part) !== crc32(part)) wrong.push(`${length} bytes`)
    }
    t.same(wrong, [])
  })

  t.test(`${name}: the CRC of a short piece in two parts is that of the whole, at every split`, async t => {
    const wrong: string[] = []
    const lengths = [...Array(301).keys(), 399, 700]
    for (const length of lengths) {
      const whole = bytes.subarray(0, length)
      for (let at = 0; at <= length; at += 1) {
        const crc = recoder.crc32(whole.subarray(at), recoder.crc32(whole.subarray(0, at)))
        if (crc !== crc32(whole)) wrong.push(`${length} bytes at ${at}`)
      }
    }
    t.same(wrong, [])
  })

  t.test(`${name}: the CRC of any length up to 200 KB, at any split, is that of node:zlib`, async t => {
    const wrong: string[] = []
    for (let round = 0; round < 300; round += 1) {
      const from = random(1_000)
      const whole = bytes.subarray(from, from + random(bytes.length - from))
      const at = random(whole.length + 1)
      const expected = crc32(whole)
      if (recoder.crc32(whole) !== expected) wrong.push(`${whole.length} bytes`)
      const crc = recoder.crc32(whole.subarray(at), recoder.crc32(whole.subarray(0, at)))
      if (crc !== expected) wrong.push(`${whole.length} bytes at ${at}`)
    }
    t.same(wrong, [])
  })

  t.test(`${name}: bytes of one kind have the CRC that node:zlib gives, also around 64 KB`, async t => {
    const wrong: string[] = []
    for (const value of [0, 255]) {
      const same = Buffer.alloc(131_100, value)
      for (const about of [384, 65_536, 131_072]) {
        for (let length = about - 20; length <= about + 20; length += 1) {
          const part = same.subarray(0, length)
          if (recoder.crc32(part) !== crc32(part)) wrong.push(`${length} bytes of ${value}`)
        }
      }
    }
    t.same(wrong, [])
  })

  t.test(`${name}: the CRC of a chunk without data is that of PNG files, and unsigned`, async t => {
    t.equal(recoder.crc32(Buffer.from('IEND')), 0xae426082)
    t.equal(recoder.crc32(Buffer.alloc(0), 0xae426082), 0xae426082)
  })

  t.test(`${name}: taking a CRC leaves the bytes as they are`, async t => {
    const copy = Buffer.from(bytes)
    recoder.crc32(copy)
    t.ok(copy.equals(bytes))
  })
}

t.test('the polynomial of PNG divides the multiple that bytes are struck out with', async t => {
  const source = readFileSync('codec/wasm/crc.ts', 'utf8')
  const places = ['A', 'B', 'C', 'D'].map(name =>
    Number(new RegExp(`^const ${name}: usize = (\\d+)$`, 'm').exec(source)?.[1]),
  )
  const furthest = places[3] ?? 0
  // PNG third edition, section 5.5.
  const polynomial = [32, 26, 23, 22, 16, 12, 11, 10, 8, 7, 5, 4, 2, 1, 0]
  const multiple = [0, ...places].map(place => 8 * (furthest - place))
  t.equal(remainder(multiple, polynomial), 0n)
  t.not(remainder([...multiple, 8], polynomial), 0n, 'and no other')
})

/** Remainder of long division with coefficients of 0 and 1, bit by bit; both polynomials are given by their exponents. */
function remainder(dividend: readonly number[], divisor: readonly number[]): bigint {
  const bits = (exponents: readonly number[]) =>
    exponents.reduce((sum, power) => sum ^ (1n << BigInt(power)), 0n)
  const degree = Math.max(...divisor)
  let rest = bits(dividend)
  for (let power = Math.max(...dividend); power >= degree; power -= 1) {
    if ((rest >> BigInt(power)) & 1n) rest ^= bits(divisor) << BigInt(power - degree)
  }
  return rest
}
