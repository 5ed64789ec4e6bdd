import { type databaseContract, finished } from '../database/contract.ts'
import type { Bytes } from '../kit/contract.ts'
import { ServiceError } from '../kit/errors.ts'
import type { Link } from '../kit/mesh.ts'
import type { ImageState, storageContract } from '../storage/contract.ts'
import { refuseFailed } from './refusal.ts'

export interface DeliveryOptions {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  /** How long a task and its images are kept after it ended, in ms; `undefined` where nothing goes, or nobody knows. */
  readonly askRetention: () => Promise<number | undefined>
}

/** Whose image it is, and which: the result unless said. */
interface Wanted {
  readonly id: number
  readonly state?: ImageState | undefined
}

/**
 * Gives a result, with the time until which it is kept, or what was uploaded. `not-found` when there is no such task, `conflict` when
 * it has no result yet, `unprocessable` with its reason when it failed.
 */
type Delivery = (wanted: Wanted) => Promise<Bytes>

export function createDelivery({ database, storage, askRetention }: DeliveryOptions): Delivery {
  return async ({ id, state }) => {
    const known = await database.ask.getById({ id })
    if (state === 'working') return storage.ask.getImage({ id, state })
    const task = refuseFailed(known)
    if (task.state !== finished) throw new ServiceError('conflict', 'The image is not ready yet.')
    const { endedMs, result } = task
    // Asked before, since nobody would let go of an image in hand.
    const retentionMs = endedMs === undefined ? undefined : await askRetention()
    const image = await storage.ask.getImage({ id, state: 'finished', attempt: result || undefined })
    if (retentionMs === undefined || endedMs === undefined) return image
    return { ...image, keptUntil: Date.now() + Math.max(0, retentionMs - endedMs) }
  }
}
