import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { swapRedGreen } from '../codec/swap.ts'
import { createZlibRecoder } from '../codec/zlib.ts'
import type { Grant } from '../database/contract.ts'
import type { Deployment } from './deployment.ts'
import { createInner, type Told } from './inner.ts'

const UNLIMITED = { maxPixels: Number.POSITIVE_INFINITY, maxBytes: Number.POSITIVE_INFINITY }

/** A task that was given to a hand. */
export interface Held {
  readonly id: number
  readonly attempt: number
  readonly token: string
  readonly leaseMs: number
}

/** What a holder says of its task, and whether it may be said. */
export type Word = 'registerTaskFinished' | 'renewTask' | 'releaseTask' | 'failTask'

/** A worker made by hand: it takes tasks at a master, as workers of others do, and does with them what no worker of ours does. */
export interface Hand {
  /** Takes a task; `undefined` when none came within so many seconds. */
  take(waitSeconds: number): Promise<Held | undefined>
  /** The upload with red and green exchanged; rejects when it cannot be had. */
  swap(held: Held): Promise<Buffer>
  /** Stores a result of its attempt. */
  store(held: Held, bytes: Buffer): Promise<Told | undefined>
  /** Says a word about it to a master, with its token unless another one is given. */
  say(word: Word, held: Held, token?: string): Promise<Told | undefined>
}

export function createHand({ urls, secret }: Deployment, name: string): Hand {
  const inner = createInner(secret)
  return {
    async take(waitSeconds) {
      const told = await inner.ask(`${urls.master}/getNewTask?worker=${name}&wait=${waitSeconds}`, 'POST')
      if (told?.status !== 200) return undefined
      const grant = JSON.parse(told.bytes.toString()) as Grant
      return grant as Held
    },
    async swap({ id }) {
      const upload = await inner.ask(`${urls.storage}/getImage?id=${id}&state=working`)
      if (upload?.status !== 200) throw new Error(`the upload ${id} cannot be had`)
      const recoder = createZlibRecoder()
      return buffer(swapRedGreen(Readable.from([upload.bytes]), { ...UNLIMITED, recoder }))
    },
    store: ({ id, attempt }, bytes) =>
      inner.ask(`${urls.storage}/sendImage?id=${id}&state=finished&attempt=${attempt}`, 'POST', bytes),
    say: (word, { id, token: own }, token = own) =>
      inner.ask(`${urls.master}/${word}?id=${id}&token=${token}`, 'POST'),
  }
}
