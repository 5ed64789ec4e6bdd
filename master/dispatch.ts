import { setTimeout as delay } from 'node:timers/promises'
import type { databaseContract, Grant } from '../database/contract.ts'
import { discard } from '../kit/body.ts'
import { done } from '../kit/contract.ts'
import { hasCode, ServiceError } from '../kit/errors.ts'
import { failpoint } from '../kit/failpoint.ts'
import type { Link } from '../kit/mesh.ts'
import type { storageContract } from '../storage/contract.ts'
import { ASK_AGAIN_MS } from '../tasks/readiness.ts'

export interface DispatchOptions {
  readonly database: Link<typeof databaseContract>
  readonly storage: Link<typeof storageContract>
}

interface Asker {
  readonly worker?: string | undefined
  readonly wait?: number | undefined
}

export interface Finished {
  readonly id: number
  readonly token?: string | undefined
  readonly next?: string | undefined
  readonly wait?: number | undefined
  readonly steps?: string | undefined
}

/** Hands tasks out to workers and takes their word that they are done. */
export interface Dispatch {
  /** A grant, or `undefined` when none came while the asker waited; a plain ask that finds nothing is `not-found`. */
  grant(asker: Asker, signal: AbortSignal): Promise<Grant | undefined>
  /** Undoes a grant whose answer could not be written. */
  takeBack(grant: Grant): Promise<void>
  /**
   * Passes on that a task is done. Without a token it looks first whether there is a result: `conflict` if not. Gives what was
   * granted to `next` together with it, or within `wait` seconds.
   */
  finish(done: Finished, signal?: AbortSignal): Promise<Grant | undefined>
}

export function createDispatch({ database, storage }: DispatchOptions): Dispatch {
  const askOriginal = async ({ wait = 0 }: Asker, signal: AbortSignal): Promise<Grant | undefined> => {
    const giveUpAt = performance.now() + wait * 1_000
    for (;;) {
      try {
        return await database.ask.getNewTask({}, { signal })
      } catch (error) {
        if (!hasCode(error, 'not-found')) throw error
        if (performance.now() >= giveUpAt || signal.aborted) return undefined
      }
      await delay(ASK_AGAIN_MS, undefined, { signal }).catch(() => {})
    }
  }

  const takeBack = async ({ id, token }: Grant): Promise<void> => {
    if (token === undefined) await database.ask.setById({}, { body: { id, state: 0 } })
    else await database.ask.releaseTask({ id, token })
  }

  /** An older plain result must not be taken for the one to come: a plain worker says it is done whatever happened. */
  const prepare = async ({ id, token }: Grant): Promise<void> => {
    failpoint('master.task.granted')
    if (token === undefined && !(await storage.isOriginal()))
      await storage.ask.deleteImage({ id, state: 'finished', attempt: 0 })
  }

  return {
    takeBack,
    async grant(asker, signal) {
      const isPlain = asker.worker === undefined && asker.wait === undefined
      const grant =
        !isPlain && (await database.isOriginal())
          ? await askOriginal(asker, signal)
          : await database.ask.getNewTask(asker, { signal })
      if (grant === undefined) return undefined
      try {
        await prepare(grant)
        return grant
      } catch (error) {
        // Nobody will hear of it: it would count as the loss of a worker.
        await takeBack(grant)
        throw error
      }
    },
    async finish({ id, token, next, wait, steps }, signal) {
      if (token === undefined && !(await storage.isOriginal())) {
        const result = await storage.ask.getImage({ id, state: 'finished' }).catch(error => {
          if (hasCode(error, 'not-found'))
            throw new ServiceError('conflict', 'There is no result of this task yet.')
          throw error
        })
        discard(result)
      }
      const said = await database.ask.finishTask({ id, token, next, wait, steps }, { signal })
      const grant = said === done ? undefined : said
      try {
        failpoint('master.task.finished')
      } catch (error) {
        if (grant !== undefined) await takeBack(grant)
        throw error
      }
      return grant
    },
  }
}
