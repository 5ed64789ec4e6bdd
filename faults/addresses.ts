/** Addresses of who knows what about a machine in a cloud; nobody else has a reason to ask there. */
export const metadataHosts = ['169.254.169.254', '100.100.100.200', 'fd00:ec2::254'] as const

const inUrl = (host: string) => (host.includes(':') ? `[${host}]` : host)

/** Ways to write `host`, an IPv4 address, that are no `host:port`, or not the plain one. */
const disguises = (host: string, port: number): string[] => {
  const parts = host.split('.').map(Number)
  const number = parts.reduce((sum, part) => sum * 256 + part, 0)
  const hex = number.toString(16).padStart(8, '0')
  const [a = 0, b = 0, c = 0, d = 0] = parts
  return [
    `${number}:${port}`,
    `0x${hex}:${port}`,
    `0x${a.toString(16)}.${b}.${c}.${d}:${port}`,
    `0${a.toString(8)}.${b}.${c}.${d}:${port}`,
    `${a}.${b * 65_536 + c * 256 + d}:${port}`,
    `[::ffff:${host}]:${port}`,
    `[::ffff:${hex.slice(0, 4)}:${hex.slice(4)}]:${port}`,
    `[0:0:0:0:0:ffff:${host}]:${port}`,
    `[64:ff9b::${host}]:${port}`,
    `${host}.:${port}`,
    `${host.replaceAll('.', '\u3002')}:${port}`,
    `${host.replace(/\d/g, digit => String.fromCodePoint(0xff10 + Number(digit)))}:${port}`,
    `http://${host}:${port}`,
    `http://${host}:${port}/latest/meta-data/`,
    `//${host}:${port}`,
    `file://${host}:${port}/etc/passwd`,
    `somebody@${host}:${port}`,
    `somebody:word@${host}:${port}`,
    `localhost:${port}@${host}:${port}`,
    `${host}:${port}/x`,
    `${host}:${port}/../x`,
    `${host}:${port}?x`,
    `${host}:${port}#x`,
    `${host}:${port}\\x`,
    `${host}:${port}\r\nX-Injected: 1`,
    `${host}:${port}\n`,
    ` ${host}:${port}`,
    `${host}:${port} `,
    `${host}:${port}\0`,
    `${host}\t:${port}`,
    `${host}`,
    `${host}:`,
    `${host}:0`,
    `${host}:${port + 65_536}`,
    `${host}:+${port}`,
    `${host}:${port}:${port}`,
    `${host}%00:${port}`,
    `${host}:${port},localhost:${port}`,
  ]
}

/** What must not be connected to when it stands in the kv-store; `port` is one where somebody listens. */
export function hostileAddresses(port: number): string[] {
  const local = [...disguises('127.0.0.1', port), `0.0.0.0:${port}`, `[::]:${port}`, `0:${port}`]
  return [...local, ...metadataAddresses(port), ...metadataAddresses(80)]
}

/** Of the machine's own network, in every way of writing. */
export function metadataAddresses(port: number): string[] {
  const plain = metadataHosts.map(host => `${inUrl(host)}:${port}`)
  return [...plain, `metadata.google.internal:${port}`, ...disguises('169.254.169.254', port)]
}
