import { ask, collect, findAddress, numberOf, places, portOf, refuse, say, serve, type Told } from './http.ts'

/** The original frontend, which had port 80. `frontend PORT KV` */
const [port = '', kv = ''] = places('PORT', 'KV')
const master = `http://${await findAddress(kv, 'masterAddress')}`

const page = `<html><body><form action="/submitTask" method="post" enctype="multipart/form-data">
<input type="file" name="uploadfile"><input type="submit"></form></body></html>`

const passOn = async (answer: Promise<Told>, told: (body: Buffer | string) => Told): Promise<Told> => {
  const { status, body } = await answer
  return status === 200 ? told(body) : refuse(String(body))
}

await serve(portOf(port), {
  GET: {
    '/': () => ({ ...say(page), type: 'text/html; charset=utf-8' }),
    '/isReady': ({ query }) =>
      passOn(ask(`${master}/isReady?id=${numberOf(query, 'id')}`), body =>
        say(String(body) === '1' ? 'Your image is ready.' : 'Your image is not ready yet.'),
      ),
    '/getImage': ({ query }) =>
      passOn(ask(`${master}/get?id=${numberOf(query, 'id')}`), body => ({ ...say(body), type: 'image/png' })),
  },
  POST: {
    '/submitTask': async ({ request }) => {
      const headers = { 'content-type': request.headers['content-type'] ?? '' }
      const form = await new Response(await collect(request), { headers }).formData()
      const file = form.get('uploadfile')
      if (file === null || typeof file === 'string') return refuse('http: no such file')
      const body = Buffer.from(await file.arrayBuffer())
      return passOn(ask(`${master}/new`, { method: 'POST', type: 'image', body }), say)
    },
  },
})
