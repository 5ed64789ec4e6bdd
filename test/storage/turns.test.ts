import t from 'tap'
import { createTurns } from '../../storage/engines/turns.ts'

/** Work that ends when it is told to. */
function workOf(name: string, begun: string[]) {
  let end = (_error?: Error) => {}
  const told = new Promise<string>((resolve, reject) => {
    end = error => (error === undefined ? resolve(name) : reject(error))
  })
  const work = () => {
    begun.push(name)
    return told
  }
  return { work, end: (error?: Error) => end(error) }
}

const wanted = () => true

t.test('so much is done at a time, the rest in its order, whatever becomes of what was before', async t => {
  const begun: string[] = []
  const turns = createTurns(2)
  const [a, b, c, d] = [workOf('a', begun), workOf('b', begun), workOf('c', begun), workOf('d', begun)]
  const run = ({ work }: typeof a) => turns.run(work, wanted)
  const runs = [run(a), run(b), run(c), run(d)] as const
  await new Promise(setImmediate)
  t.same(begun, ['a', 'b'])
  b.end(new Error('the disk failed'))
  await t.rejects(() => runs[1], { message: 'the disk failed' })
  await new Promise(setImmediate)
  t.same(begun, ['a', 'b', 'c'])
  a.end()
  c.end()
  d.end()
  t.same(await Promise.all([runs[0], runs[2], runs[3]]), ['a', 'c', 'd'])
  const again = workOf('again', begun)
  again.end()
  t.equal(await turns.run(again.work, wanted), 'again')
})

t.test('what nobody wants any more when its turn comes is not done', async t => {
  const begun: string[] = []
  const turns = createTurns(1)
  const [first, second, third] = [workOf('1', begun), workOf('2', begun), workOf('3', begun)]
  let isWanted = true
  const runs = [
    turns.run(first.work, wanted),
    turns.run(second.work, () => isWanted),
    turns.run(third.work, wanted),
  ] as const
  runs[1].catch(() => {})
  isWanted = false
  first.end()
  third.end()
  t.same(await Promise.all([runs[0], runs[2]]), ['1', '3'])
  await t.rejects(() => runs[1], { code: 'unavailable' })
  t.same(begun, ['1', '3'])
})
