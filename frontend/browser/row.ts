import { asSentence, type Told } from '../told.ts'
import { formatMs } from '../took.ts'
import { enhanceComparison } from './comparison.ts'
import { find, make } from './elements.ts'
import { formatBytes } from './files.ts'
import type { Progress } from './upload.ts'

/** How a picture stands. */
export type View =
  | { readonly is: 'refused' | 'lost'; readonly reason: string }
  | { readonly is: 'next' | 'taken' }
  | { readonly is: 'uploading'; readonly progress: Progress }
  | { readonly is: 'again'; readonly reason: string; readonly seconds: number }
  | { readonly is: 'told'; readonly told: Told }

export interface RowOptions {
  readonly name: string
  readonly bytes: number
  /** What was chosen, where it is still there. */
  readonly file?: File | undefined
  onAgain(): void
  onRemove(): void
}

export interface Row {
  readonly element: HTMLElement
  show(view: View): void
  /** Says what did not go, in place of how it stands. */
  complain(what: string): void
  /** Takes it off the page, and lets go of what was chosen. */
  remove(): void
}

/** How long a button says that it did what it says, in ms. */
const COPIED_MS = 3_000

/** Which of the four steps a picture is in: it is sent, it waits, it is worked on, it is there. */
const SENDING = 1
const QUEUED = 2
const WORKING = 3
const READY = 4

/** A picture in the list. */
export function createRow({ name, bytes, file, onAgain, onRemove }: RowOptions): Row {
  const element = make('row', HTMLLIElement)
  const part = <E extends Element>(selector: string, kind: new () => E) => find(element, selector, kind)
  const says = part('.says', HTMLElement)
  const thumb = part('.thumb img', HTMLImageElement)
  const get = part('.get', HTMLAnchorElement)
  const buttons = {
    compare: part('.compare', HTMLButtonElement),
    copy: part('.copy', HTMLButtonElement),
    again: part('.again', HTMLButtonElement),
    remove: part('.remove', HTMLButtonElement),
  }
  const compared = part('.compared', HTMLElement)
  let result = ''
  const link = part('.name', HTMLAnchorElement)
  link.textContent = name
  part('.size', HTMLElement).textContent = formatBytes(bytes)
  for (const one of [get, ...Object.values(buttons)]) nameAfter(one, name)

  const before = file && URL.createObjectURL(file)
  thumb.addEventListener('error', () => thumb.removeAttribute('src'))
  if (before !== undefined) thumb.src = before
  buttons.again.addEventListener('click', onAgain)
  buttons.remove.addEventListener('click', onRemove)
  buttons.compare.addEventListener('click', () => {
    const isOpen = compared.hidden
    compared.hidden = !isOpen
    buttons.compare.setAttribute('aria-expanded', String(isOpen))
    if (!isOpen || compared.childElementCount > 0) return
    const figure = make('comparison', HTMLElement)
    find(figure, '.before', HTMLImageElement).src = before ?? `${result}&state=working`
    find(figure, '.after', HTMLImageElement).src = result
    compared.append(figure)
    enhanceComparison(figure)
  })
  buttons.copy.addEventListener('click', async () => {
    const picture = fetch(result).then(answer => answer.blob())
    try {
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': picture })])
      buttons.copy.textContent = 'Copied'
    } catch {
      buttons.copy.textContent = 'Could not be copied'
    }
    nameAfter(buttons.copy, name)
    setTimeout(() => {
      buttons.copy.textContent = 'Copy'
      nameAfter(buttons.copy, name)
    }, COPIED_MS)
  })

  const offer = (...offered: (keyof typeof buttons)[]) => {
    for (const [what, button] of Object.entries(buttons))
      button.hidden = !offered.includes(what as keyof typeof buttons)
  }

  return {
    element,
    complain(what) {
      says.textContent = what
      element.classList.add('bad')
    },
    remove() {
      element.remove()
      if (before !== undefined) URL.revokeObjectURL(before)
    },
    show(view) {
      const { step, text, sent } = describe(view)
      const isBad = view.is === 'refused' || view.is === 'lost' || (view.is === 'told' && isOver(view.told))
      says.textContent = text
      element.dataset.step = String(step)
      element.classList.toggle('bad', isBad)
      element.style.setProperty('--sent', String(sent))
      const isReady = view.is === 'told' && view.told.state === 'ready'
      get.hidden = !isReady
      buttons.remove.textContent = removalOf(view)
      nameAfter(buttons.remove, name)
      if (view.is === 'told' && view.told.state !== 'gone') link.href = `/task?id=${view.told.id}`
      else link.removeAttribute('href')
      if (isReady) {
        result = view.told.image ?? ''
        get.href = result
        get.download = name
        thumb.src = result
        offer('compare', 'remove', ...(canCopy() ? (['copy'] as const) : []))
      } else if (view.is === 'lost' || (view.is === 'told' && view.told.state === 'failed'))
        offer('again', 'remove')
      else if (view.is === 'taken') offer()
      else offer('remove')
    },
  }
}

function removalOf(view: View): string {
  if (view.is === 'uploading') return 'Cancel'
  return view.is === 'told' && view.told.state !== 'gone' ? 'Delete now' : 'Remove'
}

/** Says as well of which picture it is, to whoever does not see where it stands. */
function nameAfter(control: HTMLElement, name: string): void {
  control.setAttribute('aria-label', `${control.textContent?.trim()}: ${name}`)
}

const canCopy = () => typeof ClipboardItem === 'function' && navigator.clipboard !== undefined

const isOver = ({ state }: Told) => state === 'failed' || state === 'gone'

interface Description {
  readonly step: number
  readonly text: string
  /** How much of it was sent, from 0 to 1. */
  readonly sent: number
}

function describe(view: View): Description {
  switch (view.is) {
    case 'refused':
      return { step: 0, text: view.reason, sent: 0 }
    case 'lost':
      return { step: 0, text: view.reason, sent: 0 }
    case 'next':
      return { step: 0, text: 'It waits until those before it are uploaded.', sent: 0 }
    case 'again':
      return { step: 0, text: `${view.reason} Sent again in ${view.seconds} s.`, sent: 0 }
    case 'uploading':
      return { step: SENDING, ...describeUpload(view.progress) }
    case 'taken':
      return { step: QUEUED, text: 'Uploaded.', sent: 1 }
    case 'told':
      return { sent: 1, ...describeTold(view.told) }
  }
}

function describeUpload({ sent, of, speed, secondsLeft }: Progress) {
  const parts = [`Uploading: ${formatBytes(sent)} of ${formatBytes(of)}`]
  if (speed !== undefined) parts.push(`${formatBytes(speed)} a second`)
  if (secondsLeft !== undefined && secondsLeft >= 1) parts.push(`${formatSeconds(secondsLeft)} left`)
  return { text: parts.join(', '), sent: of === 0 ? 0 : sent / of }
}

function describeTold({ state, step, ahead, reason, took }: Told): { step: number; text: string } {
  switch (state) {
    case 'ready':
      return {
        step: READY,
        text: took === undefined ? 'Ready.' : `Ready, ${formatMs(took.wholeMs)} after it was uploaded.`,
      }
    case 'failed':
      return { step: 0, text: `It failed. ${asSentence(reason ?? 'nobody says why')}` }
    case 'gone':
      return { step: 0, text: 'It is not there any more: it was deleted, or its time here is over.' }
    case 'unknown for now':
      return { step: QUEUED, text: 'A part of the system is away. Your picture is kept.' }
    case 'waiting':
      if (step === 'working') return { step: WORKING, text: 'Red and green are being exchanged.' }
      return { step: QUEUED, text: describeQueue(ahead) }
  }
}

function describeQueue(ahead: number | undefined): string {
  if (ahead === undefined) return 'Uploaded; it waits for its turn.'
  if (ahead === 0) return 'Uploaded; it is next.'
  return `Uploaded; ${ahead === 1 ? 'one picture is' : `${ahead} pictures are`} before it.`
}

function formatSeconds(seconds: number): string {
  return seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} minutes`
}
