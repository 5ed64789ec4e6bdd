import type { Bench } from './bench.ts'
import { findStrace } from './calls.ts'
import { printDepth } from './depth.ts'
import { printRace, printSlowRace } from './queues/races.ts'
import { findRedis } from './queues/redis.ts'

/** Both on disk before they are answered. */
export const dispatch: Bench = {
  question:
    'What does it cost to take a task and finish it, beside other durable queues, and among a million tasks?',
  needs: [
    { package: 'redis-server', for: 'BullMQ', name: 'Redis', find: findRedis },
    { package: 'strace', for: 'slow-disk', name: 'strace', find: findStrace },
  ],
  parts: { race: printRace, 'slow-disk': printSlowRace, depth: printDepth },
}
