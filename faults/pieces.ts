import { connect } from 'node:net'

/** How long an answer may take once all is sent, in ms. */
const ANSWER_MS = 10_000

/** How a sender ends that has no more to send: waits for the answer, closes its half before, or breaks off. */
export type Ending = 'wait' | 'close' | 'reset'

export interface PieceOptions {
  readonly ending?: Ending
  /** Sends on, whatever it is answered, until the connection is ended. */
  readonly isDeaf?: boolean
}

/** What came back over a connection, and how much had gone out. */
export interface PiecesAnswer {
  /** 0 when no answer came. */
  readonly status: number
  readonly text: string
  readonly sentBytes: number
}

/** Sends bytes as they are over a connection of its own, as fast as they are taken, and reads one answer. Never rejects. */
export function sendPieces(
  url: string,
  pieces: Iterable<Buffer>,
  { ending = 'wait', isDeaf = false }: PieceOptions = {},
): Promise<PiecesAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const source = pieces[Symbol.iterator]()
    let answer = ''
    const hasAnswer = () => /\r\n\r\n./s.test(answer)
    const write = () => {
      while (!socket.destroyed && (isDeaf || !hasAnswer())) {
        const next = source.next()
        if (next.done) return finish()
        if (!socket.write(next.value)) return void socket.once('drain', write)
      }
    }
    const finish = () => {
      if (ending === 'reset') return void socket.write('', () => socket.resetAndDestroy())
      if (ending === 'close') socket.end()
      socket.setTimeout(ANSWER_MS, () => socket.destroy())
    }
    socket
      .once('connect', write)
      .on('data', (piece: Buffer) => {
        answer += piece.toString('latin1')
        if (hasAnswer() && !isDeaf) socket.destroy()
      })
      .on('end', () => socket.destroy())
      .on('error', () => {})
      .once('close', () =>
        resolve({
          status: Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0),
          text: answer.slice(answer.indexOf('\r\n\r\n') + 4),
          sentBytes: socket.bytesWritten,
        }),
      )
  })
}
