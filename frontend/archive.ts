import { finished, Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { discard } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'

/** One file of an archive. */
export interface Entry {
  readonly name: string
  /** Asked for when its turn comes, one after the other. */
  open(): Promise<Bytes>
}

/**
 * A ZIP of these files, made while it is read, and stored as they are: pictures do not get smaller. It breaks off when one of
 * them cannot be had.
 */
export function packFiles(entries: readonly Entry[]): Readable {
  const archive = new ZipFile()
  const packed = archive.outputStream as Readable
  let open: Readable | undefined
  archive.on('error', (error: Error) => packed.destroy(error))
  packed.once('close', () => open?.destroy())
  for (const entry of entries)
    archive.addReadStreamLazy(entry.name, { compress: false }, async use => {
      try {
        const { data } = await entry.open()
        // Whoever wanted it may be gone by now.
        if (packed.destroyed) return discard({ data })
        open = Buffer.isBuffer(data) ? Readable.from([data]) : data
        // A pipe, by which it is read, tells nobody that its source broke off.
        finished(open, error => error && packed.destroy(error))
        use(undefined, open)
      } catch (error) {
        use(error as Error, undefined as never)
      }
    })
  archive.end()
  return packed
}
