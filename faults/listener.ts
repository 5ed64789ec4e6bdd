import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'

/** Somebody who should not be connected to, and notes who does. */
export interface Listener {
  readonly port: number
  /** What each connection said first; empty when it said nothing. */
  readonly heard: readonly string[]
  close(): Promise<void>
}

const answer = 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'

export async function openListener(
  { host, port }: { host: string; port: number },
  hear: (said: string) => void = () => {},
): Promise<Listener> {
  const heard: string[] = []
  const server = createServer(socket => {
    const at = heard.push('') - 1
    hear('')
    socket.setEncoding('latin1').on('error', () => {})
    socket.once('data', piece => {
      heard[at] = String(piece)
      socket.end(answer)
    })
  })
  server.listen(port, host)
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    heard,
    async close() {
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** As a program: `listener.js FILE PORT ADDRESS...` writes a line into FILE for each that it stands at, and each connection. */
const [program = '', file, port, ...addresses] = process.argv.slice(1)
if (program.endsWith('listener.js') && file !== undefined) {
  for (const host of addresses) {
    await openListener({ host, port: Number(port) }, () => appendFileSync(file, `connected ${host}\n`))
    appendFileSync(file, `listening ${host}\n`)
  }
}
