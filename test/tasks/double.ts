import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Test } from 'tap'
import { createClient } from '../../kit/client.ts'
import type { Contract } from '../../kit/contract.ts'
import type { Link } from '../../kit/mesh.ts'
import { createTransport } from '../../kit/transport.ts'
import { openBareServer } from '../kit/wire.ts'

/** What was asked: `POST /newTask?id=7`, and its body. */
export interface Asked {
  readonly line: string
  readonly body: string
}

/** A status and a text, or that the connection ends without an answer. */
export type Said =
  | { readonly status?: number; readonly text: string; readonly headers?: Record<string, string> }
  | 'nothing'

/** A service that says what the test wants, and a link to it. */
export interface Double<C extends Contract> {
  readonly link: Link<C>
  readonly asked: Asked[]
}

/** Stands for one of our services, or for an original, which knows no /health. */
export async function openDouble<const C extends Contract>(
  t: Test,
  contract: C,
  is: 'ours' | 'original',
  answer: (asked: Asked) => Said,
): Promise<Double<C>> {
  const asked: Asked[] = []
  const { service } = contract
  const instance = `${service}-1`
  const say = (response: ServerResponse, said: Said) => {
    if (said === 'nothing') response.destroy()
    else response.writeHead(said.status ?? 200, said.headers).end(said.text)
  }
  const { address: value } = await openBareServer(t, async (request, response) => {
    const line = `${request.method} ${request.url}`
    const body = await readAll(request)
    if (line !== 'GET /health') {
      asked.push({ line, body })
      say(response, answer({ line, body }))
    } else if (is === 'ours')
      say(response, { text: JSON.stringify({ service, instance, version: '0', ready: true }) })
    else say(response, { status: 404, text: '404 page not found\n' })
  })
  const transport = createTransport({ service, trustsPlain: true, allowedHosts: [], warn: () => {} })
  t.teardown(() => transport.close())
  transport.setEntries([is === 'ours' ? { value, instance } : { value }])
  return {
    link: { ask: createClient(contract, transport), isOriginal: () => transport.isOriginal() },
    asked,
  }
}

/** As much as came, in latin1. */
function readAll(request: IncomingMessage): Promise<string> {
  return new Promise(resolve => {
    let text = ''
    request.setEncoding('latin1').on('data', piece => {
      text += piece
    })
    request.on('error', () => {}).on('close', () => resolve(text))
  })
}
