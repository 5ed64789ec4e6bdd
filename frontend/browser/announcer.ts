/** What comes within so many ms is said together. */
const GATHER_MS = 1_000
/** Of the same kind so many are said one by one; of more it is said how many there are. */
const MOST_EACH = 3

/** Says a thing once; `ofMany`: what is said of several such things, behind their number. */
export type Announce = (what: string, ofMany?: string) => void

/** Says things to whoever cannot see the page. */
export function createAnnouncer(region: HTMLElement): Announce {
  let waiting: { what: string; ofMany: string | undefined }[] = []
  return (what, ofMany) => {
    waiting.push({ what, ofMany })
    if (waiting.length > 1) return
    setTimeout(() => {
      region.textContent = summarize(waiting)
      waiting = []
    }, GATHER_MS)
  }
}

function summarize(all: readonly { what: string; ofMany: string | undefined }[]): string {
  const kinds = new Map<string, string[]>()
  for (const { what, ofMany = what } of all) kinds.set(ofMany, [...(kinds.get(ofMany) ?? []), what])
  return [...kinds]
    .map(([ofMany, each]) => (each.length > MOST_EACH ? `${each.length} ${ofMany}` : each.join(' ')))
    .join(' ')
}
