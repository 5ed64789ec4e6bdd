import { places, portOf, refuse, say, serve } from './http.ts'

/** The original kv-store: one value a key, for ever, gone with the process. `kv-store PORT` */
const [port = ''] = places('PORT')
const values = new Map<string, string>()

await serve(portOf(port), {
  GET: {
    '/get': ({ query }) => {
      const key = query.get('key')
      return key ? say(values.get(key) ?? '') : refuse('Wrong input key.')
    },
    '/list': () => say([...values].map(([key, value]) => `${key} : ${value}\n`).join('')),
  },
  POST: {
    '/set': ({ query }) => {
      const [key, value] = [query.get('key'), query.get('value')]
      if (!key || !value) return refuse('Wrong input.')
      values.set(key, value)
      return say('success')
    },
  },
  DELETE: {
    '/remove': ({ query }) => {
      const key = query.get('key')
      if (!key) return refuse('Wrong input key.')
      values.delete(key)
      return say('success')
    },
  },
})
