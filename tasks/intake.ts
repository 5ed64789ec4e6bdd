import { HEADER_BYTES, readHeader } from '../codec/header.ts'
import { type databaseContract, finished, inProgress, notStarted } from '../database/contract.ts'
import { createAdmission } from '../kit/admission.ts'
import { discard, peek } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { IntakeOwner } from '../kit/failpoints.ts'
import { drawId } from '../kit/id.ts'
import type { Link } from '../kit/mesh.ts'
import type { storageContract } from '../storage/contract.ts'
import { asRefusal } from './refusal.ts'

/** Uploads that go to storage in pieces at once: each has a connection, and up to 256 KB that storage holds. */
export const UPLOADS_IN_PIECES = 512

export interface IntakeOptions {
  /** Who takes in: so it stands in failpoints. */
  readonly service: IntakeOwner
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
  /** Largest picture, in pixels. */
  readonly maxPixels: number
  /** Most pixels of uploads at once. */
  readonly maxPixelsUnderWay: number
}

/**
 * Takes an upload in, of at most so many bytes if that was said: gives the id of its task, once image and task are on disk. Judges
 * its first bytes: `unsupported-type`, `unprocessable`, `too-large`; `unavailable` when too much is being taken in, or when storage or
 * database cannot do their part. Lets go of what it refuses.
 */
export type Intake = (upload: Bytes, saidBytes?: number) => Promise<number>

/**
 * An upload becomes an image in storage first and a task in the database then, so that a task which a worker can see
 * always has its image. A crash in between leaves an image without a task, which the sweeper removes.
 */
export function createIntake({ service, database, storage, ...limits }: IntakeOptions): Intake {
  const message = 'Too much is being taken in.'
  const pixels = createAdmission({ most: limits.maxPixelsUnderWay, message })
  const inPieces = createAdmission({ most: UPLOADS_IN_PIECES, message })

  const store = async (upload: Bytes, maxBytes: number | undefined): Promise<number> => {
    for (;;) {
      const id = drawId()
      try {
        await storage.ask.sendImage({ id, state: 'working', create: 1, maxBytes }, { body: upload })
        return id
      } catch (error) {
        // The id is taken, or the answer to a first try got lost: another one, if the upload can be sent again.
        if (!hasCode(error, 'conflict')) throw error
        if (!Buffer.isBuffer(upload.data)) throw sendAgain()
      }
    }
  }

  /** An original database cannot forget a task: as a finished one that nobody knows it harms nobody. */
  const abandon = async (id: number): Promise<void> => {
    await database.ask.setById({}, { body: { id, state: finished } }).catch(() => {})
  }

  // An original database draws the id itself and shows the task at once: it is hidden while its image travels.
  const storeBehindOriginal = async (upload: Bytes): Promise<number> => {
    const id = Number(await database.ask.newTask({}, { isOnce: true }))
    try {
      await database.ask.setById({}, { body: { id, state: inProgress } })
      await storage.ask.sendImage({ id, state: 'working' }, { body: upload })
    } catch (error) {
      await abandon(id)
      throw error
    }
    await database.ask.setById({}, { body: { id, state: notStarted } })
    return id
  }

  const take = async (upload: Bytes, saidBytes: number | undefined): Promise<number> => {
    if (await database.isOriginal()) return storeBehindOriginal(upload)
    const id = await store(upload, saidBytes)
    failpoint(`${service}.image.stored`)
    const made = await database.ask.newTask({ id }).catch(error => {
      // It took so long that its image was taken for one without a task, and thrown away.
      if (hasCode(error, 'conflict')) throw sendAgain()
      throw error
    })
    if (Number(made) !== id) {
      // An original database, which counts its own, has come in the place of ours: of that task there is no image.
      await abandon(Number(made))
      throw sendAgain()
    }
    failpoint(`${service}.task.made`)
    return id
  }

  /** Judges it, and takes it in when there is room for it. */
  const judge = async (upload: Bytes, saidBytes: number | undefined): Promise<number> => {
    const { first, body } = await peek(upload, HEADER_BYTES)
    const leavePixels = pixels.enter(pixelsOf(first, limits.maxPixels))
    let leavePieces: (() => void) | undefined
    try {
      if (!Buffer.isBuffer(body.data)) leavePieces = inPieces.enter(1)
      return await take(body, saidBytes)
    } catch (error) {
      throw isOf(body, error) ? error : asOutage(error)
    } finally {
      leavePieces?.()
      leavePixels()
    }
  }

  return (upload, saidBytes) =>
    judge(upload, saidBytes).catch(error => {
      discard(upload)
      throw error
    })
}

/** The pixels of a picture, by its first bytes. Refuses what is no PNG, or has more than `maxPixels`. */
function pixelsOf(first: Buffer, maxPixels: number): number {
  try {
    const { width, height } = readHeader(first, { maxPixels })
    return width * height
  } catch (error) {
    throw asRefusal(error)
  }
}

/** True for what was wrong with an upload while it travelled: with its sender, and with nobody it travelled to. */
const isOf = ({ data }: Bytes, error: unknown): boolean => !Buffer.isBuffer(data) && data.errored === error

/** What storage or database said, to who uploads: of room and load as it is, all else says nothing of the upload. */
const asOutage = (error: unknown): unknown =>
  !(error instanceof ServiceError) ||
  hasCode(error, 'request-timeout', 'too-large', 'overloaded', 'unavailable', 'disk-full')
    ? error
    : sendAgain(error)

const sendAgain = (cause?: unknown) => new ServiceError('unavailable', 'Please send it once more.', { cause })
