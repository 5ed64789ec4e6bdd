import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { unheard } from '../kit/body.ts'
import type { Bytes } from '../kit/contract.ts'

/** Longest an answer may take, in ms. */
const ANSWER_MS = 60_000
/** How long a witness that nobody asks is kept, in ms: it holds memory, and its start takes some 200 ms of CPU. */
const IDLE_MS = 10_000

/**
 * Where a witness is heard: a program of its own, so that what sharp holds, and how it may end, does not touch the worker. One
 * is called by a question when there is none.
 */
export interface Stand {
  /**
   * Asks about these images, and gives what the witness says in a line. Rejects when it says nothing; another one is called for
   * the next question then. To be asked one question at a time.
   */
  ask(images: readonly Bytes[]): Promise<string>
  /** Sends the witness away, and with it what it holds. */
  dismiss(): void
}

interface Called {
  readonly child: ChildProcess
  readonly lines: AsyncIterator<string>
}

/** @param witness The program: it reads images from its standard input, each behind its length, and says a line to a question. */
export function createStand(witness: string): Stand {
  let called: Called | undefined
  let idle: NodeJS.Timeout | undefined

  const call = async (): Promise<Called> => {
    const child = spawn(process.execPath, [...process.execArgv, witness], {
      stdio: ['pipe', 'pipe', 'ignore'],
    })
    child.on('error', unheard)
    // Without a free file descriptor there is a child that has no streams; its error comes later.
    await once(child, 'spawn')
    child.stdin.on('error', unheard)
    child.once('exit', () => {
      if (called?.child === child) called = undefined
    })
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() }
  }
  // It keeps nothing that could be lost.
  const dismiss = () => {
    clearTimeout(idle)
    called?.child.kill('SIGKILL')
    called = undefined
  }

  return {
    dismiss,
    async ask(images) {
      clearTimeout(idle)
      let timer: NodeJS.Timeout | undefined
      try {
        called ??= await call()
        const { child, lines } = called
        timer = setTimeout(dismiss, ANSWER_MS)
        await pipeline(framed(images), child.stdin as NodeJS.WritableStream, { end: false })
        const { done, value } = await lines.next()
        if (done) throw new Error('no answer')
        idle = setTimeout(dismiss, IDLE_MS).unref()
        return value
      } catch (error) {
        dismiss()
        throw error
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

/** Each image behind its length in bytes, as 8 bytes. */
async function* framed(images: readonly Bytes[]): AsyncGenerator<Buffer> {
  for (const { data, length } of images) {
    if (length === undefined) throw new Error('an image of unknown length')
    const head = Buffer.alloc(8)
    head.writeBigUInt64BE(BigInt(length))
    yield head
    if (Buffer.isBuffer(data)) yield data
    else yield* data
  }
}
