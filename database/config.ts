import { setting } from '../kit/config.ts'
import { dataSetting, kvSetting, sharedSettings, whole } from '../kit/settings.ts'

const lease = whole(50, 3_600_000)

export const databaseConfig = {
  service: 'database',
  settings: {
    ...sharedSettings('DATABASE', 3001),
    ...dataSetting,
    ...kvSetting,
    leaseMs: setting(lease.default(15_000), {
      env: 'LEASE_MS',
      unit: 'ms',
      says: 'longest a worker may stay silent; past it its task is given out again, so work may run twice',
    }),
    plainLeaseMs: setting(lease.default(120_000), {
      env: 'PLAIN_LEASE_MS',
      unit: 'ms',
      says: 'the same for whoever asks plainly, as an original does, and cannot renew',
    }),
  },
  positional: ['own', 'kv'],
} as const
