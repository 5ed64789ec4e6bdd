import { hash } from 'node:crypto'
import type { ImageState } from '../contract.ts'
import { decodeSeal, encodeSeal, SEAL_BYTES, type Seal } from './seal.ts'

/** Bytes of what stands before the image in a record. */
export const HEAD_BYTES = 64

// Offset, bytes: 0, 8 mark and version; 8, 8 generation; 16, 1 kind; 17, 1 state; 24, 8 id; 32, 8 attempt; 40, 4 the image's length;
// 48, 16 the first half of the SHA-256 of the 48 before. All numbers big-endian.
const MARK = Buffer.from('VDGWAL1\0', 'latin1')
const GENERATION_AT = 8
const KIND_AT = 16
const STATE_AT = 17
const ID_AT = 24
const ATTEMPT_AT = 32
const LENGTH_AT = 40
const CHECK_AT = 48

const kinds = ['put', 'removed'] as const
const states = ['working', 'finished'] as const

/** The name of an image as the log has it. */
export interface RecordKey {
  readonly id: number
  readonly state: ImageState
  readonly attempt: number
}

/** One entry of the log: an image that was put, with its bytes and its seal, or the name of one that is to be removed. */
export type Entry = Put | Removed

export interface Put extends RecordKey {
  readonly kind: 'put'
  readonly data: Buffer
  readonly seal: Seal
}

export interface Removed extends RecordKey {
  readonly kind: 'removed'
}

/** One name for each image. */
export function nameOf({ state, id, attempt }: RecordKey): string {
  return `${state}/${id}.${attempt}`
}

/** Bytes that an entry takes. */
export function sizeOf(entry: Entry): number {
  return HEAD_BYTES + (entry.kind === 'put' ? entry.data.length + SEAL_BYTES : 0)
}

/** An entry as it stands in the log, in pieces; `generation` tells it from what stood there before. */
export function encodeRecord(entry: Entry, generation: number): Buffer[] {
  const head = Buffer.alloc(HEAD_BYTES)
  MARK.copy(head)
  head.writeBigUInt64BE(BigInt(generation), GENERATION_AT)
  head.writeUInt8(kinds.indexOf(entry.kind), KIND_AT)
  head.writeUInt8(states.indexOf(entry.state), STATE_AT)
  head.writeBigUInt64BE(BigInt(entry.id), ID_AT)
  head.writeBigUInt64BE(BigInt(entry.attempt), ATTEMPT_AT)
  if (entry.kind === 'put') head.writeUInt32BE(entry.data.length, LENGTH_AT)
  checkOf(head).copy(head, CHECK_AT)
  return entry.kind === 'put' ? [head, entry.data, encodeSeal(entry.seal)] : [head]
}

/** What a part of the log holds, from its first byte on until something is no record, or of another generation. */
export function decodeRecords(part: Buffer): { readonly generation: number; readonly entries: Entry[] } {
  const entries: Entry[] = []
  let generation = 0
  for (let at = 0; at + HEAD_BYTES <= part.length; ) {
    const head = part.subarray(at, at + HEAD_BYTES)
    if (!head.subarray(0, MARK.length).equals(MARK) || !head.subarray(CHECK_AT).equals(checkOf(head))) break
    const found = Number(head.readBigUInt64BE(GENERATION_AT))
    if (entries.length > 0 && found !== generation) break
    generation = found
    const entry = decodeEntry(head, part.subarray(at + HEAD_BYTES))
    if (entry === undefined) break
    entries.push(entry)
    at += sizeOf(entry)
  }
  return { generation, entries }
}

/** `undefined` when what is behind the head is not what was written there. */
function decodeEntry(head: Buffer, behind: Buffer): Entry | undefined {
  const [kind, state] = [kinds[head.readUInt8(KIND_AT)], states[head.readUInt8(STATE_AT)]]
  if (kind === undefined || state === undefined) return undefined
  const key = {
    state,
    id: Number(head.readBigUInt64BE(ID_AT)),
    attempt: Number(head.readBigUInt64BE(ATTEMPT_AT)),
  }
  if (kind === 'removed') return { ...key, kind }
  const length = head.readUInt32BE(LENGTH_AT)
  const data = behind.subarray(0, length)
  const seal = decodeSeal(behind.subarray(length, length + SEAL_BYTES))
  const isWhole = seal?.length === length && seal.sha256.equals(hash('sha256', data, 'buffer'))
  return isWhole ? { ...key, kind, data, seal } : undefined
}

function checkOf(head: Buffer): Buffer {
  return hash('sha256', head.subarray(0, CHECK_AT), 'buffer').subarray(0, HEAD_BYTES - CHECK_AT)
}
