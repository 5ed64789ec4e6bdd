import t from 'tap'
import { nameFiles } from '../../frontend/names.ts'

const named = (...names: (string | undefined)[]) => nameFiles(names.map((name, id) => ({ id, name })))

t.test('files keep their names, each once', async t => {
  t.same(named('one.png', 'two.PNG', 'one.png', 'ONE.png', 'three', 'one (2).png'), [
    'one.png',
    'two.png',
    'one (2).png',
    'ONE (3).png',
    'three.png',
    'one (2) (2).png',
  ])
  t.same(named('\u00e9.png', 'e\u0301.png'), ['\u00e9.png', '\u00e9 (2).png'], 'however they are written')
  t.equal(new Set(named(...Array(500).fill('image.png'))).size, 500)
})

t.test('what leads out of a folder, or has no place in a name, is left out', async t => {
  const names = [
    '../../etc/passwd',
    'C:\\a.png',
    'a\u0000\u202eb\u2028.png',
    ' . .png',
    '\ud800.png',
    undefined,
    '',
  ]
  t.same(named(...names), ['etcpasswd.png', 'Ca.png', 'ab.png', '3.png', '4.png', '5.png', '6.png'])
  t.same(named('a.png ', 'b.png.', 'nul.png', 'Com1', 'console.png'), [
    'a.png',
    'b.png',
    '_nul.png',
    '_Com1.png',
    'console.png',
  ])
  t.equal(
    named('\u{1f469}\u200d\u{1f467}.png')[0],
    '\u{1f469}\u200d\u{1f467}.png',
    'what joins characters stays',
  )
})

t.test('however long it is, no more is looked at, and no more taken, than a name may have', async t => {
  t.equal(named('\u{1f600}'.repeat(300))[0], `${'\u{1f600}'.repeat(50)}.png`)
  t.equal(named(`x${' '.repeat(7_998)}x`)[0], 'x.png')
})
