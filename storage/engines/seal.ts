import { hash } from 'node:crypto'

/** Bytes of a seal, which stands behind the image's own bytes in every file. */
export const SEAL_BYTES = 64

// Offset, bytes: 0, 8 mark and version; 8, 8 the image's length, big-endian; 16, 32 the SHA-256 of the image;
// 48, 16 the first half of the SHA-256 of the 48 before.
const MARK = Buffer.from('VDGSEAL1', 'latin1')
const LENGTH_AT = 8
const HASH_AT = 16
const CHECK_AT = 48

export interface Seal {
  /** Bytes of the image. */
  readonly length: number
  readonly sha256: Buffer
}

export function encodeSeal({ length, sha256 }: Seal): Buffer {
  const seal = Buffer.alloc(SEAL_BYTES)
  MARK.copy(seal)
  seal.writeBigUInt64BE(BigInt(length), LENGTH_AT)
  sha256.copy(seal, HASH_AT)
  checkOf(seal).copy(seal, CHECK_AT)
  return seal
}

/** What a seal says; `undefined` when these 64 bytes are none, or a damaged one. */
export function decodeSeal(bytes: Buffer): Seal | undefined {
  const isWhole =
    bytes.length === SEAL_BYTES &&
    bytes.subarray(0, MARK.length).equals(MARK) &&
    bytes.subarray(CHECK_AT).equals(checkOf(bytes))
  if (!isWhole) return undefined
  return {
    length: Number(bytes.readBigUInt64BE(LENGTH_AT)),
    sha256: bytes.subarray(HASH_AT, CHECK_AT),
  }
}

function checkOf(seal: Buffer): Buffer {
  return hash('sha256', seal.subarray(0, CHECK_AT), 'buffer').subarray(0, SEAL_BYTES - CHECK_AT)
}
