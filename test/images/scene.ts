import { encodePng } from './encode.ts'
import { createRandom } from './random.ts'

/** Smooth slopes under noise. */
export function photograph(seed: number): Buffer {
  const [width, height] = [768, 512]
  const random = createRandom(seed)
  const samples = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width)]
    const slope = 60 * Math.sin(x / (90 + 20 * seed)) + 50 * Math.cos(y / 70 + (at % 3))
    return 128 + slope + random.below(8)
  })
  return encodePng({ width, height, colourType: 2, bitDepth: 8, samples, filter: 4 })
}

/** Flat windows with lines of marks on them, from an alphabet of 26, as text has them. */
export function screenshot(seed: number): Buffer {
  const [width, height] = [1280, 800]
  const random = createRandom(seed)
  const samples = new Uint8Array(width * height * 4).fill(255)
  const paint = (x: number, y: number, colour: readonly number[]) => samples.set(colour, (y * width + x) * 4)
  for (let window = 0; window < 6; window += 1) {
    const colour = [random.below(256), random.below(256), random.below(256), 255]
    const [left, top] = [random.below(width / 2), random.below(height / 2)]
    for (let y = top; y < top + height / 2; y += 1)
      for (let x = left; x < left + width / 2; x += 1) paint(x, y, colour)
  }
  const letters = Array.from({ length: 26 }, () => random.bytes(10))
  for (let line = 20; line < height - 20; line += 16) {
    for (let column = 20; column < width - 20; column += 8) {
      const letter = letters[random.below(32)]
      letter?.forEach((bits, y) => {
        for (let x = 0; x < 6; x += 1) if ((bits >> x) & 1) paint(column + x, line + y, [20, 20, 40, 255])
      })
    }
  }
  return encodePng({ width, height, colourType: 6, bitDepth: 8, samples, filter: 0 })
}

/** 64x64 with alpha, as a program's sign has it: a disc before a slope of two colours, all drawn from `seed`. */
export function icon(seed: number): Buffer {
  const side = 64
  const random = createRandom(seed)
  const [from, to, disc] = [random.bytes(3), random.bytes(3), random.bytes(3)]
  const [radius, x0, y0] = [12 + random.below(12), 24 + random.below(16), 24 + random.below(16)]
  const samples = Uint8Array.from({ length: side * side * 4 }, (_, at) => {
    const [x, y, channel] = [(at >> 2) % side, Math.floor(at / 4 / side), at % 4]
    const isDisc = (x - x0) ** 2 + (y - y0) ** 2 < radius ** 2
    if (channel === 3) return isDisc ? 255 : 128 + x + y
    const slope = ((from[channel] ?? 0) * (side - y) + (to[channel] ?? 0) * y) / side
    return isDisc ? (disc[channel] ?? 0) : slope
  })
  return encodePng({ width: side, height: side, colourType: 6, bitDepth: 8, samples, filter: 2 })
}
