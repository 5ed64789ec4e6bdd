import { writeSync } from 'node:fs'
import { type Logger, pino } from 'pino'

export type { Logger }

const STANDARD_OUTPUT = 1

/**
 * Where lines go. One that cannot be written is dropped: a full disk under the log, or nobody who reads it, must end no service. At once,
 * so that the last words of a process that ends are there; pino's own destination, which holds them back, never lets a process end whose
 * disk is full.
 */
const output = {
  write(line: string): void {
    try {
      writeSync(STANDARD_OUTPUT, line)
    } catch {
      // There is nowhere to say it.
    }
  },
}

/** One JSON object a line on standard output; `info` is one line a change of state, nothing a request. */
export function createLogger(options: { service: string; instance: string; level: string }): Logger {
  const { service, instance, level } = options
  return pino({ level, base: { service, instance }, timestamp: pino.stdTimeFunctions.isoTime }, output)
}

/** A logger that says nothing, for apps in tests. */
export const silent: Logger = pino({ level: 'silent' }, output)
