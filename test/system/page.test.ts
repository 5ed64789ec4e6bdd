import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { landscape } from '../images/landscape.ts'
import { largeImage, uniqueImage } from '../images/noise.ts'
import { type System, startSystem } from './system.ts'

const CHROMIUM = '/usr/bin/chromium'
const skip = !existsSync(CHROMIUM) && 'there is no chromium: apt-get install chromium'
/** Pictures of the pages, kept to be looked at. */
const SHOTS = join(process.cwd(), '.tap', 'pages')

t.setTimeout(300_000)

const png = (name: string, buffer: Buffer) => ({ name, mimeType: 'image/png', buffer })
const desktop = { viewport: { width: 1280, height: 900 } }
const phone = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }

let browser: Browser
let system: System

async function open(t: Test, options: BrowserContextOptions = desktop) {
  const context = await browser.newContext({ deviceScaleFactor: 1, ...options })
  t.teardown(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(String(error)))
  await page.goto(system.urls.frontend)
  return { context, page, complaints }
}

const choose = (page: Page, ...files: { name: string; mimeType: string; buffer: Buffer }[]) =>
  page.locator('input[type=file]').setInputFiles(files)
const rowOf = (page: Page, name: string) => page.locator('.row', { hasText: name })
const shoot = (page: Page, name: string) =>
  page.screenshot({ path: join(SHOTS, `${name}.png`), fullPage: true })

/** What axe-core finds on a page: the rule, and where. Put in as a script would be that the page's policy lets in. */
async function findBarriers(page: Page): Promise<string[]> {
  for (let left = 3; ; left -= 1)
    try {
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate<Findings>('axe.run()')
      return violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
      )
    } catch (error) {
      // A page that loads itself anew meanwhile is looked at again.
      if (left === 1) throw error
    }
}

interface Findings {
  readonly violations: readonly { readonly id: string; readonly nodes: { readonly target: string[] }[] }[]
}

t.test('the pages, in a browser', { skip }, async t => {
  mkdirSync(SHOTS, { recursive: true })
  system = await startSystem(t)
  t.teardown(() => browser?.close())
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })

  await t.test('many pictures at once, each with a row, up to their end', async t => {
    const { page, complaints } = await open(t)
    await choose(
      page,
      png('one.png', landscape()),
      png('two.png', uniqueImage(2)),
      { name: 'note.txt', mimeType: 'text/plain', buffer: Buffer.from('a note') },
      png('broken.png', uniqueImage(3).subarray(0, 2_000)),
    )
    for (const name of ['one.png', 'two.png']) await rowOf(page, name).getByText('Ready').waitFor()
    await rowOf(page, 'note.txt').getByText('It is not a PNG.').waitFor()
    await rowOf(page, 'broken.png')
      .locator('.says')
      .filter({ hasText: /short|broken|end/i })
      .waitFor()
    t.match(
      await rowOf(page, 'one.png').locator('.says').textContent(),
      /^Ready, [\d.]+ m?s after it was uploaded\.$/,
    )
    t.equal(await page.locator('.row').count(), 4)
    t.ok(await page.locator('.plate svg').isVisible(), 'verdigris has grown')
    t.equal(await page.locator('.counted').textContent(), '4 of 4 done, 2 failed')
    const all = await page.getByRole('link', { name: 'Download all' }).getAttribute('href')
    const archive = await (await page.request.get(`${system.urls.frontend}${all}`)).body()
    for (const name of ['one.png', 'two.png']) t.ok(archive.includes(name), `${name} is in the archive`)
    const link = rowOf(page, 'one.png').getByRole('link', { name: /Download/ })
    t.equal(await link.getAttribute('download'), 'one.png')
    await page.locator('#said', { hasText: 'one.png is ready.' }).waitFor({ state: 'attached' })
    await shoot(page, 'desktop-light-list')
    t.same(await findBarriers(page), [])
    t.same(complaints, [])
  })

  await t.test('a picture is compared with what was uploaded, by mouse and keys', async t => {
    const { page, complaints } = await open(t)
    await choose(page, png('compare.png', landscape({ width: 48, height: 32 })))
    await rowOf(page, 'compare.png')
      .getByRole('button', { name: /Compare/ })
      .click()
    const slider = rowOf(page, 'compare.png').getByRole('slider')
    await slider.focus()
    await page.keyboard.press('End')
    t.equal(await slider.inputValue(), '100')
    const stage = rowOf(page, 'compare.png').locator('.stage')
    t.equal(await stage.evaluate(element => element.style.getPropertyValue('--cut')), '100%')
    const box = (await stage.locator('.layers').boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 }
    t.equal(box.width, 240, 'small ones are enlarged, each pixel as much')
    await page.mouse.move(box.x + box.width * 0.9, box.y + 5)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.25, box.y + 5)
    await page.mouse.up()
    t.equal(await slider.inputValue(), '25', 'the picture itself is taken hold of')
    const clips = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.stage img')].map(image => getComputedStyle(image).clipPath)`,
    )
    t.same(clips, ['inset(0px 75% 0px 0px)', 'inset(0px 0px 0px 25%)'], 'neither shines through the other')
    const nearer = rowOf(page, 'compare.png').getByRole('button', { name: 'Zoom in' })
    for (let times = 1; times < 16; times *= 2) await nearer.click()
    t.ok(await stage.evaluate(element => element.classList.contains('crisp')))
    t.ok(((await stage.boundingBox())?.height ?? 1e9) <= 640, 'it scrolls in itself')
    const middle = await stage.evaluate(
      ({ scrollLeft, clientWidth, scrollWidth }) => (scrollLeft + clientWidth / 2) / scrollWidth,
    )
    t.ok(Math.abs(middle - 0.5) < 0.02, `what was in the middle is there: ${middle}`)
    await rowOf(page, 'compare.png').getByRole('button', { name: 'Zoom out' }).click()
    await slider.fill('40')
    await shoot(page, 'desktop-light-compare')
    t.same(await findBarriers(page), [])
    t.same(complaints, [])
  })

  await t.test('pictures that follow each other quickly raise no alarm', async t => {
    const { page, complaints } = await open(t)
    await page.evaluate(`
      var states = []
      const connection = document.querySelector('.connection')
      new MutationObserver(() => states.push(connection.dataset.state)).observe(connection, { attributes: true })
    `)
    const names = Array.from({ length: 12 }, (_, at) => `quick-${at}.png`)
    await choose(page, ...names.map((name, at) => png(name, uniqueImage(100 + at))))
    for (const name of names) await rowOf(page, name).getByText('Ready').waitFor()
    await page.locator('.connection[data-state=idle]').waitFor({ state: 'attached' })
    const states = new Set(await page.evaluate<string[]>('states'))
    t.ok(states.has('live'))
    t.notOk(states.has('coming back'), [...states].join(', '))
    t.same(complaints, [])
  })

  await t.test('an upload is cancelled, and a page that sends asks before it goes', async t => {
    const { context, page } = await open(t)
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    const line = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 }
    await session.send('Network.emulateNetworkConditions', line)
    await choose(page, png('slow.png', largeImage(7, 3_000_000)))
    const cancel = rowOf(page, 'slow.png').getByRole('button', { name: /Cancel/ })
    await cancel.waitFor()
    const asked = new Promise<string>(resolve =>
      page.on('dialog', dialog => {
        resolve(dialog.type())
        void dialog.dismiss()
      }),
    )
    await page.evaluate('void setTimeout(() => location.reload())')
    t.equal(await asked, 'beforeunload')
    await cancel.click()
    await rowOf(page, 'slow.png').waitFor({ state: 'detached' })
    await session.send('Network.emulateNetworkConditions', { ...line, uploadThroughput: -1 })
    await choose(page, png('next.png', uniqueImage(8)))
    await rowOf(page, 'next.png').getByText('Ready').waitFor()
    const link = rowOf(page, 'next.png').getByRole('link', { name: 'next.png', exact: true })
    const address = `${system.urls.frontend}${await link.getAttribute('href')}`
    await rowOf(page, 'next.png')
      .getByRole('button', { name: /Delete/ })
      .click()
    await rowOf(page, 'next.png').waitFor({ state: 'detached' })
    t.equal((await page.goto(address))?.status(), 404)
    await page.getByRole('heading', { name: 'This picture is not here' }).waitFor()
    t.same(await findBarriers(page), [])
    await shoot(page, 'desktop-light-gone')
    await page.getByRole('link', { name: 'Another picture' }).click()
    await page.locator('form#upload').waitFor()
  })

  await t.test('what was uploaded is there again after a refresh, until it is deleted', async t => {
    const { page, complaints } = await open(t)
    await choose(page, png('kept.png', uniqueImage(5)))
    await rowOf(page, 'kept.png').getByText('Ready').waitFor()
    await page.reload()
    await rowOf(page, 'kept.png').getByText('Ready').waitFor()
    const href = await rowOf(page, 'kept.png')
      .getByRole('link', { name: /Download/ })
      .getAttribute('href')
    // Not past what the browser has kept.
    const look = () => page.evaluate(`fetch('${href}').then(({ status }) => status)`)
    t.equal(await look(), 200)
    await rowOf(page, 'kept.png')
      .getByRole('button', { name: /Delete/ })
      .click()
    await rowOf(page, 'kept.png').waitFor({ state: 'detached' })
    t.same(complaints, [])
    t.equal(await look(), 404)
    await page.reload()
    t.equal(await page.locator('.row').count(), 0)
  })

  await t.test('files may be dropped anywhere, and pasted', async t => {
    const { page } = await open(t)
    for (const [type, name] of [
      ['drop', 'dropped.png'],
      ['paste', 'pasted.png'],
    ] as const) {
      const bytes = [...uniqueImage(type.length)]
      const event =
        type === 'drop'
          ? "DragEvent('drop', { dataTransfer: data,"
          : "ClipboardEvent('paste', { clipboardData: data,"
      await page.evaluate(`{
        const data = new DataTransfer()
        data.items.add(new File([new Uint8Array([${bytes}])], '${name}', { type: 'image/png' }))
        document.body.dispatchEvent(new ${event} bubbles: true, cancelable: true }))
      }`)
      await rowOf(page, name).getByText('Ready').waitFor()
    }
    t.pass('both are there')
  })

  await t.test(
    'a folder is dropped: its files, those of folders in it as well, and none that are hidden',
    async t => {
      const { context, page } = await open(t)
      const dropped = t.testdir({ '.hidden': 'no picture', inside: {} })
      writeFileSync(join(dropped, 'outer.png'), uniqueImage(21))
      writeFileSync(join(dropped, 'inside', 'inner.png'), uniqueImage(22))
      const session = await context.newCDPSession(page)
      const data = { items: [], files: [dropped], dragOperationsMask: 1 }
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
        await session.send('Input.dispatchDragEvent', { type, x: 600, y: 700, data })
      for (const name of ['outer.png', 'inner.png']) await rowOf(page, name).getByText('Ready').waitFor()
      t.equal(await page.locator('.row').count(), 2)
    },
  )

  await t.test('a result is copied as a picture', async t => {
    const permissions = ['clipboard-read', 'clipboard-write']
    const { page, complaints } = await open(t, { ...desktop, permissions })
    await choose(page, png('copied.png', uniqueImage(23)))
    await rowOf(page, 'copied.png').getByText('Ready').waitFor()
    const href = await rowOf(page, 'copied.png')
      .getByRole('link', { name: /Download/ })
      .getAttribute('href')
    await rowOf(page, 'copied.png').getByRole('button', { name: /Copy/ }).click()
    await rowOf(page, 'copied.png')
      .getByRole('button', { name: /Copied/ })
      .waitFor()
    const alike = await page.evaluate(`(async () => {
      const [item] = await navigator.clipboard.read()
      const blobs = [await item.getType('image/png'), await (await fetch('${href}')).blob()]
      const [copied, result] = await Promise.all(blobs.map(async blob => {
        const picture = await createImageBitmap(blob)
        const canvas = new OffscreenCanvas(picture.width, picture.height)
        const context = canvas.getContext('2d')
        context.drawImage(picture, 0, 0)
        return [...context.getImageData(0, 0, picture.width, picture.height).data]
      }))
      return result.length > 0 && String(copied) === String(result)
    })()`)
    t.ok(alike)
    t.same(complaints, [])
  })

  await t.test('nothing moves for who wants nothing to move', async t => {
    const moving = `document.getAnimations().length + document.querySelectorAll('.row')
      .values().filter(row => getComputedStyle(row.querySelector('.steps i')).transitionDuration !== '0s').toArray().length`
    for (const [reducedMotion, moves] of [
      ['no-preference', true],
      ['reduce', false],
    ] as const) {
      const { page } = await open(t, { ...desktop, reducedMotion })
      await choose(page, png('still.png', uniqueImage(24)))
      await rowOf(page, 'still.png').waitFor()
      t.equal((await page.evaluate<number>(moving)) > 0, moves, reducedMotion)
    }
  })

  await t.test('a server that ends in the middle is waited for', async t => {
    const { page } = await open(t)
    await system.kill('worker')
    await choose(page, png('waits.png', uniqueImage(6)))
    await rowOf(page, 'waits.png').getByText('it is next').waitFor()
    await page.getByText('Live').waitFor()
    await system.kill('frontend')
    await page.getByText('The connection is lost').waitFor()
    await shoot(page, 'desktop-light-lost')
    await system.start('frontend')
    await system.start('worker')
    await rowOf(page, 'waits.png').getByText('Ready').waitFor({ timeout: 60_000 })
    t.pass('it is there')
  })

  await t.test('an upload that nobody can take now is sent again by itself', async t => {
    const { page } = await open(t)
    await system.kill('storage')
    await choose(page, png('patient.png', uniqueImage(7)))
    await rowOf(page, 'patient.png')
      .getByText(/Sent again in \d+ s\./)
      .waitFor()
    await system.start('storage')
    await rowOf(page, 'patient.png').getByText('Ready').waitFor({ timeout: 60_000 })
    t.equal(await page.locator('.row').count(), 1)
  })

  await t.test('behind a proxy that passes no streams on, the page asks', async t => {
    const { page, context } = await open(t)
    let streams = 0
    await context.route('**/events?*', route => {
      if (!route.request().headers().accept?.includes('text/event-stream')) return route.continue()
      streams += 1
      return route.abort()
    })
    await system.kill('worker')
    await choose(page, png('asked.png', uniqueImage(8)))
    await page.getByText('Looked at every two seconds.').waitFor({ timeout: 30_000 })
    await system.start('worker')
    await rowOf(page, 'asked.png').getByText('Ready').waitFor({ timeout: 60_000 })
    t.ok(streams > 0, `${streams} streams were tried`)
  })

  await t.test('on a phone, in the dark, with a slow line', async t => {
    const { context, page, complaints } = await open(t, { ...phone, colorScheme: 'dark' })
    const session = await context.newCDPSession(page)
    await session.send('Network.enable')
    const line = { offline: false, latency: 100, downloadThroughput: 500_000, uploadThroughput: 250_000 }
    await session.send('Network.emulateNetworkConditions', line)
    await choose(page, png('large.png', largeImage(1, 900_000)))
    await rowOf(page, 'large.png')
      .getByText(/Uploading: .* of 9.. KB, .* a second/)
      .waitFor()
    await shoot(page, 'phone-dark-uploading')
    await rowOf(page, 'large.png').getByText('Ready').waitFor({ timeout: 60_000 })
    await choose(page, png('sun.png', landscape()))
    await rowOf(page, 'sun.png')
      .getByRole('button', { name: /Compare/ })
      .tap()
    await rowOf(page, 'sun.png').getByRole('slider').fill('60')
    await shoot(page, 'phone-dark-compare')
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    t.ok(width <= 390, `nothing sticks out: ${width}`)
    t.same(await findBarriers(page), [])
    t.same(complaints, [])
  })

  await t.test('who runs it sees how all of it stands, and tries a failed task again', async t => {
    for (const [name, options] of [
      ['desktop-light-status', desktop],
      ['phone-dark-status', { ...phone, colorScheme: 'dark' }],
    ] as const) {
      const { page, complaints } = await open(t, options)
      await choose(page, png('cut.png', landscape().subarray(0, -30)))
      await rowOf(page, 'cut.png').getByText('It failed. The file is damaged: ').waitFor()
      await page.goto(`${system.urls.frontend}/status`)
      // Asked anew every few seconds: on a busy machine some need longer to answer than they are given.
      await page.getByText('All 6 are up.').waitFor({ timeout: 90_000 })
      await shoot(page, name)
      t.same(await findBarriers(page), [])
      const wide = `document.documentElement.scrollWidth <= ${options.viewport.width}`
      await page.waitForFunction(wide)
      await page.getByRole('button', { name: 'Try again' }).first().click()
      await page.waitForURL(/\/task\?id=[0-9]+$/)
      t.same(
        complaints.filter(text => !text.includes('422')),
        [],
      )
    }
  })

  await t.test('the pages weigh less than 60 KB, all told', async t => {
    const { page } = await open(t)
    const bytes = await page.evaluate<number>(`performance.getEntries()
      .filter(({ entryType }) => entryType === 'navigation' || entryType === 'resource')
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`)
    t.ok(bytes > 1_000 && bytes < 60_000, `${bytes}`)
  })
})
