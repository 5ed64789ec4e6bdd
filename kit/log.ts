import { writeSync } from 'node:fs'
import { type Logger, pino, type SerializedError } from 'pino'
import { traced } from './trace.ts'

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
  const base = { service, instance }
  return pino(
    { level, base, timestamp: pino.stdTimeFunctions.isoTime, serializers: { err: serialize } },
    output,
  )
}

function serialize(error: Error): SerializedError {
  const said = pino.stdSerializers.err(error)
  return typeof said?.stack === 'string' ? ({ ...said, stack: traced(said.stack) } as SerializedError) : said
}

/** A logger that says nothing, for apps in tests. */
export const silent: Logger = pino({ level: 'silent' }, output)
