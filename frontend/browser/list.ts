import { asSentence, hasEnded, type Told } from '../told.ts'
import type { Announce } from './announcer.ts'
import { type Limits, refusalOf } from './files.ts'
import type { Remembered } from './history.ts'
import type { Following } from './live.ts'
import { createRow, type Row, type View } from './row.ts'
import { type Progress, upload } from './upload.ts'

/** Uploads at once: more would only share the line. */
const UPLOADS = 3
/** A server that is busy is asked again this often before a person has to. */
const ATTEMPTS = 5
/** How soon after a change the pictures are counted, in ms. */
const COUNT_MS = 50
/** Pause where it does not say how long, in s. */
const PAUSE_SECONDS = 2

/** How many of the list's pictures stand how. */
export interface Counts {
  readonly all: number
  readonly ready: readonly { readonly id: number; readonly name: string }[]
  readonly bad: number
  readonly failed: number
  readonly done: number
}

export interface ListOptions {
  readonly place: HTMLElement
  /** What gets the focus when the last row is gone. */
  readonly whenEmpty: HTMLElement
  readonly limits: Limits
  readonly history: { all(): Remembered[]; add(one: Remembered): void; remove(id: number): void }
  readonly announce: Announce
  readonly onCount: (counts: Counts) => void
}

interface Item {
  readonly name: string
  readonly bytes: number
  readonly file?: File | undefined
  row: Row
  view: View
  id?: number
  /** Ends its upload. */
  readonly stop: AbortController
  /** Not heard of since the page was loaded: how it stands is no news. */
  isRemembered?: boolean
}

/** All pictures of this page: chosen here, or remembered. */
export function createList({ place, whenEmpty, limits, history, announce, onCount }: ListOptions) {
  const items = new Set<Item>()
  const waiting: Item[] = []
  let uploads = 0
  let following: Following | undefined

  let isCounting = false
  /** Soon, and once for all that comes together. */
  const countSoon = () => {
    if (isCounting) return
    isCounting = true
    setTimeout(() => {
      isCounting = false
      onCount(count(items))
    }, COUNT_MS)
  }
  const show = (item: Item, view: View) => {
    item.view = view
    item.row.show(view)
    countSoon()
  }
  /** To whoever sees the page, and to whoever does not. */
  const complain = (item: Item, what: string) => {
    item.row.complain(what)
    announce(`${item.name}: ${what}`)
  }

  const remove = async (item: Item) => {
    if (item.id !== undefined && !isGone(item.view)) {
      const answer = await fetch(`/deleteTask?id=${item.id}`, { method: 'POST' }).catch(() => undefined)
      if (answer === undefined || (!answer.ok && answer.status !== 404))
        return complain(item, 'It could not be deleted. Try again later.')
      announce(`${item.name} is deleted.`)
    }
    forget(item)
  }
  const forget = (item: Item) => {
    if (item.id !== undefined) {
      following?.drop(item.id)
      history.remove(item.id)
    }
    item.stop.abort()
    const at = waiting.indexOf(item)
    if (at >= 0) waiting.splice(at, 1)
    const { element } = item.row
    const next = element.nextElementSibling ?? element.previousElementSibling
    const hadFocus = element.contains(document.activeElement)
    items.delete(item)
    item.row.remove()
    // A row can be focused; without any there is the form.
    if (hadFocus) (next instanceof HTMLElement ? next : whenEmpty).focus()
    countSoon()
  }

  const again = async (item: Item) => {
    const { element } = item.row
    // Its button goes.
    if (element.contains(document.activeElement)) element.focus()
    if (item.id === undefined) return start(item)
    const answer = await fetch(`/tryAgain?id=${item.id}`, { method: 'POST' }).catch(() => undefined)
    if (!answer?.ok) return complain(item, 'It could not be tried again. Try later.')
    show(item, { is: 'taken' })
    following?.add(item.id)
  }

  const enter = (one: { name: string; bytes: number; file?: File | undefined; id?: number }, view: View) => {
    const item: Item = { ...one, row: undefined as unknown as Row, view, stop: new AbortController() }
    item.row = createRow({ ...one, onAgain: () => void again(item), onRemove: () => void remove(item) })
    items.add(item)
    place.prepend(item.row.element)
    show(item, view)
    return item
  }

  const start = (item: Item) => {
    show(item, { is: 'next' })
    waiting.push(item)
    void sendNext()
  }

  const sendNext = async (): Promise<void> => {
    if (uploads >= UPLOADS) return
    const item = waiting.shift()
    if (item === undefined) return
    uploads += 1
    await send(item)
    uploads -= 1
    void sendNext()
  }

  const send = async (item: Item): Promise<void> => {
    const { file, name, bytes } = item
    if (file === undefined) return
    for (let attempt = 1; ; attempt += 1) {
      const tell = (progress: Progress) => show(item, { is: 'uploading', progress })
      const outcome = await upload(file, tell, item.stop.signal)
      if (!items.has(item)) return
      if (outcome.is === 'taken') {
        const { id } = outcome
        item.id = id
        history.add({ id, name, bytes })
        show(item, { is: 'taken' })
        following?.add(id)
        return
      }
      if (outcome.is === 'refused') {
        announce(`${name} was refused. ${outcome.reason}`, 'pictures were refused.')
        return show(item, outcome)
      }
      const { reason } = outcome
      if (outcome.is === 'lost' || attempt === ATTEMPTS) {
        announce(`${name} could not be uploaded. ${reason}`, 'pictures could not be uploaded.')
        return show(item, { is: 'lost', reason })
      }
      const { afterSeconds = PAUSE_SECONDS } = outcome
      for (let seconds = afterSeconds; seconds > 0; seconds -= 1) {
        show(item, { is: 'again', reason, seconds })
        await new Promise(resolve => setTimeout(resolve, 1_000))
        if (!items.has(item)) return
      }
    }
  }

  return {
    /** Takes files in: what the server would refuse becomes a row that says why. */
    async add(files: readonly File[]) {
      if (files.length === 0) return
      const refusals = await Promise.all(files.map(file => refusalOf(file, limits)))
      const known = files.map((file, at) => ({
        file,
        name: file.name,
        bytes: file.size,
        reason: refusals[at],
      }))
      // The list shows the newest first; of those chosen together the first.
      const entered = known
        .reverse()
        .map(({ reason, ...one }) =>
          enter(
            reason === undefined ? one : { name: one.name, bytes: one.bytes },
            reason === undefined ? { is: 'next' } : { is: 'refused', reason },
          ),
        )
      const refused = entered.filter(({ view }) => view.is === 'refused')
      announce(
        `${files.length === 1 ? 'One file' : `${files.length} files`} chosen${refused.length > 0 ? `, ${refused.length} not usable` : ''}.`,
      )
      entered.at(-1)?.row.element.scrollIntoView({ block: 'nearest' })
      for (const item of entered.reverse()) if (item.view.is === 'next') waiting.push(item)
      for (let at = 0; at < UPLOADS; at += 1) void sendNext()
    },
    /** Shows what is remembered, and follows it with whatever comes. */
    follow(by: Following) {
      following = by
      for (const { id, name, bytes } of history.all()) {
        enter({ id, name, bytes }, { is: 'taken' }).isRemembered = true
        by.add(id)
      }
    },
    hear(told: Told) {
      const item = [...items].find(({ id }) => id === told.id)
      if (item === undefined) return
      show(item, { is: 'told', told })
      if (told.state === 'gone') history.remove(told.id)
      const isNews = !item.isRemembered
      item.isRemembered = false
      if (!isNews) return
      if (told.state === 'ready') announce(`${item.name} is ready.`, 'pictures are ready.')
      if (told.state === 'failed')
        announce(`${item.name} failed. ${asSentence(told.reason ?? 'nobody says why')}`, 'pictures failed.')
    },
    againAll() {
      for (const item of items) if (mayGoAgain(item.view)) void again(item)
    },
    /** Whether something would be lost with the page. */
    isSending: () => uploads > 0 || waiting.length > 0,
  }
}

const isGone = (view: View) => view.is === 'told' && view.told.state === 'gone'
const mayGoAgain = (view: View) => view.is === 'lost' || (view.is === 'told' && view.told.state === 'failed')

function count(items: ReadonlySet<Item>): Counts {
  const all = [...items]
  const isReady = ({ view }: Item) => view.is === 'told' && view.told.state === 'ready'
  const hasFinished = ({ view }: Item) =>
    view.is === 'refused' || view.is === 'lost' || (view.is === 'told' && hasEnded(view.told))
  return {
    all: all.length,
    ready: all.filter(isReady).map(({ id = 0, name }) => ({ id, name })),
    bad: all.filter(({ view }) => mayGoAgain(view)).length,
    failed: all.filter(item => hasFinished(item) && !isReady(item)).length,
    done: all.filter(hasFinished).length,
  }
}
