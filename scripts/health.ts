import { Agent } from 'undici'
import { collect, SMALL_BODY_BYTES } from '../kit/body.ts'
import { ConfigError } from '../kit/config.ts'
import { createConnector, schemeOf } from '../kit/connector.ts'
import { exchange } from '../kit/exchange.ts'
import { silent } from '../kit/log.ts'
import { openInnerCredentials } from '../kit/trust.ts'
import { Failure } from './failure.ts'

/** How long one answer may take, in ms. */
const ANSWER_MS = 2_000

/** Asks services how they are, over TLS where their settings say so. */
export interface HealthCheck {
  /** Which instance of that service is at this `host:port`, and ready; `undefined` when there is none. */
  instanceAt(address: string, service: string): Promise<string | undefined>
  close(): Promise<void>
}

/** Takes the settings that the services take. Throws a `Failure` when those of TLS cannot be used. */
export function openHealthCheck(env: NodeJS.ProcessEnv, host: string): HealthCheck {
  const credentials = readCredentials(env, host)
  credentials?.follow(silent)
  const inner = new Agent({ connect: createConnector(credentials, ANSWER_MS) })
  // The frontend's certificate is for the name that the public knows; its socket is held here, so nobody else answers.
  const outer = new Agent({ connect: { timeout: ANSWER_MS, rejectUnauthorized: false } })
  return {
    async instanceAt(address, service) {
      const isPublic = service === 'frontend'
      const scheme = isPublic ? publicScheme(env) : schemeOf(credentials)
      try {
        const { status, body } = await exchange(
          isPublic ? outer : inner,
          { origin: `${scheme}://${address}`, path: '/health', method: 'GET', reset: true },
          AbortSignal.timeout(ANSWER_MS),
        )
        const said = (await collect(body, SMALL_BODY_BYTES)).toString()
        const health = JSON.parse(said) as { service?: unknown; instance?: unknown; ready?: unknown }
        const isReady = status === 200 && health.service === service && health.ready === true
        return isReady ? String(health.instance) : undefined
      } catch {
        return undefined
      }
    },
    async close() {
      credentials?.close()
      await Promise.all([inner.destroy(), outer.destroy()])
    },
  }
}

/** How the public speaks to the frontend. */
export const publicScheme = (env: NodeJS.ProcessEnv) => (env.PUBLIC_TLS_CERT ? 'https' : 'http')

function readCredentials(env: NodeJS.ProcessEnv, host: string) {
  const { TLS_CERT, TLS_KEY, TLS_CA } = env
  const files = {
    tlsCert: TLS_CERT || undefined,
    tlsKey: TLS_KEY || undefined,
    tlsCa: TLS_CA || undefined,
  }
  try {
    return openInnerCredentials(files, host)
  } catch (error) {
    throw error instanceof ConfigError ? new Failure(error.message) : error
  }
}
