import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import t from 'tap'

/** The tests of the codec run on its module; here they run once more, on node:zlib. */
const env = { ...process.env, RECODER: 'zlib' }
const own = basename(import.meta.filename)
/** These choose their recoders themselves. */
const others = ['differential', 'package', 'size', 'swapper', 'threads', 'watch'].map(
  name => `${name}.test.js`,
)

for (const name of readdirSync(import.meta.dirname)) {
  if (!name.endsWith('.test.js') || name === own || others.includes(name)) continue
  const args = [
    '-u',
    'NODE_OPTIONS',
    process.execPath,
    '--enable-source-maps',
    join(import.meta.dirname, name),
  ]
  t.spawn('env', args, { env }, `${name} on node:zlib`)
}
