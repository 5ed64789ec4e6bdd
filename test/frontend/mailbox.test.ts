import t from 'tap'
import { createMailbox, type News } from '../../frontend/mailbox.ts'

const news = (id: number, state: 'waiting' | 'ready', revision = 1): News => ({
  told: { id, state },
  revision,
})

t.test('who reads of all is told of each task as it stands, and of none twice at once', async t => {
  const mailbox = createMailbox('all')
  for (const one of [news(1, 'waiting', 1), news(2, 'waiting', 2), news(1, 'ready', 3)]) mailbox.put(one)
  const reading = mailbox.read()
  t.same((await reading.next()).value, news(2, 'waiting', 2), 'what changed first comes first')
  t.same((await reading.next()).value, news(1, 'ready', 3))
  const later = reading.next()
  mailbox.put(news(1, 'waiting', 4))
  t.same((await later).value, news(1, 'waiting', 4), 'one that has ended may be told of again')
})

t.test('who reads of all and is too slow is let go', async t => {
  const mailbox = createMailbox('all')
  for (let id = 0; id < 10_000; id += 1) mailbox.put(news(id, 'waiting'))
  const reading = mailbox.read()
  t.equal((await reading.next()).done, false)
  for (const id of [10_000, 10_001]) mailbox.put(news(id, 'waiting'))
  t.equal((await reading.next()).done, true)
  mailbox.put(news(1, 'waiting'))
  t.equal((await mailbox.read().next()).done, true, 'and keeps nothing any more')
})

t.test('of several that changed together only the last one says how far its reader is', async t => {
  const mailbox = createMailbox([1, 2, 3])
  for (const id of [1, 2, 3]) mailbox.put(news(id, 'waiting', id === 3 ? 8 : 7))
  const reading = mailbox.read()
  const revisions = []
  for (let left = 3; left > 0; left -= 1) revisions.push((await reading.next()).value?.revision)
  t.same(revisions, [undefined, 7, 8])
})
