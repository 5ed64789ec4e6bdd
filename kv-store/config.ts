import { dataSetting, sharedSettings } from '../kit/settings.ts'

export const kvStoreConfig = {
  service: 'kv-store',
  settings: { ...sharedSettings('KV_STORE', 3000), ...dataSetting },
  positional: [],
} as const
