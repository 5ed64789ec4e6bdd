import t from 'tap'
import { createAllowedHosts, formatAddress, isLoopback, parseAddress } from '../../kit/address.ts'
import { crooked } from './crooked.ts'

t.test('host:port is read, whatever the kind of host', t => {
  const cases: [string, { host: string; port: number }][] = [
    ['127.0.0.1:3000', { host: '127.0.0.1', port: 3000 }],
    ['localhost:1', { host: 'localhost', port: 1 }],
    ['LocalHost:65535', { host: 'localhost', port: 65535 }],
    ['kv-1.svc.example:80', { host: 'kv-1.svc.example', port: 80 }],
    ['[::1]:3000', { host: '::1', port: 3000 }],
    ['[fd00::7]:3000', { host: 'fd00::7', port: 3000 }],
  ]
  for (const [text, address] of cases) {
    t.same(parseAddress(text), address)
    t.equal(formatAddress(address), text.toLowerCase())
  }
  t.end()
})

t.test('anything else that a URL could smuggle in is refused, and soon', t => {
  const began = performance.now()
  for (const text of crooked)
    t.throws(() => parseAddress(text), { code: 'bad-request' }, JSON.stringify(text.slice(0, 40)))
  t.ok(performance.now() - began < 1_000)
  t.end()
})

t.test('loopback is this machine alone', t => {
  for (const host of ['localhost', '127.0.0.1', '127.255.0.7', '::1']) t.ok(isLoopback(host), host)
  for (const host of ['0.0.0.0', '::', '128.0.0.1', '10.0.0.1', 'localhost.example', '::2', 'x'])
    t.notOk(isLoopback(host), host)
  t.end()
})

t.test('data is sent to loopback and to what is listed, and nowhere else', t => {
  const none = createAllowedHosts([])
  t.ok(none('127.0.0.1') && none('localhost') && none('::1'))
  for (const host of ['169.254.169.254', '10.0.0.1', '192.168.0.1', 'fd00::1', 'kv.example', '0.0.0.0', '::'])
    t.notOk(none(host), host)

  const some = createAllowedHosts(['10.1.0.0/16', '192.168.0.7', 'fd00::/8', 'KV.example'])
  for (const host of ['10.1.0.1', '10.1.255.255', '192.168.0.7', 'fd12::7', 'kv.example', '127.0.0.1'])
    t.ok(some(host), host)
  for (const host of ['10.2.0.1', '192.168.0.8', 'fe80::1', 'x.kv.example', 'example', '169.254.169.254'])
    t.notOk(some(host), host)
  t.end()
})
