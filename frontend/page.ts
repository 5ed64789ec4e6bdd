import { createHash } from 'node:crypto'
import { formatDuration } from './duration.ts'
import type { TaskStory } from './story.ts'

const STYLE = `
:root { color-scheme: light dark; --copper: #b4532a; --patina: #2f7d6b; }
body { font: 1.0625rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-weight: 600; letter-spacing: -0.02em; }
h1 span { color: var(--copper); } h1 em { font-style: normal; color: var(--patina); }
form { display: grid; gap: 1rem; padding: 1.5rem; border: 2px solid var(--patina); border-radius: 0.75rem; }
button, .button { justify-self: start; padding: 0.7rem 1.4rem; border: 0; border-radius: 0.5rem; background: #246555;
  color: #fff; font: inherit; text-decoration: none; cursor: pointer; }
:focus-visible { outline: 3px solid var(--copper); outline-offset: 2px; }
img { display: block; max-width: 100%; margin: 1rem 0; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.4rem 0.8rem 0.4rem 0; border-bottom: 1px solid #8884; text-align: left; overflow-wrap: anywhere; }
th[scope=row] { font-weight: 600; white-space: nowrap; }
.up { color: var(--patina); } .down { color: var(--copper); font-weight: 600; }
`

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 2 2'%3E%3Cpath fill='%23b4532a' d='M0 0h1v2H0z'/%3E%3Cpath fill='%232f7d6b' d='M1 0h1v2H1z'/%3E%3C/svg%3E"

/** What browsers may load and do on our pages: our own images, the icon and this one style, posts to ourselves, and no script. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "img-src 'self' data:",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** How often a page about a task that is not done yet loads itself anew, in seconds. */
const REFRESH_SECONDS = 1

export interface HomeFacts {
  readonly maxUploadBytes: number
  readonly maxPixels: number
  /** How long pictures are kept once they are done, in ms; undefined: nobody says so. */
  readonly retentionMs?: number | undefined
}

/** The page with the form. */
export function renderHome({ maxUploadBytes, maxPixels, retentionMs }: HomeFacts): string {
  return renderPage(
    'Verdigris',
    `<h1><span>Verdi</span><em>gris</em></h1>
<p>Choose a PNG. Its red and green are exchanged; everything else in it stays as it is.</p>
<form action="/submitTask" method="post" enctype="multipart/form-data">
<label for="uploadfile">A PNG of up to ${format(maxUploadBytes / 1e6)} MB and ${format(maxPixels / 1e6)} megapixels</label>
<input id="uploadfile" name="uploadfile" type="file" accept="image/png" required>
<button>Exchange red and green</button>
</form>
${renderKept(retentionMs)}`,
  )
}

/** The page about one task; while it is not done, it loads itself anew, without a script. */
export function renderTask(story: TaskStory, retentionMs?: number): string {
  const { id } = story
  const kept = renderKept(retentionMs)
  const again = '<p><a href="/">Another picture</a></p>'
  switch (story.is) {
    case 'ready':
      return renderPage(
        'Your picture is ready',
        `<h1>Your picture is ready</h1>
<img src="/getImage?id=${id}" alt="Your picture with red and green exchanged">
<p><a class="button" href="/getImage?id=${id}" download="${id}.png">Download</a></p>
${kept}
${again}`,
      )
    case 'failed':
      return renderPage(
        'It did not work',
        `<h1>It did not work</h1>\n<p>${escapeHtml(story.reason)}</p>\n${again}`,
      )
    case 'waiting':
      return renderPage(
        'Your picture is being worked on',
        `<h1>Your picture is being worked on</h1>
<p role="status">This page looks again every second. You may close it and come back to its address later.</p>
${kept}`,
        REFRESH_SECONDS,
      )
    case 'unknown for now':
      return renderPage(
        'One moment, please',
        `<h1>One moment, please</h1>
<p role="status">A part of the system cannot be reached right now. Your picture is kept; this page looks again by itself.</p>`,
        REFRESH_SECONDS,
      )
  }
}

/** How long pictures are kept, in a sentence; nothing where nobody says so. */
function renderKept(retentionMs: number | undefined): string {
  if (retentionMs === undefined) return ''
  return `<p>Pictures are kept for ${formatDuration(retentionMs)} after they are done, then deleted.</p>`
}

export function renderPage(title: string, body: string, refreshSeconds?: number): string {
  const refresh =
    refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}">\n`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${refresh}<title>${title}</title>
<link rel="icon" href="${ICON}">
<style>${STYLE}</style>
</head>
<body>
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
