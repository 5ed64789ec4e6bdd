import t from 'tap'
import { uniqueImage } from '../images/noise.ts'
import { formWith, get, submit } from './asking.ts'
import { openFrontend } from './open.ts'

t.test('posts from other sites’ pages are refused, our own are not', async t => {
  const { url } = await openFrontend(t)
  const foreign: Record<string, string>[] = [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: 'nonsense' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: url },
  ]
  for (const headers of foreign) {
    const said = JSON.stringify(headers)
    t.match(await submit(url, formWith(uniqueImage(1)), headers), { status: 403 }, said)
    t.match(await get(`${url}/`, headers), { status: 200 }, said)
  }
  const own: Record<string, string>[] = [
    {},
    { origin: url },
    { 'sec-fetch-site': 'same-origin', origin: url },
    { 'sec-fetch-site': 'none' },
  ]
  for (const headers of own)
    t.match(await submit(url, formWith(uniqueImage(1)), headers), { status: 200 }, JSON.stringify(headers))
})

t.test('behind a proxy that is trusted a post from our own page is one from the name it goes by', async t => {
  const headers = { origin: 'https://pictures.example', 'x-forwarded-host': 'pictures.example' }
  const trusting = await openFrontend(t, { trustProxy: ['127.0.0.1'] })
  t.match(await submit(trusting.url, formWith(uniqueImage(1)), headers), { status: 200 })
  const { url } = await openFrontend(t)
  t.match(await submit(url, formWith(uniqueImage(1)), headers), { status: 403 })
})

t.test('every answer forbids scripts, sniffing and foreign frames', async t => {
  const { stage, url } = await openFrontend(t)
  await stage.database.ask.newTask({ id: 1 })
  await stage.database.ask.setById({}, { body: { id: 1, state: 3 } })
  const paths = [
    '/',
    '/task?id=7',
    '/task?id=1',
    '/isReady?id=1',
    '/getImage?id=7',
    '/status',
    '/health',
    '/nowhere',
  ]
  for (const path of paths) {
    const { headers } = await get(`${url}${path}`)
    t.match(headers['content-security-policy'], /default-src 'none'.*frame-ancestors 'none'/, path)
    t.equal(headers['x-content-type-options'], 'nosniff', path)
    t.equal(headers['referrer-policy'], 'same-origin', path)
    t.equal(headers['x-frame-options'], 'DENY', path)
  }
  t.equal((await get(`${url}/%zz`)).headers['x-content-type-options'], 'nosniff', 'what is no path at all')
})
