import { ask, enter, findAddress, numberOf, places, portOf, say, serve, type Told } from './http.ts'

/** The original master: passes on what it gets as 200, whatever it was. `master OWN KV` */
const [own = '', kv = ''] = places('OWN', 'KV')
const database = `http://${await findAddress(kv, 'databaseAddress')}`
const storage = `http://${await findAddress(kv, 'storageAddress')}`

const passOn = async (answer: Promise<Told>): Promise<Told> => say((await answer).body)

await serve(portOf(own), {
  GET: {
    '/get': ({ query }) => passOn(ask(`${storage}/getImage?id=${numberOf(query, 'id')}&state=finished`)),
    '/isReady': async ({ query }) => {
      const { body } = await ask(`${database}/getById?id=${numberOf(query, 'id')}`)
      const state = /"state":(\d+)/.exec(String(body))?.[1]
      return say(state === '2' ? '1' : '0')
    },
  },
  POST: {
    '/new': async ({ request }) => {
      const { body } = await ask(`${database}/newTask`, { method: 'POST', type: 'text/plain' })
      const id = String(body)
      const image = { method: 'POST', type: 'image', body: request } as const
      await ask(`${storage}/sendImage?id=${id}&state=working`, image)
      return say(id)
    },
    '/getNewTask': () => passOn(ask(`${database}/getNewTask`, { method: 'POST', type: 'text/plain' })),
    '/registerTaskFinished': ({ query }) => {
      const url = `${database}/finishTask?id=${numberOf(query, 'id')}`
      return passOn(ask(url, { method: 'POST', type: 'test/plain' }))
    },
  },
})
await enter(kv, 'masterAddress', own)
