import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Built from frontend/browser: found from here as from the file that this is joined into. */
const FOLDER = join(import.meta.dirname, '../frontend/assets')
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8')

/** The style of all pages, which stands in each of them. */
export const style = read('page.css').trim()
/** What makes more of the pages, where scripts run. */
export const script = read('page.js')

const hashOf = (text: string) => hash('sha256', text, 'base64')

/** Names what the script says, so that it may be kept for good. */
export const scriptVersion = hashOf(script).replace(/\W/g, '').slice(0, 12)

/** The style, as a content security policy names it (CSP Level 3, 2.3.1). */
export const styleSource = `'sha256-${hashOf(style)}'`
