import { createHash, randomBytes } from 'node:crypto'
import { openFileStorage } from '../../storage/engines/files.ts'
import { streamOf } from './images.ts'

// Stores images until it is killed; a line `state id attempt sha256` once each is acknowledged. Argument: the folder.
const path = process.argv[2] ?? ''
const engine = await openFileStorage({ path, fatal: () => process.exit(1) })
const options = { maxBytes: 10_000_000, isNew: false }

async function write(): Promise<never> {
  for (;;) {
    const [id = 0, choice = 0] = new Uint32Array(randomBytes(8).buffer.slice(0, 8))
    const bytes = randomBytes(choice % 4 === 0 ? 400_000 : 3_000)
    const attempt = choice % 3 === 0 ? 1 + (choice % 5) : undefined
    const state = attempt === undefined ? 'working' : 'finished'
    const body = choice % 2 === 0 ? { data: bytes } : streamOf(bytes)
    await engine.put({ id, state, attempt }, body, {
      ...options,
      isNew: choice % 7 === 0 && attempt === undefined,
    })
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    process.stdout.write(`${state} ${id} ${attempt ?? 0} ${sha256}\n`)
  }
}
await Promise.all(Array.from({ length: 8 }, write))
