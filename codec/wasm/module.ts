import { adler32 } from './adler.ts'
import { Blocks } from './blocks.ts'
import { Choice } from './choice.ts'
import { Crc } from './crc.ts'
import { Hints } from './hints.ts'
import { ADLER_BYTES, Inflate, SEGMENT_READY, STREAM_ENDED } from './inflate.ts'
import { Matches } from './matches.ts'
import { Prices } from './prices.ts'
import { Reader } from './reader.ts'
import { BAD_ADLER, CUT_SHORT, TOO_FEW_BYTES } from './refusals.ts'
import { Rows } from './rows.ts'
import { Symbols } from './symbols.ts'
import { Tables } from './tables.ts'
import { TO_EXCHANGED, Window } from './window.ts'
import { Writer } from './writer.ts'

// What the module can do, as codec/wasm.ts calls it: one zlib stream at a time, to be begun anew for each.

/** CMF and FLG of what is written: deflate, 32 KB window, default effort (RFC 1950 section 2.2), the first byte lowest. */
const ZLIB_HEADER: u64 = 0x9c78

/** Adler-32 of the rows as given and as exchanged, so far. */
let givenAdler: u32 = 1
let exchangedAdler: u32 = 1
/** Bytes of the input that went into the segments before. */
let usedBefore: i64 = 0

Symbols.build()
Tables.build()
Inflate.build()
Blocks.build()
Crc.build()

/** Begins with a stream of rows whose pixels have `pixelBytes` bytes, 1 to 8. They are only checked, unless `exchange` is called. */
export function begin(pixelBytes: i32): void {
  Reader.begin()
  Inflate.begin()
  Window.begin()
  Hints.begin()
  Rows.begin(pixelBytes)
  Writer.begin()
  givenAdler = 1
  exchangedAdler = 1
  usedBefore = 0
}

/** Adds a pass: bytes of a row, filter byte included, and rows. */
export function addPass(rowBytes: f64, height: f64): void {
  Rows.add(<i64>rowBytes, <i64>height)
}

/** Two channels, counted from 0, are to be exchanged; `sampleBytes` is 1 or 2. */
export function exchange(first: i32, second: i32, sampleBytes: i32): void {
  Rows.exchange(first, second, sampleBytes)
  Matches.begin()
  Choice.begin()
  Blocks.begin()
  Prices.begin()
}

/** Makes room for input, and tells where to put it. */
export function input(): usize {
  return Reader.compact()
}

/** Bytes that may be put there. */
export function room(): i32 {
  return Reader.room()
}

/** Says how many bytes were put there, and whether they are the last. */
export function append(count: i32, isComplete: bool): void {
  Reader.append(count, isComplete)
}

/**
 * Goes on by one segment at most, replacing what the last step put out. Gives WANTS_INPUT, SEGMENT_READY, STREAM_ENDED,
 * or a refusal, which is negative.
 */
export function step(): i32 {
  Writer.rewind()
  const came = Inflate.run()
  if (came < 0) return came
  const refusal = Rows.walk()
  if (refusal < 0) return refusal
  if (came === STREAM_ENDED) {
    if (Window.total() < Rows.total) return TOO_FEW_BYTES
    code(Window.exchanged, true)
    return end()
  }
  if (came === SEGMENT_READY) code(Window.exchanged, false)
  return came
}

/** Where the last step put its output. */
export function output(): usize {
  return Writer.start()
}

/** Bytes of it. */
export function outputBytes(): i32 {
  return Writer.bytes()
}

/** Where to put bytes for `crc32`, up to 64 KB; apart from all that belongs to the stream. */
export function crcInput(): usize {
  return Crc.SPACE
}

/** CRC-32 of the `count` bytes that were put there, from what it was of those before them. They are spoilt by it. */
export function crc32(count: i32, before: u32): u32 {
  return Crc.update(count, before)
}

/** Codes the segment up to `end`, and begins the next. */
function code(end: usize, isLast: bool): void {
  const begin = Window.segment
  const bytes = <i32>(end - begin)
  givenAdler = adler32(begin, bytes, givenAdler)
  if (Rows.isChecked) {
    Hints.begin()
  } else {
    if (Window.before === 0) Writer.put(ZLIB_HEADER, 16)
    exchangedAdler = adler32(begin + TO_EXCHANGED, bytes, exchangedAdler)
    const last = Hints.until(end)
    Choice.match(last, end)
    Blocks.write(begin + TO_EXCHANGED, end + TO_EXCHANGED, isLast)
    const used = Reader.used()
    Choice.weigh(<i32>(used - usedBefore), Writer.bytes())
    usedBefore = used
    Prices.update()
    Hints.drop(last, end)
  }
  Window.advance(end)
  Hints.slide(Window.slide())
}

/** Compares the Adler-32 of the input, and writes that of the output (RFC 1950 section 2.2). */
function end(): i32 {
  Reader.align()
  if (Reader.left() < ADLER_BYTES) return CUT_SHORT
  if (bswap<u32>(load<u32>(Reader.next)) !== givenAdler) return BAD_ADLER
  if (!Rows.isChecked) {
    Writer.align()
    Writer.put(bswap<u32>(exchangedAdler), 32)
  }
  return STREAM_ENDED
}
