import { release } from 'node:os'
import sharp from 'sharp'
import { closeSqlite, openSqlite } from '../kit/sqlite.ts'
import { describeMachine } from './machine.ts'

/** What the last figures were taken with: machine, Node, SQLite, and the libraries in sharp. */
export function describeVersions(): string {
  const database = openSqlite(':memory:')
  const sqlite = (database.prepare('SELECT sqlite_version() AS version').get() as { version: string }).version
  closeSqlite(database)
  const { sharp: own, vips, ...libraries } = sharp.versions
  const within = Object.entries(libraries).map(([name, version]) => `${name} ${version}`)
  return [
    `${describeMachine()}, Linux ${release()}`,
    `Node ${process.versions.node}`,
    `SQLite ${sqlite}, one connection and one process a file, asserted at each start (kit/sqlite.ts)`,
    `sharp ${own} with libvips ${vips} (${within.join(', ')})`,
  ].join('; ')
}
