import { type Dispatcher, request } from 'undici'

/** What an original answered. */
export interface Answer {
  readonly status: number
  readonly text: string
}

export type Method = Dispatcher.HttpMethod
export type Sent = NonNullable<Dispatcher.DispatchOptions['body']>

export async function askWhole(url: string, method: Method = 'GET', sent?: Sent) {
  const { statusCode, headers, body } = await request(url, { method, body: sent ?? null })
  return { status: statusCode, text: await body.text(), type: headers['content-type'] }
}

export async function ask(url: string, method?: Method, sent?: Sent): Promise<Answer> {
  const { status, text } = await askWhole(url, method, sent)
  return { status, text }
}

export const post = (url: string, sent?: Sent) => ask(url, 'POST', sent)

/** The answer of a thing done. */
export const says = (text: string): Answer => ({ status: 200, text })

/** What a refusal looks like: 400 and a line. */
export const refused = { status: 400, text: /^Error: .+\n$/ }
