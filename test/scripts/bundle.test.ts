import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { failpoints } from '../../kit/failpoints.ts'
import { portSettings } from '../../scripts/services.ts'

/** All that the services are: what they start with, and what they share. */
function read(main: string, shared: string): string {
  const files = [
    ...portSettings.map(({ service }) => join('dist', service, main)),
    ...readdirSync(join('dist', shared)).map(name => join('dist', shared, name)),
  ]
  return files.map(file => (file.endsWith('.js') ? readFileSync(file, 'utf8') : '')).join('\n')
}

t.test('services as they run have no failpoint, and nothing that could arm one', async t => {
  const code = read('main.js', 'bundled')
  t.ok(code.includes('ServiceError'), 'it is their code')
  t.same(
    Object.keys(failpoints).filter(name => code.includes(name)),
    [],
  )
  t.notOk(/failpoint/i.test(code), 'not even the word')
})

t.test('services for tests have them all', async t => {
  const code = read('failing.js', 'failing')
  // What services share stands there once, with the service's name put in as it runs.
  const steps = new Set([...code.matchAll(/failpoint\(`\$\{\w+\}(\.[a-z.]+)`\)/g)].map(([, step]) => step))
  const isThere = (name: string) =>
    code.includes(`failpoint("${name}")`) || steps.has(name.slice(name.indexOf('.')))
  t.same(
    Object.keys(failpoints).filter(name => !isThere(name)),
    [],
  )
})
