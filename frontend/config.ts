import { kvSetting, sharedSettings, uploadSettings } from '../kit/settings.ts'

export const frontendConfig = {
  service: 'frontend',
  settings: { ...sharedSettings('FRONTEND', 8080), ...kvSetting, ...uploadSettings },
  positional: ['kv'],
} as const
