import { encodePng } from './encode.ts'

/** A picture that a person can judge: a red sun over green hills, with a sky that is clear at the top. RGBA, 8 bit. */
export function landscape({ width = 360, height = 240 } = {}): Buffer {
  const samples = new Uint8Array(width * height * 4)
  for (let y = 0; y < height; y += 1)
    for (let x = 0; x < width; x += 1) samples.set(colourAt(x / width, y / height), (y * width + x) * 4)
  return encodePng({ width, height, colourType: 6, bitDepth: 8, samples })
}

/** From 0, left and top, to 1, right and bottom. */
function colourAt(x: number, y: number): [number, number, number, number] {
  const near = 0.78 + 0.1 * Math.sin(x * 7 + 1)
  const far = 0.62 + 0.09 * Math.sin(x * 11)
  if (y > near) return [34 + 40 * x, 120 + 60 * (y - near), 48, 255]
  if (y > far) return [70, 150 + 60 * x, 90, 255]
  const distance = Math.hypot((x - 0.68) * 1.5, y - 0.4)
  if (distance < 0.2) return [225, 50 + 90 * distance, 40, 255]
  return [200 + 40 * y, 180 + 30 * y, 120, Math.min(255, Math.round(520 * y))]
}
