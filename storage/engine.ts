import type { Bytes } from '../kit/contract.ts'
import type { ImageState, StoredImage } from './contract.ts'

/** One image's name; what it means without `attempt` is said with each call. */
export interface ImageKey {
  readonly id: number
  readonly state: ImageState
  /** Of a result: 0 for the plain one, 1 and up for that of an attempt, which has a name of its own. */
  readonly attempt?: number | undefined
}

export interface PutOptions {
  /** Most bytes the image may have. */
  readonly maxBytes: number
  /** How many bytes the sender says it has at most, so that there is room for all of it or it is not begun. */
  readonly saidBytes?: number | undefined
  /** Only if there is none. A result with an attempt never replaces one, whatever this says. */
  readonly isNew: boolean
}

export interface ListOptions {
  readonly state: ImageState
  /** Only what was last written at least this long ago, in ms. */
  readonly olderThanMs: number
  /** Only names behind this one. */
  readonly after: string
  readonly limit: number
}

export interface ListedImage extends StoredImage {
  readonly name: string
}

/** What lies there in all. */
export interface Usage {
  /** Of all images, with what the engine adds to each, and of the uploads under way. */
  readonly bytes: number
  /** Past this uploads are refused, 0: never. Results are not, so there may be more bytes than this. */
  readonly quotaBytes: number
  /** What the disk has left, for whoever writes there. */
  readonly freeBytes: number
  /** False after a start until all that lies there was counted; `bytes` is too low meanwhile. */
  readonly isCounted: boolean
}

/** Where storage keeps its images. */
export interface StorageEngine {
  /**
   * Stores an image under its name, a result without `attempt` as the plain one, in one step: a reader sees what was there before, or all of the new one. Resolved means
   * that bytes and name are on disk. Rejected means that nothing is left behind, with
   * - `conflict`: `isNew` and there is one, or this attempt has another result already (the same bytes again are fine);
   * - `too-large`; `disk-full`, of an upload also when the quota is full; `bad-request` for an empty body; and whatever the body's stream fails with.
   */
  put(image: ImageKey, body: Bytes, options: PutOptions): Promise<void>
  /**
   * An image, verified before its first byte is given; `undefined` when there is none. Of `finished` without `attempt` the
   * plain result, else that of the highest attempt. Rejects with `internal` when what is stored is not what was sent.
   * A stream that is given must be read or destroyed. Large images are read in turn: it rejects
   * with `unavailable` when its turn comes and `isWanted` says that nobody waits for it any more.
   */
  get(image: ImageKey, isWanted?: () => boolean): Promise<(Bytes & { readonly length: number }) | undefined>
  /**
   * Removes an image, also when there is none; of `finished` without `attempt` all results of that id. With `olderThanMs`
   * only what was last written at least that long ago.
   */
  remove(image: ImageKey, olderThanMs?: number): Promise<void>
  /** What lies there, in order of name. An image that comes or goes meanwhile may be in it or not. */
  list(options: ListOptions): Promise<ListedImage[]>
  usage(): Usage
  /** Times a corrupt image was met, since the start. */
  corruptCount(): number
  close(): Promise<void>
}
