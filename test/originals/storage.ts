import { enter, numberOf, places, portOf, refuse, say, serve } from './http.ts'

/** The original storage: files truncated and written in place, here in memory. `storage OWN KV` */
const [own = '', kv = ''] = places('OWN', 'KV')
const files = new Map<string, Buffer[]>()

const nameOf = (query: URLSearchParams): string => {
  const state = query.get('state')
  if (state !== 'working' && state !== 'finished') throw new Error('Wrong input state.')
  return `${numberOf(query, 'id')} ${state}`
}

await serve(portOf(own), {
  GET: {
    '/getImage': ({ query }) => {
      const pieces = files.get(nameOf(query))
      if (pieces === undefined) return refuse('open: no such file or directory')
      return { ...say(Buffer.concat(pieces)), type: 'image/png' }
    },
  },
  POST: {
    '/sendImage': async ({ query, request }) => {
      const name = nameOf(query)
      // Who reads it meanwhile gets as much as there is.
      const pieces: Buffer[] = []
      files.set(name, pieces)
      for await (const piece of request) pieces.push(piece)
      return say('success')
    },
  },
})
await enter(kv, 'storageAddress', own)
