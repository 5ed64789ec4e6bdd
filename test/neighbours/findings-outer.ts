import { setTimeout as delay } from 'node:timers/promises'
import { encodePng } from '../images/encode.ts'
import { uniqueImage } from '../images/noise.ts'
import { decodePng } from '../oracle/decode.ts'
import { ask } from '../originals/answer.ts'
import { fetchImage, upload } from '../system/visitor.ts'
import { waitFor } from '../system/waiting.ts'
import { brokenImage, doOne, type Finding, inTwoParts, move } from './finding.ts'

/** What the originals of master, worker and frontend break. */
export const outerFindings: readonly Finding[] = [
  {
    original: 'master',
    breaks: 'a task is handed out before its image is stored (I3)',
    async show(t, system) {
      await system.kill('worker')
      const { body, sendRest } = inTwoParts(uniqueImage(1_008))
      const sending = ask(`${system.urls.master}/new`, 'POST', body)
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
      t.equal((await ask(`${system.urls.frontend}/getImage?id=${id}`)).status, 404)
      await system.start('worker')
    },
  },
  {
    original: 'master',
    breaks: 'what is no PNG is taken in, and refusals come as 200',
    async show(t, { urls }) {
      const { status, text: id } = await ask(`${urls.master}/new`, 'POST', Buffer.from('no picture'))
      t.equal(status, 200)
      t.match(id, /^\d+$/)
      t.equal((await ask(`${urls.master}/get?id=${id}`)).status, 200)
    },
  },
  {
    original: 'master',
    breaks: 'a storage that comes back at another address is not found until the master is started again',
    async show(t, system) {
      const id = await doOne(system, uniqueImage(1_012))
      await move(t, system, 'storage')
      // It ends over an ask that leads nowhere.
      const isThere = async () =>
        /^.PNG/.test((await ask(`${system.urls.master}/get?id=${id}`).catch(() => undefined))?.text ?? '')
      t.notOk(await isThere())
      await system.kill('master')
      await system.start('master')
      await waitFor('the result', isThere)
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
    original: 'worker',
    breaks: 'a master that comes back at another address is not found until the worker is started again',
    async show(t, system) {
      await move(t, system, 'master')
      const { id = '' } = await upload(system.urls.frontend, uniqueImage(1_013))
      const isTaken = async () =>
        !/"state":0/.test((await ask(`${system.urls.database}/getById?id=${id}`)).text)
      // Its longest pause between two asks is over.
      await delay(3_000)
      t.notOk(await isTaken())
      await system.kill('worker')
      await system.start('worker')
      await waitFor('it is taken', isTaken)
    },
  },
  {
    original: 'frontend',
    breaks: 'a master that comes back at another address is not found until the frontend is started again',
    async show(t, system) {
      const id = await doOne(system, uniqueImage(1_014))
      await move(t, system, 'master')
      t.equal((await ask(`${system.urls.frontend}/isReady?id=${id}`)).status, 400)
      await system.kill('frontend')
      await system.start('frontend')
      t.equal((await ask(`${system.urls.frontend}/isReady?id=${id}`)).text, 'Your image is ready.')
    },
  },
  {
    original: 'frontend',
    breaks: 'every refusal is 400',
    async show(t, { urls }) {
      const { status, text } = await upload(urls.frontend, Buffer.from('no picture'))
      t.equal(status, 400)
      t.match(text, /^Error: /)
      t.equal((await ask(`${urls.frontend}/getImage?id=4711`)).status, 400)
    },
  },
]
