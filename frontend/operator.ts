import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isLoopback } from '../kit/address.ts'
import { createHostCheck, createSecretCheck } from '../kit/guard.ts'

/** What a proxy adds to a request that came from elsewhere. */
const FORWARDING = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** What browsers say of a request that no other site's page made (Fetch Metadata, 2.2); others say nothing. */
const OWN_SITES: readonly unknown[] = ['same-origin', 'none']

/** Whether a request came without a proxy, as far as its headers tell. */
export function isDirect({ headers }: FastifyRequest): boolean {
  return FORWARDING.every(name => headers[name] === undefined)
}

/**
 * Whether a request is an operator's. With secrets: it shows one of them. Without: it comes from this machine, by the
 * socket (bound to loopback) and by its headers; not through a proxy, nor from another site's page in a browser here.
 */
export function createOperatorCheck(
  app: FastifyInstance,
  secrets: readonly string[],
): (request: FastifyRequest) => boolean {
  const isSecret = createSecretCheck(secrets)
  const isOwnHost = createHostCheck(app)
  return request => {
    const { headers } = request
    if (secrets.length > 0) return isSecret(headers.authorization)
    const address = app.server.address()
    const isHere = address !== null && typeof address !== 'string' && isLoopback(address.address)
    const isOwnPage = headers.origin === undefined && OWN_SITES.includes(headers['sec-fetch-site'] ?? 'none')
    return isHere && isDirect(request) && isOwnPage && isOwnHost(headers.host ?? '')
  }
}
