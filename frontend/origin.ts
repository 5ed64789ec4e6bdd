import type { FastifyInstance } from 'fastify'
import { ServiceError } from '../kit/errors.ts'
import { CONTENT_SECURITY_POLICY } from './page.ts'

/** What every answer tells browsers, beside the policy for our pages: to believe our types, and whom not to tell of us. */
const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

/**
 * Keeps other sites' pages from posting here in a visitor's name: what changes something comes from our own page, or from no
 * page at all. Browsers say which, by `Origin` and by `Sec-Fetch-Site` (W3C Fetch Metadata).
 */
export function addOriginRules(app: FastifyInstance): void {
  app.addHook('onRequest', async ({ method, headers, host }) => {
    if (method === 'GET' || method === 'HEAD') return
    const { origin, 'sec-fetch-site': site } = headers
    const isForeignSite = site !== undefined && site !== 'same-origin' && site !== 'none'
    if (isForeignSite || (origin !== undefined && hostOf(origin) !== host))
      throw new ServiceError('forbidden', 'Posts from other sites’ pages are refused.')
  })
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(HEADERS)
  })
}

function hostOf(origin: string): string | undefined {
  return URL.canParse(origin) ? new URL(origin).host : undefined
}
