import t from 'tap'
import { decodePng } from '../oracle/decode.ts'
import { bombs, flatImage } from './bombs.ts'
import { broken } from './broken.ts'
import { catalogue } from './catalogue.ts'
import { createRandom, largeImage, uniqueImage } from './noise.ts'

const namesOf = (images: { name: string }[]) => images.map(({ name }) => name)

t.test('the catalogue is always the same, and no image stands in it twice', async t => {
  const images = catalogue()
  t.ok(images.length > 150)
  t.equal(new Set(namesOf(images)).size, images.length)
  // Of so small an image zlib's highest levels make the same.
  const others = images.filter(({ name }) => !name.startsWith('compression level'))
  t.equal(new Set(others.map(({ bytes }) => bytes.toString('latin1'))).size, others.length)
  t.ok(catalogue().every(({ bytes }, index) => bytes.equals(images[index]!.bytes)))
})

t.test(
  'broken files have names of their own, and those that fail later begin with a right header',
  async t => {
    const files = broken()
    t.equal(new Set(namesOf(files)).size, files.length)
    const begin = catalogue()[0]!.bytes.subarray(0, 16)
    for (const { name, bytes, status } of files) {
      if (status === 'failed' || status === 413) t.ok(bytes.subarray(0, 16).equals(begin), name)
      if (status === 'failed') t.ok(bytes.length >= 33, name)
    }
  },
)

t.test('an image of every seed is valid and another one', async t => {
  const seen = new Set<string>()
  for (let seed = 0; seed < 500; seed++) {
    const bytes = uniqueImage(seed, { width: 8, height: 8 })
    if (seed < 20) decodePng(bytes)
    seen.add(bytes.toString('latin1'))
  }
  t.equal(seen.size, 500)
  t.same(uniqueImage(2 ** 40 + 1), uniqueImage(2 ** 40 + 1))
  t.notSame(uniqueImage(2 ** 40 + 1), uniqueImage(2 ** 40 + 3))
  t.equal(decodePng(uniqueImage(7)).header.width, 64)
})

t.test('a large image is valid and about as large as asked for', async t => {
  for (const bytes of [1000, 100_000, 3_000_000]) {
    const image = largeImage(5, bytes)
    t.ok(Math.abs(image.length / bytes - 1) < 0.1, `${image.length} for ${bytes}`)
    t.equal(decodePng(image).header.colourType, 2)
  }
})

t.test('random numbers repeat with their seed and fill their range', async t => {
  const [one, same, other] = [createRandom(1), createRandom(1), createRandom(2)]
  const draw = (random: typeof one) => Array.from({ length: 1000 }, () => random.below(10))
  const drawn = draw(one)
  t.same(draw(same), drawn)
  t.notSame(draw(other), drawn)
  for (let digit = 0; digit < 10; digit++) t.ok(drawn.filter(value => value === digit).length > 50)
  t.equal(one.bytes(7).length, 7)
})

t.test('bombs are small files, and those meant to be finished are valid', async t => {
  for (const { name, bytes, status, inflatedBytes } of bombs()) {
    t.ok(bytes.length < 1_500_000, `${name}: ${bytes.length} bytes`)
    const isTooLargeHere = inflatedBytes > 5e6
    if (status === 'finished' && !isTooLargeHere) t.doesNotThrow(() => decodePng(bytes), name)
  }
})

t.test('a flat image of each kind is valid, and red where it has a colour', async t => {
  const size = { width: 300, height: 5000 }
  const [pixel] = decodePng(flatImage({ ...size, colourType: 2, bitDepth: 8 })).frames
  t.same(Array.from(pixel!.samples.subarray(-3)), [192, 0, 0])
  const deep = decodePng(flatImage({ ...size, colourType: 6, bitDepth: 16 })).frames[0]!
  t.same(Array.from(deep.samples.subarray(-4)), [0xc000, 0, 0, 0])
  t.equal(decodePng(flatImage({ ...size, colourType: 3, bitDepth: 8 })).frames[0]!.samples.at(-1), 1)
  t.equal(decodePng(flatImage({ ...size, colourType: 0, bitDepth: 1 })).frames.length, 1)
})
