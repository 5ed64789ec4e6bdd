import t from 'tap'
import { createMailbox, type News } from '../../frontend/mailbox.ts'

const news = (id: number, state: 'waiting' | 'ready'): News => ({ told: { id, state }, revision: 1 })

t.test('who reads of all is told of each task as it stands, and of none twice at once', async t => {
  const mailbox = createMailbox('all')
  for (const one of [news(1, 'waiting'), news(2, 'waiting'), news(1, 'ready')]) mailbox.put(one)
  const reading = mailbox.read()
  t.same((await reading.next()).value, news(1, 'ready'))
  t.same((await reading.next()).value, news(2, 'waiting'))
  const later = reading.next()
  mailbox.put(news(1, 'waiting'))
  t.same((await later).value, news(1, 'waiting'), 'one that has ended may be told of again')
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
