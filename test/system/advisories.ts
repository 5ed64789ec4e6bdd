/** A published fault of a library that is used here. */
export interface Advisory {
  readonly cve: string
  readonly library: string
  /** The first version without it; none where that could not be found out. */
  readonly fixed?: string
  readonly says: string
}

const oneRequest =
  'one request hangs or ends the process; known from the versions that are without it, the advisory itself was not found'
const libvips =
  'libvips: its readers of GIF, TIFF and its own format, with crafted files (GHSA-f88m-g3jw-g9cj)'
const notFound = 'decoders in sharp; the advisory was not found, so only their being out of reach is tried'

/** Those that concern what is used here, with what was found about them by November 2026. */
export const advisories: readonly Advisory[] = [
  {
    cve: 'CVE-2023-25576',
    library: '@fastify/multipart',
    fixed: '7.4.1',
    says: 'any number of parts is taken',
  },
  {
    cve: 'CVE-2026-18549',
    library: '@fastify/multipart',
    fixed: '10.1.1',
    says: 'a sender that breaks off after the size limit ends the process (GHSA-vmph-573x-85f6)',
  },
  { cve: 'CVE-2026-128835', library: '@fastify/multipart', fixed: '10.1.9', says: oneRequest },
  { cve: 'CVE-2026-124724', library: '@fastify/multipart', fixed: '10.1.9', says: oneRequest },
  { cve: 'CVE-2026-124289', library: '@fastify/busboy', fixed: '3.2.6', says: oneRequest },
  {
    cve: 'CVE-2026-19481',
    library: '@fastify/busboy',
    fixed: '3.2.1',
    says: 'a part header named like a member of Object.prototype ends the process (GHSA-x8mw-p69m-v3mx)',
  },
  {
    cve: 'CVE-2026-19484',
    library: '@fastify/busboy',
    fixed: '3.2.1',
    says: 'a boundary of 252 bytes is looked for without end (GHSA-xjh9-v7x6-24jw)',
  },
  {
    cve: 'CVE-2026-74866',
    library: '@fastify/busboy',
    fixed: '3.2.2',
    says: 'bare CR and LF stay in the names of fields and files (GHSA-gxm5-99cw-xjw9)',
  },
  {
    cve: 'CVE-2026-25224',
    library: 'fastify',
    fixed: '5.7.3',
    says: 'an answer that is a web stream is kept in memory for a reader that does not read (GHSA-mrq3-vjjr-p77c)',
  },
  {
    cve: 'CVE-2025-32442',
    library: 'fastify',
    fixed: '5.3.2',
    says: 'Content-Type in other case, or with blanks, goes around the check of a body (GHSA-mg2h-6x62-wpwc)',
  },
  {
    cve: 'CVE-2026-25223',
    library: 'fastify',
    fixed: '5.7.2',
    says: 'a tab in Content-Type goes around the check of a body (GHSA-jx2c-rxcm-jvmq)',
  },
  {
    cve: 'CVE-2026-33806',
    library: 'fastify',
    fixed: '5.8.5',
    says: 'a blank before Content-Type goes around the check of a body',
  },
  {
    cve: 'CVE-2026-3419',
    library: 'fastify',
    fixed: '5.8.1',
    says: 'what follows the subtype in Content-Type is taken with it (GHSA-573f-x89g-hqp9)',
  },
  {
    cve: 'CVE-2026-22036',
    library: 'undici',
    fixed: '7.18.2',
    says: 'an answer that is packed thousands of times over is unpacked as often',
  },
  {
    cve: 'CVE-2026-1526',
    library: 'undici',
    fixed: '7.24.0',
    says: 'a packed WebSocket message is unpacked without a limit (GHSA-vrm6-8vpv-qv8q)',
  },
  { cve: 'CVE-2026-33327', library: 'sharp', fixed: '0.35.0', says: libvips },
  { cve: 'CVE-2026-33328', library: 'sharp', fixed: '0.35.0', says: libvips },
  { cve: 'CVE-2026-35590', library: 'sharp', fixed: '0.35.0', says: libvips },
  { cve: 'CVE-2026-35591', library: 'sharp', fixed: '0.35.0', says: libvips },
  { cve: 'CVE-2026-114113', library: 'sharp', says: notFound },
  { cve: 'CVE-2026-114112', library: 'sharp', says: notFound },
]

/** Whether a version, three numbers, is that one or a later one. */
export function isAtLeast(version: string, least: string): boolean {
  const [a, b] = [version, least].map(text => text.split('.').map(Number))
  for (const i of [0, 1, 2]) {
    const difference = (a?.[i] ?? Number.NaN) - (b?.[i] ?? Number.NaN)
    if (difference !== 0) return difference > 0
  }
  return true
}
