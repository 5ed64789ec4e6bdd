import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { traced } from '../../kit/trace.ts'

/** The place of a text in a file, as stacks name it. */
function placeOf(path: string, text: string): string {
  const lines = readFileSync(path, 'utf8').split('\n')
  const line = lines.findIndex(line => line.includes(text))
  return `${line + 1}:${(lines[line] ?? '').indexOf(text) + 1}`
}

t.test('a place in a service as it runs becomes that in its source', async t => {
  const text = "'The quota of storage is full;".slice(1)
  const built = resolve('dist/storage/main.js')
  const stack = `ServiceError: full\n    at take (${pathToFileURL(built)}:${placeOf(built, text)})\n    at x`
  const source = resolve('storage/engines/ledger.ts')
  const [line] = placeOf(source, text).split(':')
  t.match(
    traced(stack),
    new RegExp(`^ServiceError: full\\n    at take \\(${source}:${line}:\\d+\\)\\n    at x$`),
  )
})

t.test('a place in a library, or where there is no map, stays as it is', async t => {
  const bundled = readdirSync('dist/bundled').filter(name => name.endsWith('.js'))
  const text = 'UND_ERR_INVALID_ARG'
  const name = bundled.find(name => readFileSync(join('dist/bundled', name), 'utf8').includes(text)) ?? ''
  const library = resolve('dist/bundled', name)
  for (const place of [
    `${pathToFileURL(library)}:${placeOf(library, text)}`,
    'file:///gone.js:3:4',
    'file://host/x.js:3:4',
    'file:///%zz.js:3:4',
    'node:net:1:2',
  ])
    t.equal(traced(`at ${place}`), `at ${place}`)
})

t.test('what a service logs of an error names its source, without any switch of Node', async t => {
  const program = `
    import { createLogger } from './dist/kit/log.js'
    import { parseAddress } from './dist/kit/address.js'
    const log = createLogger({ service: 'toy', instance: 'toy-1', level: 'info' })
    try { parseAddress('nonsense') } catch (err) { log.error({ err: new Error('outer', { cause: err }) }, 'it failed') }`
  const { NODE_OPTIONS: _, ...env } = process.env
  const options = { input: program, encoding: 'utf8', env } as const
  const { stdout } = spawnSync(process.execPath, ['--input-type=module'], options)
  const { err } = JSON.parse(stdout)
  t.match(err, { type: 'Error', message: /^outer/ })
  t.match(err.stack, new RegExp(`caused by: .*\\n.*${resolve('kit/address.ts')}:\\d+:\\d+`))
})
