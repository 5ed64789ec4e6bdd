import { setTimeout as delay } from 'node:timers/promises'
import { PngError } from '../codec/errors.ts'
import { HEADER_BYTES, type Header, readHeader } from '../codec/header.ts'
import { SwapTimeout } from '../codec/thread.ts'
import type { Grant } from '../database/contract.ts'
import { discard, gather, peek } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import { Flow } from '../kit/flow.ts'
import type { Logger } from '../kit/log.ts'
import type { Link } from '../kit/mesh.ts'
import { isNetworkFailure } from '../kit/peer.ts'
import type { storageContract } from '../storage/contract.ts'
import type { Lease } from './lease.ts'
import { createMissed } from './missed.ts'
import type { Run } from './pool.ts'

/**
 * Pause before a task is handed back whose storage is away, or has no room, in ms: the next one would fare no better. And how long it
 * stays back then: it may be that one alone, and given out again at once, as the oldest, it would hold up all others.
 */
const HAND_BACK_MS = 500
/** Results up to so many bytes are stored whole, with their length: those that a thread gives in one piece. */
const WHOLE_BYTES = 1024 * 1024
/**
 * How long a task rests with the database whose upload is not to be had, in ms: at least, as a part of the time for which it has been
 * missed, and at most. Where many are missed, longer: so much for each, up to what the database takes, since each comes back as the
 * oldest and would leave no time for others.
 */
const REST_MS = 500
const REST_SHARE = 1 / 8
const LONGEST_REST_MS = 15_000
const REST_EACH_MS = 5
const MOST_REST_MS = 60_000
/** For how long an upload may be missed, in ms: none takes longer. */
const UPLOAD_MS = 600_000
/** With an original database an image may come after its task: how long it is looked for, and how often, in ms. */
const LOOK_FOR_MS = 10_000
const LOOK_AGAIN_MS = 250

export interface TaskOptions {
  readonly storage: Link<typeof storageContract>
  /** Exchanges red and green: `Swapper` of codec/swapper.ts. */
  readonly swap: (input: AsyncIterable<Uint8Array>) => AsyncIterable<Buffer>
  readonly maxPixels: number
  /** Asked about each result that is stored, before its task is finished: false when it is proved wrong. */
  readonly isTrusted: (grant: Grant, header: Header) => Promise<boolean>
  readonly log: Logger
  /** For how long an upload may be missed before its task fails, in ms; ten minutes unless said. */
  readonly uploadMs?: number
}

/** A result is stored that must not become one. */
class Mistrust extends Error {
  constructor() {
    super('two implementations of the swap disagree about this image')
  }
}

/**
 * True for what says nothing against the image: another service is away or full, a request got there broken, the upload broke off on
 * its way here, or there was no thread to be had (too many files, too many processes).
 */
function isPassing(error: unknown): boolean {
  return (
    hasCode(
      error,
      'unavailable',
      'bad-answer',
      'bad-request',
      'request-timeout',
      'disk-full',
      'overloaded',
    ) ||
    isNetworkFailure(error) ||
    (error as { code?: unknown }).code === 'ERR_WORKER_INIT_FAILED'
  )
}

/** Fetches an upload, exchanges red and green, stores the result, says so: the whole of one task. */
export function createTaskRunner(options: TaskOptions): Run {
  const { storage, log, uploadMs = UPLOAD_MS } = options
  const missed = createMissed()

  const fetchUpload = async ({ id, token }: Grant, signal: AbortSignal): Promise<Bytes> => {
    const giveUpAt = performance.now() + (token === undefined ? LOOK_FOR_MS : 0)
    for (;;) {
      try {
        return await storage.ask.getImage({ id, state: 'working' }, { signal })
      } catch (error) {
        if (performance.now() >= giveUpAt) throw error
        await delay(LOOK_AGAIN_MS, undefined, { signal })
      }
    }
  }

  const storeResult = async ({ id, attempt }: Grant, upload: Bytes, lease: Lease): Promise<Header> => {
    const { signal } = lease
    const { first, body } = await peek(upload, HEADER_BYTES)
    const input = Buffer.isBuffer(body.data) ? once(body.data) : new Flow(body.data)
    let failure: unknown
    async function* swapped() {
      try {
        yield* options.swap(input)
      } catch (error) {
        failure = error
        throw error
      }
    }
    let result: Bytes | undefined
    try {
      failpoint('worker.upload.fetched')
      lease.timeline.enter('swapping')
      result = await gather(swapped(), WHOLE_BYTES)
      lease.timeline.enter('storing')
      await storage.ask.sendImage({ id, state: 'finished', attempt }, { body: result, signal })
      lease.timeline.end()
      return readHeader(first, options)
    } catch (error) {
      if (failure !== undefined) throw failure
      // A disk that did not take a result says nothing against the image.
      if (hasCode(error, 'internal'))
        throw new ServiceError('unavailable', 'The result could not be stored.', { cause: error })
      throw error
    } finally {
      discard(result)
      discard(body)
    }
  }

  const settle = async (grant: Grant, lease: Lease, error: unknown): Promise<void> => {
    const { id } = grant
    if (lease.signal.aborted) return
    if (error instanceof PngError) {
      log.info({ id, reason: error.message }, 'a broken image')
      await lease.fail(error.message, false)
    } else if (error instanceof SwapTimeout) {
      log.error({ id, attempt: grant.attempt, reason: error.message }, 'a swap was ended')
      await lease.fail(error.message, true)
    } else if (error instanceof Mistrust) {
      log.error({ id, attempt: grant.attempt }, error.message)
      await lease.fail(error.message, false)
    } else if (isPassing(error)) {
      log.warn({ id, err: error }, 'a task is handed back')
      // One that runs alone would keep all others waiting for it.
      if (!grant.alone) await delay(HAND_BACK_MS, undefined, { signal: lease.signal }).catch(() => {})
      await lease.release(HAND_BACK_MS)
    } else if (hasCode(error, 'not-found')) {
      await settleMissing(grant, lease, 'The upload is missing.')
    } else if (hasCode(error, 'unreadable')) {
      await settleMissing(grant, lease, 'The upload cannot be read.')
    } else {
      log.error({ id, attempt: grant.attempt, err: error }, 'a task failed')
      await lease.fail('The image could not be processed.', true)
    }
  }

  /** An upload may come after its task, and a storage may be without its disk for a while. */
  const settleMissing = async ({ id, attempt }: Grant, lease: Lease, reason: string): Promise<void> => {
    const missedMs = missed.note(id)
    if (missedMs < uploadMs) {
      const ownMs = Math.min(Math.max(REST_MS, REST_SHARE * missedMs), LONGEST_REST_MS)
      const restMs = Math.round(Math.min(Math.max(ownMs, REST_EACH_MS * missed.count()), MOST_REST_MS))
      log.warn({ id, restMs, reason }, 'a task rests')
      return lease.release(restMs)
    }
    missed.forget(id)
    log.error({ id, attempt, reason }, 'a task failed')
    await lease.fail(reason, false)
  }

  return async (grant, lease) => {
    lease.timeline.enter('fetching')
    try {
      failpoint('worker.task.received')
      const upload = await fetchUpload(grant, lease.signal)
      missed.forget(grant.id)
      const header = await storeResult(grant, upload, lease)
      failpoint('worker.result.stored')
      if (!(await options.isTrusted(grant, header))) throw new Mistrust()
      failpoint('worker.result.trusted')
      // Not awaited: its answer comes with the next task, and this one is done.
      void lease.finish()
    } catch (error) {
      await settle(grant, lease, error).catch(failure => {
        log.warn({ id: grant.id, err: failure }, 'no word came through')
      })
    }
  }
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
