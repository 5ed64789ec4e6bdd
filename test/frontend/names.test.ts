import t from 'tap'
import { nameFiles } from '../../frontend/names.ts'

const named = (...names: (string | undefined)[]) => nameFiles(names.map((name, id) => ({ id, name })))

t.test('files keep their names, each once', async t => {
  t.same(named('one.png', 'two.PNG', 'one.png', 'ONE.png', 'three'), [
    'one.png',
    'two.png',
    'one (2).png',
    'ONE (3).png',
    'three.png',
  ])
})

t.test('what leads out of a folder, or has no place in a name, is left out', async t => {
  t.same(
    named('../../etc/passwd', 'C:\\a.png', 'a\u0000\u202Eb.png', ' . .png', '\uD800.png', undefined, ''),
    ['etcpasswd.png', 'Ca.png', 'ab.png', '3.png', '4.png', '5.png', '6.png'],
  )
  t.equal(named('\u{1F600}'.repeat(300))[0], `${'\u{1F600}'.repeat(50)}.png`)
})
