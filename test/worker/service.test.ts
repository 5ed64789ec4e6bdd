import t from 'tap'
import { buildWorker } from '../../worker/service.ts'

const identity = { service: 'worker', instance: 'w', version: '1.2.3' }

t.test('/health tells what runs, and what sharp thinks of the results', async t => {
  const opinions = { asked: 3, agreed: 1, mismatched: 1, unanswered: 1 }
  const facts = {
    running: () => 2,
    steps: () => ({ fetching: 1, swapping: 1, storing: 0 }),
    ended: () => 7,
    opinions: () => opinions,
  }
  const app = buildWorker({ identity, guard: undefined, facts })
  t.teardown(() => app.close())
  const answer = await app.inject('/health')
  t.equal(answer.statusCode, 200)
  t.match(answer.json(), { service: 'worker', instance: 'w', running: 2, ended: 7, opinions })
})
