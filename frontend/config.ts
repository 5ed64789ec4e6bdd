import { isIP } from 'node:net'
import { setting } from '../kit/config.ts'
import {
  admissionSettings,
  hosts,
  kvSetting,
  sharedSettings,
  uploadSettings,
  whole,
} from '../kit/settings.ts'
import { publicTlsSettings } from '../kit/trust.ts'

/** Addresses and networks; a name could become another's. */
const networks = hosts.refine(
  listed => listed.every(entry => isIP(entry.split('/', 1)[0] ?? '') !== 0),
  'is not a list of IP addresses and networks',
)

export const frontendConfig = {
  service: 'frontend',
  settings: {
    ...sharedSettings('FRONTEND', 8080),
    ...kvSetting,
    ...uploadSettings,
    ...publicTlsSettings,
    ...admissionSettings,
    uploadsPerMinute: setting(whole(1, 1e9).default(120), {
      env: 'UPLOADS_PER_MINUTE',
      unit: 'a minute',
      says: 'most uploads from one address; this machine itself has no such limit',
    }),
    missesPerMinute: setting(whole(1, 1e9).default(60), {
      env: 'MISSES_PER_MINUTE',
      unit: 'a minute',
      says: 'most asks from one address for tasks that do not exist',
    }),
    maxStreams: setting(whole(1, 1e6).default(1_000), {
      env: 'MAX_STREAMS',
      unit: 'streams',
      says: 'most streams of events, and answers that wait, at once',
    }),
    trustProxy: setting(networks.default([]), {
      env: 'TRUST_PROXY',
      unit: 'list',
      says: 'IP addresses and networks of the proxies before it, whose X-Forwarded-For is believed',
    }),
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
