import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import type { Test } from 'tap'
import { collect } from '../../kit/body.ts'
import type { Bytes } from '../../kit/contract.ts'
import type { ImageKey, StorageEngine } from '../../storage/engine.ts'
import { type FileStorageOptions, openFileStorage } from '../../storage/engines/files.ts'

/** Large enough to be read as a stream. */
export const LARGE_BYTES = 3 * 1024 * 1024
export const anyImage = { maxBytes: 100_000_000, isNew: false }

/** An upload of no known length, in pieces. */
export function streamOf(bytes: Buffer, pieceBytes = 64 * 1024): Bytes {
  const pieces = Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, i) =>
    bytes.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  )
  return { data: Readable.from(pieces, { objectMode: false }), length: undefined }
}

export const bytesOf = (length: number) => randomBytes(length)

export const contentOf = async ({ data }: Bytes): Promise<Buffer> =>
  Buffer.isBuffer(data) ? data : collect(data, Number.POSITIVE_INFINITY)

/** Everything of an image, `undefined` when there is none. */
export async function readAll(engine: StorageEngine, image: ImageKey): Promise<Buffer | undefined> {
  const found = await engine.get(image)
  return found && contentOf(found)
}

/** An engine over a folder of this test's own, or over `path`; closed with the test. Without a log unless said: to make one flushes the whole disk. */
export async function openFiles(t: Test, options: Partial<FileStorageOptions> = {}) {
  const path = options.path ?? t.testdir()
  const engine = await openFileStorage({
    fatal: error => t.fail(String(error)),
    logBytes: 0,
    ...options,
    path,
  })
  t.teardown(() => engine.close())
  return { engine, path }
}
