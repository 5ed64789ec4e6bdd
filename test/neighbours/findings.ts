import { Readable } from 'node:stream'
import type { Test } from 'tap'
import { request } from 'undici'
import type { Service } from '../../scripts/services.ts'
import { broken } from '../images/broken.ts'
import { encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { decodePng } from '../oracle/decode.ts'
import type { System } from '../system/system.ts'
import { fetchImage, upload, waitUntilDone } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'

/** A promise that does not hold with an original in place of one of ours, and the proof of it. */
export interface Finding {
  readonly original: Service
  /** In words, for docs/originals.md. */
  readonly breaks: string
  /** Shows it in a system of ours with that one original. */
  show(t: Test, system: System): Promise<void>
}

interface Said {
  readonly status: number
  readonly text: string
}

async function ask(url: string, method: 'GET' | 'POST' = 'GET', body?: string | Readable): Promise<Said> {
  const { statusCode, body: answer } = await request(url, { method, body: body ?? null })
  return { status: statusCode, text: (await answer.text()).trim() }
}

async function doOne(system: System, image: Buffer): Promise<string> {
  const { id = '' } = await upload(system.urls.frontend, image)
  await waitUntilDone(system.urls.frontend, id)
  return id
}

const brokenImage = () => broken().find(({ status }) => status === 'failed')?.bytes ?? Buffer.alloc(0)

export const findings: readonly Finding[] = [
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
    breaks: 'tasks do not outlive it: after its end an acknowledged upload is unknown',
    async show(t, system) {
      const id = await doOne(system, uniqueImage(1_001))
      await system.kill('database')
      await system.start('database')
      t.equal((await ask(`${system.urls.frontend}/getImage?id=${id}`)).status, 404)
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
  {
    original: 'storage',
    breaks: 'who reads an image while it is written gets a part of it (I8)',
    async show(t, { urls }) {
      let sendRest = () => {}
      const rest = new Promise<void>(resolve => {
        sendRest = resolve
      })
      const image = uniqueImage(1_005)
      const slow = Readable.from(
        (async function* () {
          yield image.subarray(0, 100)
          await rest
          yield image.subarray(100)
        })(),
      )
      const place = `${urls.storage}/getImage?id=1005&state=working`
      const writing = ask(`${urls.storage}/sendImage?id=1005&state=working`, 'POST', slow)
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
  {
    original: 'master',
    breaks: 'a task is handed out before its image is stored (I3)',
    async show(t, system) {
      await system.kill('worker')
      let sendRest = () => {}
      const rest = new Promise<void>(resolve => {
        sendRest = resolve
      })
      const image = uniqueImage(1_008)
      const slow = Readable.from(
        (async function* () {
          yield image.subarray(0, 100)
          await rest
          yield image.subarray(100)
        })(),
      )
      const sending = ask(`${system.urls.master}/new`, 'POST', slow)
      const { id } = await waitFor('its task', async () => {
        const { text } = await ask(`${system.urls.master}/getNewTask`, 'POST')
        return text.startsWith('{') && (JSON.parse(text) as { id: number })
      })
      t.equal((await ask(`${system.urls.storage}/getImage?id=${id}&state=working`)).status, 404)
      sendRest()
      await sending
      await system.start('worker')
    },
  },
  {
    original: 'master',
    breaks: 'the finish of what was never stored counts (I4)',
    async show(t, system) {
      await system.kill('worker')
      const { id } = await upload(system.urls.frontend, uniqueImage(1_009))
      const grant = () => ask(`${system.urls.master}/getNewTask`, 'POST')
      await waitFor('the grant', async () => (await grant()).text.includes(`"id":${id}`))
      t.same(await ask(`${system.urls.master}/registerTaskFinished?id=${id}`, 'POST'), {
        status: 200,
        text: 'success',
      })
      t.equal((await ask(`${system.urls.frontend}/isReady?id=${id}`)).text, 'Your image is ready.')
      t.equal((await ask(`${system.urls.frontend}/getImage?id=${id}`)).status, 409)
      await system.start('worker')
    },
  },
  {
    original: 'master',
    breaks: 'what is no PNG is taken in, and refusals come as 200',
    async show(t, { urls }) {
      const { status, id } = await upload(urls.frontend, Buffer.from('no picture'))
      t.equal(status, 200)
      t.match(id, /^\d+$/)
      t.equal((await ask(`${urls.master}/get?id=${id}`)).status, 200)
    },
  },
  {
    original: 'worker',
    breaks: 'alpha and 16 bits are flattened',
    async show(t, system) {
      const samples = new Uint8Array(64).fill(100)
      const image = encodePng({ width: 4, height: 4, colourType: 6, bitDepth: 8, samples })
      const id = await doOne(system, image)
      const { header, frames } = decodePng(await fetchImage(system.urls.frontend, id))
      t.match(header, { colourType: 6, bitDepth: 8 })
      t.same([...(frames[0]?.samples.slice(0, 4) ?? [])], [100, 100, 100, 255])
    },
  },
  {
    original: 'worker',
    breaks:
      'a broken image is called finished; the master looks, finds nothing and refuses, so that it waits for the end of its 120 s',
    async show(t, system) {
      const { id } = await upload(system.urls.frontend, brokenImage())
      await waitFor('it is taken', async () =>
        /"state":1/.test((await ask(`${system.urls.database}/getById?id=${id}`)).text),
      )
      await doOne(system, uniqueImage(1_010))
      await doOne(system, uniqueImage(1_011))
      t.equal((await ask(`${system.urls.frontend}/isReady?id=${id}`)).text, 'Your image is not ready yet.')
    },
  },
  {
    original: 'frontend',
    breaks: 'every refusal is 400, and its reason stands behind another `Error:`',
    async show(t, { urls }) {
      t.equal((await upload(urls.frontend, Buffer.from('no picture'))).status, 400)
      t.equal((await ask(`${urls.frontend}/getImage?id=4711`)).status, 400)
    },
  },
]
