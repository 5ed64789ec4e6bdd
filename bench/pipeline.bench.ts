import { cpus } from 'node:os'
import { percentile } from '../faults/percentile.ts'
import { photograph } from '../test/images/scene.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'
import { formsOf, iconForm, type MakeForm } from './forms.ts'
import { type Run, runShape, type Shape } from './load.ts'
import { printTable } from './table.ts'

/**
 * What does the way of a picture through all six services cost? Everything durable, every picture another one, a fresh
 * folder and a warm-up for each row; beside the rate the CPU time of all services and of the client, the steady figure.
 * `npm run bench pipeline PART...` runs only those parts.
 */
const fast = { lanes: 8, isClosed: false }
const parts: Readonly<Record<string, Shape>> = {
  icons: { says: 'icons, 8 as fast as they can', ...fast, warmUp: 1_000, pictures: 6_000 },
  closed: { says: 'icons, 8 who wait for theirs', lanes: 8, isClosed: true, warmUp: 1_000, pictures: 3_000 },
  single: { says: 'one icon at a time', lanes: 1, isClosed: true, pauseMs: 20, warmUp: 300, pictures: 300 },
  photographs: { says: 'photographs, 8 as fast as they can', ...fast, warmUp: 100, pictures: 500 },
}
const photographs = hasCorpus
  ? corpus('kodak')
  : [1, 2, 3].map(seed => ({ name: `${seed}.png`, bytes: photograph(seed) }))

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
console.log(`photographs ${hasCorpus ? 'from the corpus' : 'made on the fly'}`)
const rows: string[][] = []
for (const name of wanted) {
  const shape = parts[name]
  if (shape === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
  const form: MakeForm = name === 'photographs' ? formsOf(photographs) : iconForm
  rows.push(describe(shape, await runShape(shape, form)))
}
printTable(['', 'a second', 'p50, p99 ms', 'CPU ms a picture', 'of that'], rows)

function describe(shape: Shape, { tookMs, waitedMs, cpuMs }: Run): string[] {
  const all = Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0)
  const shares = Object.entries(cpuMs).map(([name, ms]) => `${name} ${ms.toFixed(2)}`)
  const waited = [0.5, 0.99].map(share => percentile(waitedMs, share).toFixed(1))
  return [
    shape.says,
    ((shape.pictures / tookMs) * 1_000).toFixed(0),
    waited.join(', '),
    all.toFixed(2),
    shares.join(', '),
  ]
}
