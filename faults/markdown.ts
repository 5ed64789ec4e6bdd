import { Failure } from '../scripts/failure.ts'

/** The two lines between which a part of a document is written by a command. */
export interface Marks {
  readonly begin: string
  readonly end: string
}

/** What stands between a document's marks. Throws a `Failure` when they are not there. */
export function textBetween(path: string, document: string, marks: Marks): string {
  const [from, to] = placeBetween(path, document, marks)
  return document.slice(from, to).trim()
}

/** A document with this between its marks; all else stays as it is. Throws a `Failure` when they are not there. */
export function replaceBetween(path: string, document: string, marks: Marks, text: string): string {
  const [from, to] = placeBetween(path, document, marks)
  return `${document.slice(0, from)}\n${text.trim()}\n\n${document.slice(to)}`
}

function placeBetween(path: string, document: string, { begin, end }: Marks): [number, number] {
  const from = document.indexOf(`${begin}\n`)
  const to = document.indexOf(end, from)
  if (from === -1 || to === -1) throw new Failure(`${path} has no place between ${begin} and ${end}`)
  return [from + begin.length + 1, to]
}

/** A table, its head first. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), `|${head.map(() => '---').join('|')}|`, ...rows.map(line)].join('\n')
}
