import { uniqueImage } from '../test/images/noise.ts'
import type { Random } from '../test/images/random.ts'
import { everyRoute, exampleOf, parametersOf, type RouteOf, requiredOf } from '../test/system/routes.ts'
import type { Deployment } from './deployment.ts'
import { rawRequest, secretLine } from './raw.ts'

/** A request whose bytes are, mostly, not quite right. */
export interface Fuzzed {
  readonly service: RouteOf['service']
  readonly bytes: Buffer
}

export interface Fuzz {
  /** The same for the same random numbers. */
  request(random: Random): Fuzzed
}

/**
 * These are sent without the secret: to make a task that has no image, or to take one from its worker, is what they are
 * for, and would be found as a fault of the system.
 */
const guarded = ['/newTask', '/getNewTask']

const methods =
  'GET HEAD POST PUT DELETE PATCH OPTIONS TRACE CONNECT PROPFIND M-SEARCH PRI get POSTT SOURCE QUERY'.split(
    ' ',
  )
const targets = [
  '*',
  '//',
  '/%',
  '/%00',
  '/..',
  '/%2e%2e/%2e%2e',
  'http://127.0.0.1:1/get',
  '/\u{ff0f}',
  '?',
  '/#',
  '/;',
  '/a?b=%',
]
const lines = [
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding:\tchunked',
  'Transfer-Encoding: xchunked',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: +3',
  'Content-Length: 0x10',
  'Content-Length: 18446744073709551616',
  'Content-Length: 10000000000',
  'Content-Encoding: gzip',
  'Expect: 100-continue',
  'Expect: nothing',
  'Upgrade: websocket',
  'Connection: upgrade',
  'Connection: keep-alive',
  'Connection: close, content-length',
  'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
  'Host: evil.example',
  'Host:',
  'Origin: null',
  'Accept: application/json',
  'Accept: text/event-stream',
  `Accept: ${'a,'.repeat(2_000)}`,
  `Cookie: ${'c'.repeat(15_000)}`,
  `X-Long: ${'x'.repeat(20_000)}`,
  ': nameless',
  'No colon',
  ' folded: line',
  'Content-Type: multipart/form-data; boundary=',
  'Content-Type: multipart/form-data; boundary="',
  `Content-Type: multipart/form-data; boundary=${'A'.repeat(252)}`,
  'Content-Type: multipart/form-data; boundary=edge; boundary=other',
  'Range: bytes=0-',
  'If-None-Match: *',
  'Authorization: Bearer',
  'Trailer: Content-Length',
  '__proto__: 1',
]
const versions = [
  'HTTP/1.0',
  'HTTP/0.9',
  'HTTP/2.0',
  'HTTP/1.2',
  'HTTP/9.9',
  'HTTP/1.1 ',
  'http/1.1',
  'RTSP/1.0',
  '',
]
/** What a body may hold that somebody reads in a way of its own. */
const snippets = [
  '\r\n',
  '\n',
  '\0',
  '%',
  '&',
  '--edge\r\n',
  '--edge--',
  '{"id":',
  '\x89PNG\r\n\x1a\n',
  '0\r\n\r\n',
  'ffffffff\r\n',
  '\xff\xfe',
  '__proto__',
]

const oneOf = <T>(random: Random, choices: readonly T[]): T => choices[random.below(choices.length)] as T
const isLikely = (random: Random, percent: number) => random.below(100) < percent

export function createFuzz(system: Deployment): Fuzz {
  const routes = [...everyRoute, ...healthRoutes()]
  const draw = (random: Random): Fuzzed => {
    const of = oneOf(random, routes)
    const url = system.urls[of.service]
    const whole = requestFor(of, url, system.secret, random)
    const another = requestFor(of, url, system.secret, random)
    const bytes = isLikely(random, 5) ? Buffer.concat([whole, another]) : whole
    return { service: of.service, bytes: isLikely(random, 5) ? bytes : mutated(bytes, random) }
  }
  return {
    request(random) {
      let fuzzed = draw(random)
      while (isLetIn(fuzzed, system.secret)) fuzzed = draw(random)
      return fuzzed
    },
  }
}

/** A change may make a guarded route of another one: two bytes less, and `/renewTask` is one. */
function isLetIn({ bytes }: Fuzzed, secret: string | undefined): boolean {
  const text = bytes.toString('latin1')
  return text.includes(secret ?? '') && guarded.some(path => text.includes(path))
}

/** A worker has no other route. */
function healthRoutes(): RouteOf[] {
  const [first] = everyRoute
  if (first === undefined) return []
  const services = ['kv-store', 'database', 'storage', 'master', 'worker', 'worker', 'frontend'] as const
  const route = { ...first.route, method: 'GET' as const, path: '/health', query: first.route.query.pick({}) }
  return services.map(service => ({ service, route, name: 'GET /health' }))
}

/** A request as it should be, with random ones of the parameters that may be left out. */
function requestFor(
  { service, route }: RouteOf,
  url: string,
  secret: string | undefined,
  random: Random,
): Buffer {
  const wanted = parametersOf(route).filter(name => requiredOf(route).includes(name) || isLikely(random, 30))
  const pairs = wanted.map((name): [string, string] => [
    name,
    name === 'id' ? drawId(random) : exampleOf(name),
  ])
  const target = pairs.length === 0 ? route.path : `${route.path}?${new URLSearchParams(pairs)}`
  const shown = service === 'frontend' || guarded.includes(route.path) ? undefined : secret
  const body = bodyFor(route.body, random)
  const type = route.body === 'form' ? ['Content-Type: multipart/form-data; boundary=edge'] : []
  return rawRequest(url, {
    method: route.method,
    target,
    lines: [...secretLine(shown), ...type],
    ...(body && { body }),
  })
}

/** Of nobody: a task has one of 2^53. */
const drawId = (random: Random) => String(2 ** 52 + random.next())

function bodyFor(kind: RouteOf['route']['body'], random: Random): Buffer | undefined {
  const image = uniqueImage(random.next(), { width: 8, height: 8 })
  if (kind === 'none') return undefined
  if (kind === 'bytes') return image
  if (kind === 'text') return Buffer.from('no reason at all')
  if (kind !== 'form') return Buffer.from(`{"id":${drawId(random)},"state":${random.below(5)}}`)
  const head =
    '--edge\r\nContent-Disposition: form-data; name="uploadfile"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
  return Buffer.concat([Buffer.from(head), image, Buffer.from('\r\n--edge--\r\n')])
}

/** One to three changes. */
function mutated(request: Buffer, random: Random): Buffer {
  let bytes = request
  for (let changes = 1 + random.below(1 + random.below(3)); changes > 0; changes -= 1)
    bytes = changed(bytes, random)
  return bytes
}

function changed(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('latin1')
  const headEnd = Math.max(1, text.indexOf('\r\n\r\n'))
  const at = random.below(isLikely(random, 50) ? headEnd : bytes.length + 1)
  const count = 1 + random.below(20)
  const put = (what: string | Buffer, from: number, to = from) =>
    Buffer.concat([
      bytes.subarray(0, from),
      typeof what === 'string' ? Buffer.from(what, 'latin1') : what,
      bytes.subarray(to),
    ])
  const lineEnd = text.indexOf('\r\n')
  const [method = '', target = '', version = ''] = text.slice(0, Math.max(0, lineEnd)).split(' ')
  switch (random.below(14)) {
    case 0:
      return put(Buffer.from([random.below(256)]), at, at + 1)
    case 1:
      return put('', at, at + count)
    case 2:
      return put(random.bytes(count), at)
    case 3:
      return put(bytes.subarray(at, at + count), at)
    case 4:
      return bytes.subarray(0, at)
    case 5:
      return put(oneOf(random, snippets), at)
    case 6:
      return put(`${oneOf(random, methods)}`, 0, method.length)
    case 7:
      return put(Buffer.from(oneOf(random, targets)), method.length + 1, method.length + 1 + target.length)
    case 8:
      return put(oneOf(random, versions), Math.max(0, lineEnd - version.length), Math.max(0, lineEnd))
    case 9:
      return Buffer.from(
        text.replaceAll('\r\n', oneOf(random, ['\n', '\r', '\r\r\n', '\r\n ', '\r\n\r\n'])),
        'latin1',
      )
    case 10:
      return Buffer.from(
        text.replace(/Content-Length: \d+/, `Content-Length: ${random.below(100_000)}`),
        'latin1',
      )
    case 11:
      return put('9'.repeat(1 + random.below(400)), at)
    default:
      return lineEnd < 0 ? bytes : put(`\r\n${oneOf(random, lines)}`, lineEnd)
  }
}
