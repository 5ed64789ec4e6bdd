import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { build } from 'esbuild'

/** What a page needs at least to show Uppy's dashboard, and to send what is dropped there where our form sends it. */
const SCRIPT = `
import Uppy from '@uppy/core'
import Dashboard from '@uppy/dashboard'
import XHRUpload from '@uppy/xhr-upload'
new Uppy({ restrictions: { allowedFileTypes: ['image/png'] } })
  .use(Dashboard, { inline: true, target: '#drop' })
  .use(XHRUpload, { endpoint: '/submitTask', fieldName: 'uploadfile' })
`
const STYLES = ['core', 'dashboard']

/** A server of a page with Uppy's dashboard as bundlers make it: one minified module, and its style in the page, as ours is. */
export async function buildUppyServer(): Promise<Server> {
  const folder = process.cwd()
  const { outputFiles } = await build({
    stdin: { contents: SCRIPT, resolveDir: folder },
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const script = outputFiles[0]?.contents ?? ''
  const styles = STYLES.map(name =>
    readFileSync(join(folder, 'node_modules/@uppy', name, 'dist/style.min.css'), 'utf8'),
  )
  const page = `<!doctype html>
<html lang="en"><meta name="viewport" content="width=device-width"><title>Upload</title>
<style>${styles.join('\n')}</style><div id="drop"></div><script type="module" src="/page.js"></script></html>`
  return createServer((request, answer) => {
    const isScript = request.url === '/page.js'
    answer.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8')
    answer.end(isScript ? script : page)
  })
}
