import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Browser, type BrowserContextOptions, chromium } from 'playwright-core'
import { type OpenSystem, openSystem } from '../test/system/system.ts'
import type { Need, PlainBench } from './bench.ts'
import { askVersion } from './daemon.ts'
import type { Output } from './output.ts'
import { describeSpread, median, ratios } from './spread.ts'
import { buildUppyServer } from './uppy.ts'
import { versionOf } from './version.ts'

const CHROMIUM = '/usr/bin/chromium'
const VISITS = 15
/** What the page may take of the time of a bare form, and of a page that does about as much. */
const MOST_OF_BARE: Times = { paint: 1.5, ready: 2 }
const MOST_OF_PEER: Times = { paint: 1, ready: 1 }

/** A form that does the same, and nothing else: the least that a page can be. */
const BARE = `<!doctype html>
<html lang="en"><title>Upload</title>
<form action="/submitTask" method="post" enctype="multipart/form-data">
<label>A PNG <input name="uploadfile" type="file" required></label><button>Send</button>
</form></html>`

interface Visitor {
  readonly says: string
  readonly context: BrowserContextOptions
  /** A slow line, as browsers' own tools slow it: ms to and fro, bytes a second; and by how much the processor is slowed. */
  readonly slow?: { readonly latency: number; readonly throughput: number; readonly processor: number }
}

const visitors: readonly Visitor[] = [
  { says: 'a desk', context: { viewport: { width: 1280, height: 900 } } },
  {
    says: 'a phone, 150 ms and 200 KB a second away, a quarter as fast',
    context: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true },
    slow: { latency: 150, throughput: 200_000, processor: 4 },
  },
]

const needs: readonly Need[] = [
  {
    package: 'chromium',
    for: 'all of it',
    name: 'Chromium',
    find: () => askVersion(CHROMIUM, '--version', /^Chromium (\S+)/),
  },
]

/** From the beginning of a visit, in ms. */
interface Times {
  readonly paint: number
  readonly ready: number
}

/** A page that ours is held against, and how many times its figures ours may have. */
interface Other {
  readonly name: string
  readonly url: string
  readonly most: Times
}

/** The page of who uploads, beside the barest form and Uppy's dashboard, in a browser that was never there. */
export const page: PlainBench = {
  question: 'How long until the page is seen, and until it can be used?',
  needs,
  async run(output, folder) {
    if (needs[0]?.find() === undefined) return
    const bare = createServer((_, answer) => answer.setHeader('content-type', 'text/html').end(BARE))
    const uppy = await buildUppyServer()
    let system: OpenSystem | undefined
    let browser: Browser | undefined
    try {
      const others: Other[] = [
        { name: 'a bare form', url: await listen(bare), most: MOST_OF_BARE },
        {
          name: `Uppy's dashboard ${versionOf('@uppy/dashboard')}`,
          url: await listen(uppy),
          most: MOST_OF_PEER,
        },
      ]
      system = await openSystem({ dataDir: folder })
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
      for (const visitor of visitors) {
        const urls = [system.urls.frontend as string, ...others.map(({ url }) => url)]
        const times: Times[][] = urls.map(() => [])
        for (let visit = 0; visit < VISITS; visit += 1)
          for (const [at, url] of urls.entries()) times[at]?.push(await look(browser, visitor, url))
        const [ours = [], ...theirs] = times
        print(output, visitor, ours, others, theirs)
      }
    } finally {
      await browser?.close()
      await system?.stop()
      await system?.close()
      bare.close()
      uppy.close()
    }
  },
}

async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Opens it with nothing kept from before. */
async function look(browser: Browser, { context, slow }: Visitor, url: string): Promise<Times> {
  const fresh = await browser.newContext(context)
  try {
    const opened = await fresh.newPage()
    if (slow !== undefined) {
      const session = await fresh.newCDPSession(opened)
      const { latency, throughput, processor } = slow
      const line = { offline: false, latency, downloadThroughput: throughput, uploadThroughput: throughput }
      await session.send('Network.enable')
      await session.send('Network.emulateNetworkConditions', line)
      await session.send('Emulation.setCPUThrottlingRate', { rate: processor })
    }
    await opened.goto(url, { waitUntil: 'load' })
    // Scripts that are modules have run before the page's own `DOMContentLoaded` has ended.
    return await opened.evaluate<Times>(`new Promise(resolve => {
      const [{ domContentLoadedEventEnd: ready }] = performance.getEntriesByType('navigation')
      const observer = new PerformanceObserver(list => {
        for (const { name, startTime: paint } of list.getEntries())
          if (name === 'first-contentful-paint') resolve({ paint, ready })
      })
      observer.observe({ type: 'paint', buffered: true })
    })`)
  } finally {
    await fresh.close()
  }
}

function print(
  output: Output,
  { says }: Visitor,
  ours: readonly Times[],
  others: readonly Other[],
  theirs: readonly (readonly Times[])[],
): void {
  const of = (figure: keyof Times, at: number) =>
    ratios(
      ours.map(times => times[figure]),
      theirs[at]?.map(times => times[figure]) ?? [],
    )
  const row = (figure: keyof Times) => others.map((_, at) => describeSpread(of(figure, at)))
  output.line(`\nfrom ${says}: ${VISITS} visits by turns, nothing kept from before`)
  output.table(
    ['', ...others.map(({ name }) => `time against ${name} (least to most)`)],
    [
      ['until something is seen', ...row('paint')],
      ['until it can be used, its script included', ...row('ready')],
    ],
  )
  for (const [at, { name, most }] of others.entries()) {
    const against = `against ${name}, from ${says}`
    output.goal({ says: `first paint ${against}`, found: median(of('paint', at)), most: most.paint })
    output.goal({ says: `usable ${against}`, found: median(of('ready', at)), most: most.ready })
  }
}
