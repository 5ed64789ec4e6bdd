import { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createStand } from '../../worker/stand.ts'

/** A stand whose witness says the number of its process to each image, and ends at the image `end`. */
function openStand(t: Test) {
  const stand = createStand('dist/test/worker/numbering.js')
  t.teardown(() => stand.dismiss())
  const ask = (image: string) => stand.ask([{ data: Buffer.from(image), length: image.length }])
  return { stand, ask }
}

const isRunning = (pid: string) => {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

t.test('one witness answers one question after the other', async t => {
  const { ask } = openStand(t)
  const first = await ask('one')
  t.match(first, /^[0-9]+$/)
  t.equal(await ask('two'), first)
})

t.test('one that ends without a word is an error, and another one answers the next question', async t => {
  const { ask } = openStand(t)
  const first = await ask('one')
  await t.rejects(ask('end'), { message: 'no answer' })
  t.not(await ask('two'), first)
})

t.test('one that ended while nobody asked is not asked any more', async t => {
  const { ask } = openStand(t)
  const first = await ask('one')
  process.kill(Number(first), 'SIGKILL')
  while (isRunning(first)) await delay(5)
  t.not(await ask('two'), first)
})

t.test('one that is dismissed runs no more', async t => {
  const { stand, ask } = openStand(t)
  const first = await ask('one')
  stand.dismiss()
  while (isRunning(first)) await delay(5)
  t.not(await ask('two'), first)
})

t.test('an image that breaks off on its way sends the witness away with its half', async t => {
  const { stand, ask } = openStand(t)
  const first = await ask('one')
  async function* broken() {
    yield Buffer.from('o')
    throw new Error('broken off')
  }
  await t.rejects(stand.ask([{ data: Readable.from(broken()), length: 3 }]), { message: 'broken off' })
  t.not(await ask('two'), first)
})
