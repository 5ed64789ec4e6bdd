import { ConfigError } from './config.ts'
import { armFailpoints } from './failpoint.ts'

/**
 * What a service with failpoints runs before its main.ts: arms those that FAILPOINTS names. `scripts/bundle.ts` puts it
 * there; a service as it is meant to run does not have it.
 */
try {
  armFailpoints(process.env.FAILPOINTS ?? '')
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}
