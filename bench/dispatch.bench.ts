import type { Bench } from './bench.ts'
import { printDepth } from './depth.ts'
import { printRace } from './queues/race.ts'
import { findRedis } from './queues/redis.ts'

/** Both on disk before they are answered. */
export const dispatch: Bench = {
  question:
    'What does it cost to take a task and finish it, beside other durable queues, and among a million tasks?',
  needs: [{ package: 'redis-server', for: 'BullMQ', name: 'Redis', find: findRedis }],
  parts: { race: printRace, depth: printDepth },
}
