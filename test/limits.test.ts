import { readFileSync } from 'node:fs'
import t from 'tap'
import { databaseConfig } from '../database/config.ts'
import { frontendConfig } from '../frontend/config.ts'
import { FORM_BYTES, formLimits } from '../frontend/form.ts'
import { STREAMS_EACH, UPLOADS_EACH } from '../frontend/visitors.ts'
import type { Setting } from '../kit/config.ts'
import { LEAST_BYTES_PER_SECOND, limits } from '../kit/limits.ts'
import * as peer from '../kit/peer.ts'
import * as refusal from '../kit/refusal.ts'
import * as run from '../kit/run.ts'
import * as serverFactory from '../kit/server-factory.ts'
import * as transport from '../kit/transport.ts'
import { kvStoreConfig } from '../kv-store/config.ts'
import { masterConfig } from '../master/config.ts'
import { storageConfig } from '../storage/config.ts'
import { UPLOADS_IN_PIECES } from '../tasks/intake.ts'
import { workerConfig } from '../worker/config.ts'

const units: Record<string, number> = {
  '': 1,
  bytes: 1,
  'a minute': 1,
  ms: 1,
  s: 1_000,
  h: 3_600_000,
  KB: 1_024,
  MB: 1e6,
  GB: 1e9,
  megapixels: 1e6,
}

/** `2.5 GB`, `1,000`, `20 s` as a number of bytes, of pieces, of ms. */
function read(value: string): number {
  const [, figure = '', unit = ''] = /^([0-9,.]+) ?(.*)$/.exec(value) ?? []
  return Number(figure.replaceAll(',', '')) * (units[unit] ?? Number.NaN)
}

/** What the README's table says: the number that stands for each name. */
function readTable(): Map<string, number> {
  const [, section = ''] = readFileSync('README.md', 'utf8').split('\n## Limits and timeouts\n')
  const rows = section.split('\n## ')[0]?.match(/^\|.*\|$/gm) ?? []
  const cells = rows.slice(2).map(row => row.split('|').map(cell => cell.trim()))
  return new Map(cells.map(([, , value = '', name = '']) => [name.replaceAll('`', ''), read(value)]))
}

/** Settings that limit something, and what they are unless somebody sets them. */
function readSettings(): Map<string, unknown> {
  const limiting = ['bytes', 'pixels', 'connections', 'streams', 'a minute']
  const configs = [kvStoreConfig, databaseConfig, storageConfig, masterConfig, workerConfig, frontendConfig]
  const all = configs.flatMap(({ settings }) => Object.values(settings) as Setting[])
  const isLimit = ({ meta: { env, unit } }: Setting) =>
    limiting.includes(unit) || env === 'PATIENCE_MS' || env === 'SWAP_TIMEOUT_MS'
  return new Map(all.filter(isLimit).map(({ schema, meta }) => [meta.env, schema.parse(undefined)]))
}

/** What a module says of times. */
const timesOf = (module: object) => Object.entries(module).filter(([name]) => name.endsWith('_MS'))

t.test('the README’s table has every limit as it is in the code, and no other', async t => {
  const table = readTable()
  const fixed = {
    ...limits,
    ...formLimits,
    ...Object.fromEntries([peer, refusal, run, serverFactory, transport].flatMap(timesOf)),
    FORM_BYTES,
    STREAMS_EACH,
    UPLOADS_EACH,
    UPLOADS_IN_PIECES,
    LEAST_BYTES_PER_SECOND,
  }
  const known = new Map([...Object.entries(fixed), ...readSettings()])
  t.ok(known.size > 35, `${known.size} limits`)
  for (const [name, value] of known) t.equal(table.get(name), value, name)
  t.same(
    [...table.keys()].filter(name => !known.has(name)),
    [],
  )
})

t.test('a request that keeps within one limit does not run into another', async t => {
  const table = readTable()
  const of = (name: string) => table.get(name) ?? Number.NaN
  t.ok(of('MAX_BYTES_UNDER_WAY') >= of('MAX_UPLOAD_BYTES') + of('FORM_BYTES'))
  t.ok(of('MAX_PIXELS_UNDER_WAY') >= of('MAX_PIXELS'))
  t.ok(of('handlerMs') > 60_000 && of('POLL_MS') > 60_000, 'what may wait for 60 s may answer then')
  t.ok(of('uploadMs') > of('requestMs'))
  t.ok(of('idleMs') > of('KEEP_ALIVE_MS'), 'a kept connection ends at who asks, not under a question')
  t.ok(of('innerReaderMs') > of('SWAP_TIMEOUT_MS'))
  t.ok(1.1 * (of('PATIENCE_MS') * 1.5) + of('DROP_MS') <= 35_000, 'no slow connection is older than 35 s')
})
