/** What comes within so many ms is said together. */
const GATHER_MS = 1_000

/** Says things to whoever cannot see the page, each once. */
export function createAnnouncer(region: HTMLElement): (what: string) => void {
  let waiting: string[] = []
  return what => {
    waiting.push(what)
    if (waiting.length > 1) return
    setTimeout(() => {
      region.textContent = summarize(waiting)
      waiting = []
    }, GATHER_MS)
  }
}

/** The same thing of many is said with their number. */
function summarize(all: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].map(([what, count]) => (count === 1 ? what : `${count} times: ${what}`)).join(' ')
}
