import { mkdtempSync } from 'node:fs'
import { appendFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type OpenFile, openFile } from '../../storage/engines/file.ts'
import { createHashes } from '../../storage/engines/hashes.ts'
import { createTurns } from '../../storage/engines/turns.ts'

const wanted = () => true

/** A file with one byte in it, opened twice. */
async function openTwice(t: Test): Promise<{ path: string; first: OpenFile; second: OpenFile }> {
  const path = join(mkdtempSync(join(t.testdir(), 'of-')), 'image')
  await writeFile(path, 'a')
  const [first, second] = await Promise.all([openFile(path), openFile(path)])
  t.teardown(() => {
    first.close()
    second.close()
  })
  return { path, first, second }
}

/** Until what was asked of the file before is answered. */
async function settle(file: OpenFile): Promise<void> {
  for (let again = 0; again < 10; again += 1) await file.read(Buffer.alloc(1), 0)
}

/** Finds that hash once it is told to. */
function finder(hash: string) {
  let finish = () => {}
  const told = new Promise<void>(resolve => {
    finish = resolve
  })
  const begun: string[] = []
  const find = async () => {
    begun.push(hash)
    await told
    return Buffer.from(hash)
  }
  return { find, finish: () => finish(), begun }
}

t.test('who asks while a hash is found shares it, who asks later has it found anew', async t => {
  const { first, second } = await openTwice(t)
  const hashes = createHashes(createTurns(8))
  const [one, two] = [finder('one'), finder('two')]
  const both = [hashes.of(first, one.find, wanted)]
  await settle(first)
  both.push(hashes.of(second, two.find, wanted))
  await settle(second)
  one.finish()
  t.same(await Promise.all(both), [Buffer.from('one'), Buffer.from('one')])
  t.same([...one.begun, ...two.begun], ['one'])
  two.finish()
  t.same(await hashes.of(second, two.find, wanted), Buffer.from('two'))
})

t.test('a file that changed meanwhile has a hash of its own', async t => {
  const { path, first, second } = await openTwice(t)
  const hashes = createHashes(createTurns(8))
  const [one, two] = [finder('one'), finder('two')]
  const before = hashes.of(first, one.find, wanted)
  await settle(first)
  await appendFile(path, 'b')
  const after = hashes.of(second, two.find, wanted)
  one.finish()
  two.finish()
  t.same(await Promise.all([before, after]), [Buffer.from('one'), Buffer.from('two')])
})

t.test('what fails fails for all who share it, and is tried again by the next', async t => {
  const { first, second } = await openTwice(t)
  const hashes = createHashes(createTurns(8))
  const failing = async () => {
    await settle(second)
    throw new Error('the disk failed')
  }
  const both = await Promise.allSettled([
    hashes.of(first, failing, wanted),
    hashes.of(second, failing, wanted),
  ])
  t.same(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  )
  const next = finder('next')
  next.finish()
  t.same(await hashes.of(first, next.find, wanted), Buffer.from('next'))
})

t.test('a hash whose turn comes is found while one of those who asked still wants it', async t => {
  const { first, second } = await openTwice(t)
  const { first: other } = await openTwice(t)
  const one = finder('one')
  one.finish()
  for (const isSecondThere of [true, false]) {
    const hashes = createHashes(createTurns(1))
    const busy = finder('busy')
    const before = hashes.of(other, busy.find, wanted)
    await settle(other)
    const asked = [hashes.of(first, one.find, () => false)]
    await settle(first)
    asked.push(hashes.of(second, one.find, () => isSecondThere))
    const found = Promise.allSettled(asked)
    await settle(second)
    busy.finish()
    await before
    for (const asks of await found)
      t.match(asks, isSecondThere ? { value: Buffer.from('one') } : { reason: { code: 'unavailable' } })
  }
  t.equal(one.begun.length, 1)
})
