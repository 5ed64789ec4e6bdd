import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import { percentile } from '../faults/percentile.ts'
import { photograph } from '../test/images/scene.ts'
import { corpus, hasCorpus } from '../test/system/corpus.ts'
import type { SystemOptions } from '../test/system/system.ts'
import { formsOf, iconForm, type MakeForm } from './forms.ts'
import { type Run, runShape, type Shape } from './load.ts'
import { printTable } from './table.ts'

/**
 * What does the way of a picture through all six services cost? Everything durable, every picture another one, a fresh
 * folder and a warm-up for each row; beside the rate the CPU time of all services and of the client, the steady figure.
 * `npm run bench pipeline PART...` runs only those parts.
 */
interface Part {
  readonly shape: Shape
  readonly form: MakeForm
  readonly options?: SystemOptions
}

const photographs = hasCorpus
  ? corpus('kodak')
  : [1, 2, 3].map(seed => ({ name: `${seed}.png`, bytes: photograph(seed) }))

/** 5 ms more for each fsync, put in by strace, which stops a process for nothing else, and leaves it its number. */
const SLOW = ['strace', '-D', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', '-e', 'trace=fsync,fdatasync']
const slowDisk: SystemOptions = {
  each: () => ({ through: [...SLOW, '-e', 'inject=fsync,fdatasync:delay_exit=5000'] }),
}

const icons = { lanes: 8, isClosed: false, warmUp: 1_000, pictures: 6_000 }
const scaled = (says: string, counts: NonNullable<SystemOptions['counts']>): Part => ({
  shape: { ...icons, pictures: 3_000, says: `icons, ${says}` },
  form: iconForm,
  options: { counts },
})

const parts: Readonly<Record<string, Part>> = {
  icons: { shape: { ...icons, says: 'icons, 8 as fast as they can' }, form: iconForm },
  closed: {
    shape: { ...icons, says: 'icons, 8 who wait for theirs', isClosed: true, pictures: 3_000 },
    form: iconForm,
  },
  single: {
    shape: { says: 'one icon at a time', lanes: 1, isClosed: true, pauseMs: 20, warmUp: 300, pictures: 300 },
    form: iconForm,
  },
  photographs: {
    shape: { ...icons, says: 'photographs, 8 as fast as they can', warmUp: 100, pictures: 500 },
    form: formsOf(photographs),
  },
  'slow-disk': {
    shape: { ...icons, says: 'icons, 64 as fast as they can, 5 ms more for each fsync', lanes: 64 },
    form: iconForm,
    options: slowDisk,
  },
  'workers-2': scaled('2 workers', { worker: 2 }),
  'workers-4': scaled('4 workers', { worker: 4 }),
  'masters-2': scaled('2 masters and frontends', { master: 2, frontend: 2 }),
  'masters-3': scaled('3 masters and frontends', { master: 3, frontend: 3 }),
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
console.log(`photographs ${hasCorpus ? 'from the corpus' : 'made on the fly'}`)
const hasStrace = spawnSync('strace', ['-V']).status === 0
if (!hasStrace) console.log('Left out, since not installed: strace (slow-disk)')
const rows: string[][] = []
for (const name of wanted) {
  const part = parts[name]
  if (part === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
  if (part.options === slowDisk && !hasStrace) continue
  rows.push(describe(part.shape, await runShape(part.shape, part.form, part.options)))
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
