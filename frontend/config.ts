import { setting } from '../kit/config.ts'
import { kvSetting, sharedSettings, uploadSettings, whole } from '../kit/settings.ts'
import { publicTlsSettings } from '../kit/trust.ts'

export const frontendConfig = {
  service: 'frontend',
  settings: {
    ...sharedSettings('FRONTEND', 8080),
    ...kvSetting,
    ...uploadSettings,
    ...publicTlsSettings,
    listenFds: setting(whole(1, 1).optional(), {
      env: 'LISTEN_FDS',
      unit: 'sockets',
      says: '1: it listens on a socket that is handed over as file descriptor 3, as systemd does it, not on host and port',
    }),
    listenPid: setting(whole(1, 4_194_304).optional(), {
      env: 'LISTEN_PID',
      unit: 'process',
      says: 'whom that socket is meant for; whoever gets it unless said',
    }),
  },
  positional: ['kv'],
} as const
