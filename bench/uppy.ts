import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { build } from 'esbuild'

const STYLES = ['core', 'dashboard']

/** A server of a page with Uppy's dashboard as bundlers make it: one minified module, and its style in the page, as ours is. */
export async function buildUppyServer(): Promise<Server> {
  const { outputFiles } = await build({
    entryPoints: [join(process.cwd(), 'bench/browser/dashboard.ts')],
    bundle: true,
    minify: true,
    format: 'esm',
    write: false,
    logLevel: 'error',
  })
  const script = outputFiles[0]?.contents ?? ''
  const styles = STYLES.map(name =>
    readFileSync(join(process.cwd(), 'node_modules/@uppy', name, 'dist/style.min.css'), 'utf8'),
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
