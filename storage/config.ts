import { setting } from '../kit/config.ts'
import { dataSetting, kvSetting, sharedSettings, whole } from '../kit/settings.ts'

/** Largest image a setting may allow, in bytes: 4 GB. */
const MOST_BYTES = 4_000_000_000
/** Longest log a setting may ask for, in bytes: 1 GB. A start reads as much for each that was left. */
const MOST_LOG_BYTES = 1_000_000_000
/** Largest quota a setting may name, in bytes: 900 TB. */
const MOST_QUOTA_BYTES = 900_000_000_000_000

export const storageConfig = {
  service: 'storage',
  settings: {
    ...sharedSettings('STORAGE', 3002),
    ...dataSetting,
    ...kvSetting,
    maxUploadBytes: setting(whole(1, MOST_BYTES).default(50_000_000), {
      env: 'MAX_UPLOAD_BYTES',
      unit: 'bytes',
      says: 'the largest upload it takes',
    }),
    maxResultBytes: setting(whole(1, MOST_BYTES).default(200_000_000), {
      env: 'MAX_RESULT_BYTES',
      unit: 'bytes',
      says: 'the largest result it takes: as pixels packed less well, four uploads',
    }),
    abandonedMs: setting(whole(100, 1e9).default(60_000), {
      env: 'ABANDONED_MS',
      unit: 'ms',
      says: 'a temporary file untouched for that long is removed; longer than PATIENCE_MS, which a sender may be silent',
    }),
    logBytes: setting(whole(0, MOST_LOG_BYTES).default(16_000_000), {
      env: 'LOG_BYTES',
      unit: 'bytes',
      says: 'how long the log of small images is; 0: each is put on disk in its own file before it is answered',
    }),
    quotaBytes: setting(whole(0, MOST_QUOTA_BYTES).default(20_000_000_000), {
      env: 'QUOTA_BYTES',
      unit: 'bytes',
      says: 'how much may lie there before uploads are refused with 507 (results never are); 0: as much as the disk has',
    }),
  },
  positional: ['own', 'kv'],
} as const
