import { setting } from '../kit/config.ts'
import { admissionSettings, kvSetting, sharedSettings, uploadSettings, whole } from '../kit/settings.ts'

export const masterConfig = {
  service: 'master',
  settings: {
    ...sharedSettings('MASTER', 3003),
    ...kvSetting,
    ...uploadSettings,
    ...admissionSettings,
    retentionMs: setting(whole(1_000, 1e12).default(24 * 3_600_000), {
      env: 'RETENTION_MS',
      unit: 'ms',
      says: 'how long a task and its images are kept after it finished or failed',
    }),
    orphanMs: setting(whole(1_000, 1e12).default(3_600_000), {
      env: 'ORPHAN_MS',
      unit: 'ms',
      says: 'how old an image without a task has to be before it is removed; longer than an upload takes',
    }),
    sweepMs: setting(whole(100, 1e9).default(600_000), {
      env: 'SWEEP_MS',
      unit: 'ms',
      says: 'time between two sweeps; the first comes soon after the start',
    }),
  },
  positional: ['own', 'kv'],
} as const
