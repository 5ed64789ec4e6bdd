import { createAnnouncer } from './announcer.ts'
import { enhanceComparison } from './comparison.ts'
import { find } from './elements.ts'
import { filesOf } from './files.ts'
import { openHistory } from './history.ts'
import { createList } from './list.ts'
import { type Connection, followTasks, MOST_AT_ONCE } from './live.ts'

const WORDS: Record<Connection, string> = {
  idle: '',
  live: 'Live',
  'coming back': 'The connection is lost; it comes back by itself.',
  asking: 'Looked at every two seconds.',
}

/** Proxies take addresses of 8 KB and more. */
const LONGEST_ADDRESS = 7_500

// Behind the first frame.
requestAnimationFrame(() => setTimeout(() => document.documentElement.classList.add('grown')))
const form = document.querySelector<HTMLFormElement>('form#upload')
if (form !== null) enhanceHome(form)
for (const figure of document.querySelectorAll<HTMLElement>('figure.comparison')) enhanceComparison(figure)
const followed = document.querySelector<HTMLElement>('[data-follow]')?.dataset.follow
if (followed !== undefined) reloadAfter(Number(followed))
const seconds = document.querySelector<HTMLElement>('[data-reload]')?.dataset.reload
if (seconds !== undefined) setTimeout(() => location.reload(), Number(seconds) * 1_000)

function enhanceHome(form: HTMLFormElement): void {
  const input = find(form, 'input[type=file]', HTMLInputElement)
  const section = find(document, '#list', HTMLElement)
  const heading = find(section, 'h2', HTMLElement)
  const connection = find(section, '.connection', HTMLElement)
  const counted = find(section, '.counted', HTMLElement)
  const all = find(section, 'progress', HTMLProgressElement)
  const again = find(section, '.again-all', HTMLButtonElement)
  const zip = find(section, '.zip', HTMLAnchorElement)
  const announce = createAnnouncer(find(document, '#said', HTMLElement))
  const list = createList({
    place: find(section, 'ol', HTMLOListElement),
    whenEmpty: input,
    limits: { maxBytes: Number(form.dataset.maxBytes), maxPixels: Number(form.dataset.maxPixels) },
    history: openHistory(),
    announce,
    onCount(counts) {
      section.hidden = counts.all === 0
      const failed = counts.failed === 0 ? '' : `, ${counts.failed} failed`
      counted.textContent = `${counts.done} of ${counts.all} done${failed}`
      all.max = Math.max(1, counts.all)
      all.value = counts.done
      if (counts.bad < 2 && document.activeElement === again) heading.focus()
      again.hidden = counts.bad < 2
      zip.hidden = counts.ready.length < 2
      zip.href = addressOf(counts.ready.slice(0, MOST_AT_ONCE))
      zip.textContent = counts.ready.length > MOST_AT_ONCE ? `Download ${MOST_AT_ONCE}` : 'Download all'
    },
  })
  list.follow(
    followTasks(list.hear, state => {
      connection.textContent = WORDS[state]
      connection.dataset.state = state
    }),
  )
  again.addEventListener('click', list.againAll)
  addEventListener('beforeunload', event => {
    if (list.isSending()) event.preventDefault()
  })

  document.documentElement.classList.add('scripted')
  input.multiple = true
  input.required = false
  const take = async (files: Promise<File[]> | File[]) => list.add(await files)
  input.addEventListener('change', () => {
    void take([...(input.files ?? [])])
    input.value = ''
  })
  form.addEventListener('submit', event => event.preventDefault())
  document.addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData !== null && clipboardData.files.length > 0) void take(filesOf(clipboardData))
  })
  takeDrops(take)
}

/** Where these pictures are to be had in one file: by their names, as many as make no address longer than proxies take. */
function addressOf(pictures: readonly { readonly id: number; readonly name: string }[]): string {
  const address = `/getImages?ids=${pictures.map(({ id }) => id).join(',')}`
  const encode = (names: string) => String(new URLSearchParams({ names }))
  let room = LONGEST_ADDRESS - address.length - encode('/'.repeat(pictures.length)).length
  if (room < 0) return address
  const names = pictures.map(({ name }) => {
    const said = name.replaceAll('/', ' ')
    room -= encode(said).length
    return room < 0 ? '' : said
  })
  return `${address}&${encode(names.join('/'))}`
}

/** Files may be dropped anywhere. */
function takeDrops(take: (files: Promise<File[]>) => Promise<void>): void {
  // Entered once more for each element on the way.
  let depth = 0
  const setDepth = (value: number) => {
    depth = Math.max(0, value)
    document.documentElement.classList.toggle('dropping', depth > 0)
  }
  const hasFiles = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes('Files') ?? false
  addEventListener('dragenter', event => {
    if (hasFiles(event)) setDepth(depth + 1)
  })
  addEventListener('dragleave', event => {
    if (hasFiles(event)) setDepth(depth - 1)
  })
  addEventListener('dragover', event => {
    if (hasFiles(event)) event.preventDefault()
  })
  addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') setDepth(0)
  })
  addEventListener('drop', event => {
    setDepth(0)
    if (!hasFiles(event) || event.dataTransfer === null) return
    event.preventDefault()
    void take(filesOf(event.dataTransfer))
  })
}

/** The page about one task: loaded anew as soon as there is something else to tell. */
function reloadAfter(id: number): void {
  let told: string | undefined
  const following = followTasks(
    now => {
      const stands = `${now.state} ${now.step}`
      if (told !== undefined && told !== stands) location.reload()
      told = stands
      if (now.state === 'ready' || now.state === 'failed' || now.state === 'gone') location.reload()
    },
    () => {},
  )
  following.add(id)
}
