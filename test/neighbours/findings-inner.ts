import { Readable } from 'node:stream'
import { request } from 'undici'
import { uniqueImage } from '../images/noise.ts'
import { ask } from '../originals/answer.ts'
import { fetchImage, upload } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { brokenImage, doOne, type Finding, inTwoParts } from './finding.ts'

/** What the originals of kv-store, database and storage break. */
export const innerFindings: readonly Finding[] = [
  {
    original: 'kv-store',
    breaks: 'the address of a service that ended stays',
    async show(t, { urls, kill, start }) {
      const address = urls.master.replace('http://', '')
      await kill('master', 'SIGTERM')
      t.same(await ask(`${urls['kv-store']}/get?key=masterAddress`), { status: 200, text: address })
      await start('master')
    },
  },
  {
    original: 'kv-store',
    breaks: 'only the last of several instances is found',
    async show(t, { urls }) {
      const set = `${urls['kv-store']}/set?key=someAddress`
      await ask(`${set}&value=127.0.0.1:1&instance=one&ttl=10`, 'POST')
      await ask(`${set}&value=127.0.0.1:2&instance=two&ttl=10`, 'POST')
      t.equal((await ask(`${urls['kv-store']}/list`)).text.match(/someAddress/g)?.length, 1)
      t.equal((await ask(`${urls['kv-store']}/getAll?key=someAddress`)).status, 404)
    },
  },
  {
    original: 'database',
    breaks:
      'a new task can be handed out at once: whoever takes it in hides it until its image is stored, one hop too late (I3)',
    async show(t, { urls, kill, start }) {
      await kill('worker')
      const { text: id } = await ask(`${urls.database}/newTask`, 'POST')
      const granted = await ask(`${urls.database}/getNewTask`, 'POST')
      t.same(granted, { status: 200, text: JSON.stringify({ id: Number(id), state: 1 }) })
      await start('worker')
    },
  },
  {
    original: 'database',
    breaks: 'ids are counted up, so that anyone can ask for the next one',
    async show(t, system) {
      const ids = [await doOne(system, uniqueImage(1_002)), await doOne(system, uniqueImage(1_003))]
      t.equal(Number(ids[1]), Number(ids[0]) + 1)
    },
  },
  {
    original: 'database',
    breaks: 'a broken image never ends failed: it is tried again every 120 s, for ever',
    async show(t, system) {
      const { id } = await upload(system.urls.frontend, brokenImage())
      const taken = async () => /"state":1/.test((await ask(`${system.urls.database}/getById?id=${id}`)).text)
      await waitFor('it is taken', taken)
      // The worker is done with it long before the next image is.
      await doOne(system, uniqueImage(1_004))
      t.ok(await taken())
      t.same(await ask(`${system.urls.frontend}/isReady?id=${id}`), {
        status: 200,
        text: 'Your image is not ready yet.',
      })
    },
  },
  // The last of the database's: from here on its ids name images of an earlier life, which an early grant can find.
  {
    original: 'database',
    breaks: 'tasks do not outlive it: after its end an acknowledged upload is unknown',
    async show(t, system) {
      const id = await doOne(system, uniqueImage(1_001))
      await system.kill('database')
      await system.start('database')
      t.equal((await ask(`${system.urls.frontend}/getImage?id=${id}`)).status, 404)
    },
  },
  {
    original: 'storage',
    breaks: 'who reads an image while it is written gets a part of it (I8)',
    async show(t, { urls }) {
      const { body, sendRest } = inTwoParts(uniqueImage(1_005))
      const place = `${urls.storage}/getImage?id=1005&state=working`
      const writing = ask(`${urls.storage}/sendImage?id=1005&state=working`, 'POST', body)
      const part = await waitFor('a part of it', async () => {
        const { statusCode, body } = await request(place)
        const bytes = Buffer.from(await body.arrayBuffer())
        return statusCode === 200 && bytes.length > 0 && bytes
      })
      t.equal(part.length, 100)
      sendRest()
      await writing
    },
  },
  {
    original: 'storage',
    breaks: 'a finished result can be overwritten (I4)',
    async show(t, system) {
      const id = await doOne(system, uniqueImage(1_006))
      await ask(
        `${system.urls.storage}/sendImage?id=${id}&state=finished`,
        'POST',
        Readable.from([uniqueImage(1_007)]),
      )
      t.same(await fetchImage(system.urls.frontend, id), uniqueImage(1_007))
    },
  },
]
