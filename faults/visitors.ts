import { setTimeout as delay } from 'node:timers/promises'
import { FormData, request } from 'undici'
import { ready } from '../frontend/contract.ts'
import { uniqueImage } from '../test/images/noise.ts'
import type { Journal, Visit } from './journal.ts'

/** How long a visitor waits for an answer, in ms; then he does not know. */
const PATIENCE_MS = 30_000
/** Pause after an upload that was not taken, in ms. */
const AGAIN_MS = 20
/** Pause between two looks whether an image is ready, in ms. */
const LOOK_MS = 20
/** How often he looks at least: when this process compares pictures meanwhile, an answer may be lost and the time be up. */
const LEAST_LOOKS = 3

/** What visitors send. */
export interface Upload {
  /** Names the image in the journal, and everywhere else. */
  readonly image: number
  readonly bytes: Buffer
  readonly mayFail?: boolean
  /** True when its sender looks himself what becomes of it: it is not noted as a promise. */
  readonly isJudged?: boolean
  /** What is said of the file, which nobody has to believe; a PNG unless said. */
  readonly declared?: { readonly name: string; readonly type: string }
}

/** What a visitor is told of an upload; an id stands only in an answer that accepted it. */
export interface Answer {
  readonly status: Visit['status']
  readonly text: string
  readonly id?: string
}

export interface VisitorOptions {
  /** `http://HOST:PORT` of the frontend. */
  readonly url: string
  readonly journal: Journal
  /** True where all is removed soon after it ended: nothing is noted as a promise. */
  readonly isForgetful?: boolean
}

/** One who uploads, asks and fetches, and has everything noted. */
export interface Visitor {
  /** Uploads, and has an id noted as a promise unless it is judged. Never rejects. */
  submit(upload: Upload): Promise<Answer>
  /** The same, when only the id matters. Never rejects. */
  upload(upload: Upload): Promise<string | undefined>
  /** Looks at the page of a task, which comes through a master. Never rejects. */
  look(id: string): Promise<void>
  /** The status and the text of /isReady. Never rejects. */
  ask(id: string): Promise<{ readonly status: Visit['status']; readonly text: string }>
  /** Asks until the result is there, and fetches it; `undefined` when the task failed or the time is up. */
  fetch(id: string, withinMs: number): Promise<Buffer | undefined>
}

export function createVisitor({ url, journal, isForgetful = false }: VisitorOptions): Visitor {
  const noted = async (
    kind: Visit['kind'],
    what: Pick<Visit, 'id' | 'image'>,
    send: () => Promise<{ status: number; bytes: Buffer }>,
  ) => {
    const from = journal.now()
    let answer: { status: Visit['status']; bytes: Buffer }
    try {
      answer = await send()
    } catch (error) {
      answer = { status: isUnreached(error) ? 'unreached' : 'unknown', bytes: Buffer.alloc(0) }
    }
    journal.note({ kind, from, to: journal.now(), status: answer.status, ...what })
    return answer
  }
  const get = async (path: string) => read(await request(`${url}${path}`, timed()))

  const ask = async (id: string) => {
    const { status, bytes } = await noted('isReady', { id }, () => get(`/isReady?id=${id}`))
    return { status, text: bytes.toString().trim() }
  }
  const submit: Visitor['submit'] = async ({ image, bytes, mayFail = false, isJudged = false, declared }) => {
    const form = new FormData()
    const type = declared && { type: declared.type }
    form.set('uploadfile', new Blob([new Uint8Array(bytes)], type), declared?.name ?? 'image.png')
    const send = async () =>
      read(await request(`${url}/submitTask`, { method: 'POST', body: form, ...timed() }))
    const answer = await noted('upload', { image }, send)
    const text = answer.bytes.toString().trim()
    if (answer.status !== 200 || !/^[0-9]+$/.test(text)) return { status: answer.status, text }
    if (!isJudged && !isForgetful) journal.promise({ id: text, image, mayFail })
    return { status: answer.status, text, id: text }
  }
  return {
    submit,
    upload: async upload => (await submit(upload)).id,
    async look(id) {
      await noted('task', { id }, () => get(`/task?id=${id}`))
    },
    ask,
    async fetch(id, withinMs) {
      const deadline = journal.now() + withinMs
      for (let looks = 0; looks < LEAST_LOOKS || journal.now() < deadline; looks += 1) {
        const { status, text } = await ask(id)
        if (status === 422 || status === 404) return undefined
        if (status === 200 && text === ready) {
          const answer = await noted('getImage', { id }, () => get(`/getImage?id=${id}`))
          if (answer.status === 200) return answer.bytes
        }
        await delay(LOOK_MS)
      }
      return undefined
    },
  }
}

const timed = () => ({
  headersTimeout: PATIENCE_MS,
  bodyTimeout: PATIENCE_MS,
  signal: AbortSignal.timeout(2 * PATIENCE_MS),
})

async function read({ statusCode, body }: Awaited<ReturnType<typeof request>>) {
  return { status: statusCode, bytes: Buffer.from(await body.arrayBuffer()) }
}

function isUnreached(error: unknown): boolean {
  return ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT'].includes((error as { code?: string }).code ?? '')
}

export interface CrowdOptions extends VisitorOptions {
  /** How many upload one image after the other. */
  readonly lanes: number
  /** Pause of each after an upload that was taken, in ms. */
  readonly pauseMs: number
  /** Images are numbered from here. */
  readonly firstImage: number
  /** True while enough waits: nobody uploads then, so that what is measured is no queue. */
  readonly isBehind: () => boolean
}

/** Visitors who upload, each image different, and look how it stands, until they are told to go home. */
export interface Crowd {
  /** Resolves once the last answer came. */
  goHome(): Promise<void>
  /** The number of the next image: for uploads beside theirs. */
  nextImage(): number
}

export function startCrowd({ lanes, pauseMs, firstImage, isBehind, ...options }: CrowdOptions): Crowd {
  const visitor = createVisitor(options)
  let next = firstImage
  let isOver = false
  const nextImage = () => next++
  const lane = async () => {
    while (!isOver) {
      if (isBehind()) {
        await delay(AGAIN_MS)
        continue
      }
      const image = nextImage()
      const id = await visitor.upload({ image, bytes: uniqueImage(image) })
      if (id !== undefined) await visitor.look(id)
      await delay(id === undefined ? AGAIN_MS : pauseMs)
    }
  }
  const running = Array.from({ length: lanes }, lane)
  return {
    nextImage,
    async goHome() {
      isOver = true
      await Promise.all(running)
    },
  }
}
