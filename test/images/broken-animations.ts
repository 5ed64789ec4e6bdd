import type { Failure } from './broken-data.ts'
import { chunk, frameControl, frameData, pngOf, withWrongCrc } from './chunk.ts'
import { headChunks, imageChunks, imageStream, type Picture } from './encode.ts'
import { everyFormat, nameOf, plain } from './formats.ts'

const end = chunk('IEND')
const sequence = /sequence|number|order|gap|frame|fcTL|fdAT/i
const frame = /frame|fcTL|fdAT|canvas|area|region|bounds|size/i
const count = /acTL/
const rows = /inflat|row|few|many|more|short|long|length|truncat|size|data|frame|stream/i

/** Animations (11.3.6) whose frames do not hold together; the default image is right in all of them. */
export function brokenAnimations(): Failure[] {
  return [5, 10, 3].flatMap(index => faults({ ...plain, ...everyFormat[index]! }))
}

function faults(picture: Picture): Failure[] {
  const { width, height } = picture
  const stream = imageStream({ ...picture, seed: 2 })
  const control = (number: number, w = width, h = height, x = 0) => frameControl(number, w, h, x)
  const data = (number: number, bytes = stream) => frameData(number, bytes)[0]!
  const counts = chunk('acTL', [0, 0, 0, 2, 0, 0, 0, 0])
  const made = (name: string, reason: RegExp, ...frames: Buffer[]) => counted(name, reason, [counts], frames)
  const counted = (name: string, reason: RegExp, counts: Buffer[], frames: Buffer[]) => ({
    name: `APNG ${name}, ${nameOf(picture)}`,
    reason,
    bytes: pngOf([...headChunks(picture), ...counts, control(0), ...imageChunks(picture), ...frames, end]),
  })
  return [
    made('with a gap before fcTL', sequence, control(2), data(3)),
    made('with a gap before fdAT', sequence, control(1), data(3)),
    made('with a number twice', sequence, control(1), data(1)),
    made('out of order', sequence, control(2), data(1)),
    made('with fdAT lost to a wrong CRC', sequence, control(1), withWrongCrc(data(2)), control(3), data(4)),
    made('with a frame beyond the canvas', frame, control(1, width, height, 1), data(2)),
    made('with a frame of no size', frame, control(1, 0, height), data(2)),
    made('with a frame without data', frame, control(1), control(2), data(3)),
    made('with a frame of too few rows', rows, control(1), data(2, stream.subarray(0, 50))),
    made('with a frame of too many rows', rows, control(1, width, height - 1), data(2)),
    made('with fcTL too short', frame, chunk('fcTL', control(1).subarray(8, 33)), data(2)),
    made('with fdAT too short', frame, control(1), chunk('fdAT', [0, 0])),
    made('with a frame fewer than it says', count),
    made('with a frame more than it says', count, control(1), data(2), control(3), data(4)),
    counted('of no frames', count, [chunk('acTL', [0, 0, 0, 0, 0, 0, 0, 0])], []),
    counted('with acTL too short', count, [chunk('acTL', [0, 0, 0, 1])], []),
    counted('with two acTL', count, [counts, counts], [control(1), data(2)]),
  ]
}
