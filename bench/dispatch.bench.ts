import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { printDepth } from './depth.ts'
import { printRace } from './queues/race.ts'

/**
 * What does it cost to give a task out and hear that it is finished, both on disk before they are answered: beside other
 * durable queues, and among how many tasks? `npm run bench dispatch PART...` runs only those parts.
 */
const folder = mkdtempSync(join(tmpdir(), 'dispatch-bench-'))
const parts: Readonly<Record<string, () => Promise<void>>> = {
  race: () => printRace(folder),
  depth: () => printDepth(folder),
}

const wanted = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(parts)
const day = new Date().toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' })
console.log(`${day}, ${cpus().length} x ${cpus()[0]?.model}, node ${process.version}`)
try {
  for (const name of wanted) {
    const print = parts[name]
    if (print === undefined) throw new Error(`no part ${name}: there are ${Object.keys(parts).join(', ')}`)
    console.log(`\n### ${name}\n`)
    await print()
  }
} finally {
  rmSync(folder, { recursive: true })
}
