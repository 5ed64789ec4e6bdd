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

t.test('a person uploads a picture in a browser and sees it come back', { skip }, async t => {
  const system = await startSystem(t)
  let browser: Browser | undefined
  t.teardown(() => browser?.close())
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })

  for (const javaScriptEnabled of [true, false]) {
    await t.test(`with JavaScript ${javaScriptEnabled ? 'on' : 'off'}`, async t => {
      const context = await (browser as Browser).newContext({ javaScriptEnabled, deviceScaleFactor: 1 })
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', message => complaints.push(message.text()))
      await page.goto(system.urls.frontend)
      const file = { name: 'halves.png', mimeType: 'image/png', buffer: halves() }
      await page.getByLabel(/PNG/).setInputFiles(file)
      await page.getByRole('button', { name: 'Exchange' }).click()
      await page.waitForURL(/\/task\?id=[0-9]+$/)
      const picture = page.locator('img')
      await picture.waitFor({ timeout: 60_000 })
      const screenshot = await picture.screenshot()
      t.same(colourAt(screenshot, SIZE / 4, SIZE / 2), GREEN, 'what was red is green')
      t.same(colourAt(screenshot, (SIZE * 3) / 4, SIZE / 2), RED, 'what was green is red')
      t.match(
        await page.getByRole('link', { name: 'Download' }).getAttribute('href'),
        /^\/getImage\?id=[0-9]+$/,
      )
      t.same(complaints, [], 'the browser has nothing to complain about')
      await context.close()
    })
  }

  await t.test('what is no picture is refused in words', async t => {
    const page = await (browser as Browser).newPage()
    await page.goto(system.urls.frontend)
    const file = { name: 'note.png', mimeType: 'image/png', buffer: Buffer.from('a note') }
    await page.getByLabel(/PNG/).setInputFiles(file)
    await page.getByRole('button', { name: 'Exchange' }).click()
    await page.getByText('PNG signature').waitFor()
    t.match(await page.textContent('body'), /PNG signature/)
    await page.close()
  })
})
