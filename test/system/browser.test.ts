import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import t from 'tap'
import { encodePng } from '../images/encode.ts'
import { decodePng } from '../oracle/decode.ts'
import { startSystem } from './system.ts'

const CHROMIUM = '/usr/bin/chromium'
const skip = !existsSync(CHROMIUM) && 'there is no chromium: apt-get install chromium'
const RED = [220, 20, 40]
const GREEN = [20, 220, 40]
const SIZE = 64

t.setTimeout(300_000)

/** Left half red, right half green. */
function halves(): Buffer {
  const samples = Array.from({ length: SIZE * SIZE }, (_, pixel) =>
    pixel % SIZE < SIZE / 2 ? RED : GREEN,
  ).flat()
  return encodePng({
    width: SIZE,
    height: SIZE,
    colourType: 2,
    bitDepth: 8,
    samples: Uint8Array.from(samples),
  })
}

/** The colour of a screenshot's pixel, as three numbers. */
function colourAt(screenshot: Buffer, x: number, y: number): number[] {
  const { header, frames } = decodePng(screenshot)
  const channels = header.colourType === 6 ? 4 : 3
  const at = (y * header.width + x) * channels
  return [...(frames[0]?.samples.slice(at, at + 3) ?? [])]
}

t.test(
  'without JavaScript a person uploads a picture in a browser and sees it come back',
  { skip },
  async t => {
    const system = await startSystem(t)
    let browser: Browser | undefined
    t.teardown(() => browser?.close())
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    const context = await browser.newContext({ javaScriptEnabled: false, deviceScaleFactor: 1 })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', message => complaints.push(message.text()))
    const send = async (name: string, buffer: Buffer) => {
      await page.goto(system.urls.frontend)
      await page.getByLabel(/PNG/).setInputFiles({ name, mimeType: 'image/png', buffer })
      await page.getByRole('button', { name: 'Exchange' }).click()
    }

    await t.test('it is compared with what was uploaded, and may be deleted', async t => {
      await send('halves.png', halves())
      await page.waitForURL(/\/task\?id=[0-9]+$/)
      const [before, after] = [page.getByAltText(/Before/), page.getByAltText(/After/)]
      await after.waitFor({ timeout: 60_000 })
      for (const [picture, left, right] of [
        [before, RED, GREEN],
        [after, GREEN, RED],
      ] as const) {
        const screenshot = await picture.screenshot()
        t.same(colourAt(screenshot, SIZE / 4, SIZE / 2), left)
        t.same(colourAt(screenshot, (SIZE * 3) / 4, SIZE / 2), right)
      }
      t.ok(await page.locator('.plate svg').isVisible(), 'verdigris is there from the start')
      const link = page.getByRole('link', { name: 'Download' })
      t.match(await link.getAttribute('href'), /^\/getImage\?id=[0-9]+$/)
      const task = page.url()
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.waitForURL(`${system.urls.frontend}/`)
      t.equal((await page.request.get(task)).status(), 404)
    })

    await t.test('one that fails says why, and may be tried again', async t => {
      await send('cut.png', halves().subarray(0, -30))
      await page.getByRole('heading', { name: 'It did not work' }).waitFor({ timeout: 60_000 })
      await page.getByRole('button', { name: 'Try again' }).click()
      await page.waitForURL(/\/task\?id=[0-9]+$/)
      await page.getByRole('heading', { name: 'It did not work' }).waitFor({ timeout: 60_000 })
      t.same(
        complaints.filter(text => !/422/.test(text)),
        [],
        'the browser has nothing to complain about',
      )
    })

    await t.test('what is no picture is refused in words', async t => {
      await send('note.png', Buffer.from('a note'))
      await page.getByText('PNG signature').waitFor()
      t.match(await page.textContent('body'), /PNG signature/)
    })
  },
)
