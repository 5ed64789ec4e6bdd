import type { Contest } from './contest.ts'
import { runRace } from './race.ts'

/** `node slow-race.js FOLDER`: a race for a slow disk, on which few tasks take long; what came of it, as JSON, on its standard output. */
const CONTESTS: readonly Contest[] = [
  { workers: 1, tasks: 150 },
  { workers: 8, tasks: 300 },
  { workers: 64, tasks: 500 },
]
const [folder = ''] = process.argv.slice(2)
process.stdout.write(JSON.stringify(await runRace(CONTESTS, folder)))
