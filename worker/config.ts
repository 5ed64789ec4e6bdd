import { availableParallelism } from 'node:os'
import * as z from 'zod'
import { setting } from '../kit/config.ts'
import { kvSetting, sharedSettings, uploadSettings, whole } from '../kit/settings.ts'

export const workerConfig = {
  service: 'worker',
  settings: {
    ...sharedSettings('WORKER', 3004),
    ...kvSetting,
    ...uploadSettings,
    threads: setting(whole(1, 1_000).default(8 * availableParallelism()), {
      env: 'WORKER_THREADS',
      unit: 'tasks',
      says: 'how many tasks it runs at once: eight a core unless said',
    }),
    swapThreads: setting(whole(1, 1_000).default(availableParallelism()), {
      env: 'SWAP_THREADS',
      unit: 'threads',
      says: 'how many threads swap: one a core unless said',
    }),
    swapMs: setting(whole(1_000, 3_600_000).default(60_000), {
      env: 'SWAP_TIMEOUT_MS',
      unit: 'ms',
      says: 'how long one swap may work before its thread is ended',
    }),
    opinionShare: setting(
      z
        .string()
        .regex(/^(0|1|0?\.[0-9]{1,6})$/, 'is not a share from 0 to 1')
        .transform(Number)
        .default(0.01),
      {
        env: 'OPINION_SHARE',
        unit: 'share',
        says: 'of how many results sharp is asked for a second opinion, 0 to 1',
      },
    ),
  },
  positional: ['kv', 'threads'],
} as const
