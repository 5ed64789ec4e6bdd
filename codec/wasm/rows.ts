import { BAD_FILTER, TOO_MANY_BYTES } from './refusals.ts'
import { TO_EXCHANGED, Window } from './window.ts'

/** Highest filter type (PNG third edition, section 9.2). */
const MAX_FILTER: u8 = 4
/** Passes of Adam7 (PNG third edition, section 8.1). */
const MOST_PASSES = 7

/** Bytes of a row, filter byte included, and rows, of each pass, i64. */
const ROW_BYTES: usize = memory.data(8 * MOST_PASSES)
const HEIGHTS: usize = memory.data(8 * MOST_PASSES)
/** From where in a vector of whole pixels each byte of the exchanged vector comes, u8. */
const LANES: usize = memory.data(16, 16)

/**
 * Walks over the still-filtered rows, checks their filter types and exchanges two channels. That may be done before the
 * filters are undone, since each predicts from bytes of the same channel alone (PNG third edition, section 9.2).
 */
export class Rows {
  private static passes: i32 = 0
  private static pass: i32 = 0
  /** Rows of the present pass still to come, the present one included. */
  private static rowsLeft: i64 = 0
  /** Bytes of a row of the present pass, and those of the present row still to come. */
  static rowBytes: i64 = 0
  private static bytesLeft: i64 = 0
  static pixelBytes: i32 = 1
  /** Bytes of as many whole pixels as fit into a vector. */
  private static stepBytes: i32 = 15
  /** Bytes of all rows of all passes. */
  static total: i64 = 0
  /** Whether the rows are only checked. */
  static isChecked: bool = false

  static begin(pixelBytes: i32): void {
    Rows.passes = 0
    Rows.pass = 0
    Rows.rowsLeft = 0
    Rows.rowBytes = 0
    Rows.bytesLeft = 0
    Rows.total = 0
    Rows.pixelBytes = pixelBytes
    Rows.isChecked = true
  }

  static add(rowBytes: i64, height: i64): void {
    store<i64>((<usize>Rows.passes) << 3, rowBytes, ROW_BYTES)
    store<i64>((<usize>Rows.passes) << 3, height, HEIGHTS)
    Rows.passes++
    Rows.total += rowBytes * height
    if (Rows.passes > 1) return
    Rows.rowBytes = rowBytes
    Rows.bytesLeft = rowBytes
    Rows.rowsLeft = height
  }

  /** Two channels, counted from 0, of `sampleBytes` a sample, are to be exchanged. */
  static exchange(first: i32, second: i32, sampleBytes: i32): void {
    const pixelBytes = Rows.pixelBytes
    const pixels = 16 / pixelBytes
    Rows.isChecked = false
    Rows.stepBytes = pixels * pixelBytes
    for (let lane = 0; lane < 16; lane++) store<u8>(<usize>lane, lane, LANES)
    for (let byte = 0; byte < pixels * sampleBytes; byte++) {
      const pixel = (byte / sampleBytes) * pixelBytes + (byte % sampleBytes)
      const one = pixel + first * sampleBytes
      const other = pixel + second * sampleBytes
      store<u8>(<usize>one, other, LANES)
      store<u8>(<usize>other, one, LANES)
    }
  }

  /** Takes what is inflated, as far as there are whole pixels. Gives 0, or a refusal. */
  static walk(): i32 {
    if (Window.total() > Rows.total) return TOO_MANY_BYTES
    const lanes = v128.load(LANES)
    const end = Window.inflated
    let at = Window.exchanged
    while (at < end) {
      if (Rows.bytesLeft === 0) Rows.nextRow()
      if (Rows.bytesLeft === Rows.rowBytes) {
        const filter = load<u8>(at)
        if (filter > MAX_FILTER) return BAD_FILTER - <i32>filter
        store<u8>(at + TO_EXCHANGED, filter)
        at++
        Rows.bytesLeft--
        continue
      }
      let count = <i32>min<i64>(<i64>(end - at), Rows.bytesLeft)
      if (!Rows.isChecked) {
        count -= count % Rows.pixelBytes
        if (count === 0) break
        const step = Rows.stepBytes
        // The last step may write beyond the row; what it writes there is written over.
        for (let done = 0; done < count; done += step) {
          const from = at + <usize>done
          v128.store(from + TO_EXCHANGED, i8x16.swizzle(v128.load(from), lanes))
        }
      }
      at += <usize>count
      Rows.bytesLeft -= count
    }
    Window.exchanged = at
    return 0
  }

  /** The distance to the row above, in bytes; 0 where passes have rows of different lengths. */
  static stride(): i32 {
    return Rows.passes === 1 && Rows.rowBytes <= 32768 ? <i32>Rows.rowBytes : 0
  }

  private static nextRow(): void {
    Rows.rowsLeft--
    if (Rows.rowsLeft === 0) {
      Rows.pass++
      Rows.rowBytes = load<i64>((<usize>Rows.pass) << 3, ROW_BYTES)
      Rows.rowsLeft = load<i64>((<usize>Rows.pass) << 3, HEIGHTS)
    }
    Rows.bytesLeft = Rows.rowBytes
  }
}
