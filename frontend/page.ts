import { scriptVersion, style, styleSource } from './assets.ts'
import { formatDuration } from './duration.ts'
import type { TaskStory } from './story.ts'
import { asSentence } from './told.ts'
import { formatTook, type Took } from './took.ts'

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'%3E%3Cpath fill='%23b4532a' d='M0 0h1v2H0z'/%3E%3Cpath fill='%232f7d6b' d='M1 0h1v2H1z'/%3E%3C/svg%3E"

/**
 * What browsers may load and do on our pages: our own images and those that were chosen there, the icon, this one style, our own
 * script, and questions and posts to ourselves.
 */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "img-src 'self' data: blob:",
  `style-src ${styleSource}`,
  "script-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * A copper plate on which verdigris grows: a noise, of which the highest parts are green. Where scripts run it grows once the page is
 * there, since it takes longer to paint than everything else.
 */
const PLATE = `<div class="plate"><svg aria-hidden="true" focusable="false">
<filter id="patina" x="0" y="0" width="100%" height="100%">
<feTurbulence type="fractalNoise" baseFrequency="0.011 0.026" numOctaves="5" seed="29"/>
<feColorMatrix values="0 0 0 0 0.27  0 0 0 0 0.62  0 0 0 0 0.53  7 5 0 0 -5.6"/>
</filter>
<rect width="100%" height="100%" filter="url(#patina)"/>
</svg></div>`

/** The upload and its result on top of each other; without a script below each other. */
const renderComparison = (before: string, after: string) => `<figure class="comparison">
<div class="stage" role="group" aria-label="Before and after"><div class="layers">
<img class="before"${before} draggable="false" alt="Before: as it was uploaded">
<img class="after"${after} draggable="false" alt="After: red and green exchanged">
</div></div>
<label class="slider"><span>Before</span><input type="range" min="0" max="100" value="50" aria-label="Where the picture changes from before to after"><span>After</span></label>
<div class="bar"><button type="button" class="in">Zoom in</button>
<button type="button" class="out" disabled>Zoom out</button>
<span class="factor soft"></span></div>
</figure>`

const TEMPLATES = `<template id="row">
<li class="row" tabindex="-1">
<div class="thumb"><img alt="" loading="lazy" decoding="async"></div>
<div>
<h3><a class="name"></a> <span class="size"></span></h3>
<p class="says"></p>
<div class="steps" aria-hidden="true"><i></i><i></i><i></i><i></i></div>
</div>
<div class="actions">
<a class="button main get" hidden>Download</a>
<button type="button" class="compare" aria-expanded="false" hidden>Compare</button>
<button type="button" class="copy" hidden>Copy</button>
<button type="button" class="again" hidden>Try again</button>
<button type="button" class="remove" hidden>Remove</button>
</div>
<div class="compared" hidden></div>
</li>
</template>
<template id="comparison">
${renderComparison('', '')}
</template>`

/** How often a page about a task that is not done yet loads itself anew, in seconds. */
const REFRESH_SECONDS = 1

export interface HomeFacts {
  readonly maxUploadBytes: number
  readonly maxPixels: number
  /** How long pictures are kept once they are done, in ms; undefined: nobody says so. */
  readonly retentionMs?: number | undefined
}

/** The page with the form. With a script it takes many files, and lists what becomes of them. */
export function renderHome({ maxUploadBytes, maxPixels, retentionMs }: HomeFacts): string {
  return renderPage(
    'Verdigris',
    `<h1><span>Verdi</span><em>gris</em></h1>
<p>Red and green of your pictures, exchanged. Everything else in them stays as it is.</p>
<form id="upload" class="drop" action="/submitTask" method="post" enctype="multipart/form-data"
 data-max-bytes="${maxUploadBytes}" data-max-pixels="${maxPixels}">
<label for="uploadfile"><span class="unscripted">Choose a PNG</span><span class="scripted-only"><span class="fine">Drop PNGs anywhere, paste them, or choose them</span><span class="coarse">Choose PNGs</span></span></label>
<input id="uploadfile" name="uploadfile" type="file" accept="image/png" required aria-describedby="limits">
<button class="main unscripted">Exchange red and green</button>
<p id="limits" class="soft">PNG, up to ${format(maxUploadBytes / 1e6)} MB and ${format(maxPixels / 1e6)} megapixels each. They are stored on this server, and only those who have their address can see them. ${renderKept('They are', retentionMs)}</p>
</form>
<section id="list" aria-labelledby="pictures" hidden>
<div class="bar">
<h2 id="pictures" tabindex="-1">Your pictures</h2>
<span class="counted soft"></span>
<progress aria-label="Pictures that are done" value="0" max="1"></progress>
<span class="connection soft" data-state="idle"></span>
<button type="button" class="again-all" hidden>Try all again</button>
<a class="button zip" download="verdigris.zip" hidden>Download all</a>
</div>
<ol class="rows"></ol>
</section>
<p id="said" class="aside" role="status"></p>
${TEMPLATES}`,
  )
}

/** The page about one task; while it is not done, it loads itself anew: without a script each second, else when there is news. */
export function renderTask(story: TaskStory, retentionMs?: number, isOriginal = false): string {
  const { id } = story
  const kept = `<p class="soft">${renderKept('It is', retentionMs)}</p>`
  const another = '<p><a href="/">Another picture</a></p>'
  const remove = isOriginal ? '' : renderPost(`/deleteTask?id=${id}`, 'Delete now')
  switch (story.is) {
    case 'ready': {
      const result = `/getImage?id=${id}`
      return renderPage(
        'Your picture is ready',
        `<h1>Your picture is ready</h1>
${renderComparison(` src="${result}&amp;state=working"`, ` src="${result}"`)}
<div class="bar"><a class="button main" href="${result}" download="${id}.png">Download</a>
${remove}</div>
${renderTook(story.took)}${kept}
${another}`,
      )
    }
    case 'failed':
      return renderPage(
        'It did not work',
        `<h1>It did not work</h1>\n<p>${escapeHtml(asSentence(story.reason))}</p>
<div class="bar">${isOriginal ? '' : renderPost(`/tryAgain?id=${id}`, 'Try again')}
${remove}</div>
${renderTook(story.took)}${another}`,
      )
    case 'waiting':
      return renderPage(
        'Your picture is being worked on',
        `<h1>Your picture is ${story.step === 'queued' ? 'waiting for its turn' : 'being worked on'}</h1>
<p data-follow="${id}" role="status">This page tells you when it is ready. You may close it and come back to its address later.</p>
<div class="bar"><a class="button" href="/task?id=${id}">Look again</a>
${remove}</div>
${kept}
${another}`,
        REFRESH_SECONDS,
      )
    case 'gone':
      return renderPage(
        'This picture is not here',
        `<h1>This picture is not here</h1>
<p>It was deleted, its time here is over, or there never was one at this address.</p>
${another}`,
      )
    default:
      return renderPage(
        'One moment, please',
        `<h1>One moment, please</h1>
<p data-follow="${id}" role="status">A part of the system cannot be reached right now. Your picture is kept; this page looks again by itself.</p>
<p><a class="button" href="/task?id=${id}">Look again</a></p>`,
        REFRESH_SECONDS,
      )
  }
}

/** A button that works without a script. */
export function renderPost(action: string, says: string): string {
  return `<form action="${action}" method="post"><button>${says}</button></form>`
}

function renderTook(took: Took | undefined): string {
  if (took === undefined) return ''
  return `<details class="soft"><summary>How long it took</summary><p>It ${formatTook(took)}.</p></details>\n`
}

/** How long pictures are kept, in a sentence; nothing where nobody says so. */
function renderKept(whatIs: 'They are' | 'It is', retentionMs: number | undefined): string {
  if (retentionMs === undefined) return ''
  const pronoun = whatIs === 'It is' ? 'it' : 'them'
  return `${whatIs} kept for ${formatDuration(retentionMs)} after ${whatIs.toLowerCase()} done, then deleted; or delete ${pronoun} yourself, at once.`
}

export function renderPage(title: string, body: string, refreshSeconds?: number): string {
  const refresh =
    refreshSeconds === undefined
      ? ''
      : `<noscript><meta http-equiv="refresh" content="${refreshSeconds}"></noscript>\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${title}</title>
<link rel="icon" href="${ICON}">
<style>${style}</style>
<script type="module" src="/page.js?v=${scriptVersion}"></script>
</head>
<body>
${PLATE}
<main>
${body}
</main>
</body>
</html>
`
}

function format(value: number): string {
  return String(Math.round(value * 10) / 10)
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}
