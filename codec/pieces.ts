/**
 * The same bytes in pieces of exactly `size` bytes, the last one shorter: small pieces are joined, large ones
 * cut. Holds less than `size` bytes besides the present piece. An error of the source drops what is held.
 */
export async function* inPieces(source: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let heldBytes = 0
  for await (const { buffer, byteOffset, byteLength } of source) {
    const piece = Buffer.from(buffer, byteOffset, byteLength)
    let from = 0
    while (heldBytes + piece.length - from >= size) {
      const part = piece.subarray(from, from + size - heldBytes)
      yield heldBytes === 0 ? part : Buffer.concat([...held, part])
      from += part.length
      held = []
      heldBytes = 0
    }
    if (from < piece.length) {
      held.push(piece.subarray(from))
      heldBytes += piece.length - from
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}

/**
 * The same bytes as lists of pieces, of at least `least` bytes together, but for the last, and at most `most`: nothing is
 * moved, only cut. An error of the source drops what is held.
 */
export async function* inLists(
  source: AsyncIterable<Uint8Array>,
  least: number,
  most: number,
): AsyncGenerator<readonly Uint8Array[]> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (const piece of source) {
    for (let from = 0; from < piece.length; ) {
      const part = piece.subarray(from, from + most - heldBytes)
      from += part.length
      held.push(part)
      heldBytes += part.length
      if (heldBytes < least) continue
      yield held
      held = []
      heldBytes = 0
    }
  }
  if (heldBytes > 0) yield held
}

/** All of them in one, in memory of its own: it may be given to another thread. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = Buffer.allocUnsafeSlow(pieces.reduce((bytes, piece) => bytes + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
