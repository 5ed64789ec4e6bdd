import { type Logger, pino } from 'pino'

export type { Logger }

/** One JSON object a line on standard output; `info` is one line a change of state, nothing a request. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  const { service, instance, level } = options
  return pino({ level, base: { service, instance }, timestamp: pino.stdTimeFunctions.isoTime })
}

/** A logger that says nothing, for apps in tests. */
export const silent: Logger = pino({ level: 'silent' })
