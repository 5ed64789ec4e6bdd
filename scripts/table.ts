import { relative } from 'node:path'

export interface Row {
  readonly name: string
  /** `host:port`. */
  readonly address: string
  /** Absolute path. */
  readonly log: string
}

/** What runs where, in columns, and where to look first, by `http` or `https`. */
export function formatTable(rows: readonly Row[], scheme: string, cwd: string): string {
  const lines = [
    ['service', 'address', 'log'],
    ...rows.map(({ name, address, log }) => [name, address, shorten(log, cwd)]),
  ]
  const width = (column: number) => Math.max(...lines.map(line => line[column]?.length ?? 0))
  const table = lines.map(([name = '', address = '', log = '']) =>
    [name.padEnd(width(0)), address.padEnd(width(1)), log].join('  '),
  )
  const frontend = rows.find(({ name }) => name === 'frontend')
  return [...table, '', `${scheme}://${frontend?.address}/`, ''].join('\n')
}

/** A path as it is shortest from where the caller stands. */
function shorten(path: string, cwd: string): string {
  const fromHere = relative(cwd, path)
  return fromHere.startsWith('..') ? path : fromHere
}
