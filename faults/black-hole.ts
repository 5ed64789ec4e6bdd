import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { atEnd } from '../test/system/ending.ts'

/** Listens, says where, and is then stopped: it never takes a connection from its queue. */
const LISTEN = `require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
  console.log(this.address().port)
})`
/** Connections that fill its queue; from then on the kernel drops whoever knocks. */
const FILLING = 3
/** By then what still connects does not: the first answer of a kernel that drops comes after a second, in ms. */
const FULL_MS = 300

/** An address that swallows every packet: a connection to it comes neither about nor to an end. */
export interface BlackHole {
  /** `host:port` of it. */
  readonly value: string
  close(): void
}

export async function openBlackHole(): Promise<BlackHole> {
  const child = spawn(process.execPath, ['-e', LISTEN], { stdio: ['ignore', 'pipe', 'ignore'] })
  atEnd(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  child.kill('SIGSTOP')
  const port = Number(line)
  const filling = Array.from({ length: FILLING }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await Promise.all(filling.map(isConnected))
  return {
    value: `127.0.0.1:${port}`,
    close() {
      for (const socket of filling) socket.destroy()
      child.kill('SIGKILL')
    },
  }
}

/** Whether it connects, or was left to wait. */
function isConnected(socket: Socket): Promise<boolean> {
  return new Promise(resolve => {
    socket.once('connect', () => resolve(true))
    setTimeout(() => resolve(false), FULL_MS)
  })
}
