import { request } from 'undici'

/** A request of somebody on another host. */
export interface Asked {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

/** What he was told: the answer's status and text. */
export type Told = readonly [status: number, text: string]

/** Run by itself, on the host that asks: the requests stand in its argument as JSON, the answers in its output. */
const asked = JSON.parse(process.argv[2] ?? '[]') as Asked[]
const told = await Promise.all(
  asked.map(async ({ url, headers }): Promise<Told> => {
    const { statusCode, body } = await request(url, { headers })
    return [statusCode, (await body.text()).trim()]
  }),
)
process.stdout.write(JSON.stringify(told))
