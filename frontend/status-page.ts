import type { InstanceStatus, StatusReport } from './contract.ts'
import { escapeHtml, renderPage } from './page.ts'

/** How often the page loads itself anew, in seconds. */
const REFRESH_SECONDS = 5

/** The operators' page: a row an instance. */
export function renderStatus({ instances }: StatusReport): string {
  const isUp = ({ state }: InstanceStatus) => state === 'up'
  const down = instances.length - instances.filter(isUp).length
  const summary =
    down === 0 ? `All ${instances.length} are up.` : `${down} of ${instances.length} are not up.`
  return renderPage(
    'Status',
    `<h1>Status</h1>
<p role="status" data-reload="${REFRESH_SECONDS}">${summary}</p>
<table>
<thead><tr><th scope="col">Service<th scope="col">State<th scope="col">Address<th scope="col">Answer<th scope="col">Version</tr></thead>
<tbody>
${instances.map(renderRow).join('\n')}
</tbody>
</table>`,
    REFRESH_SECONDS,
  )
}

function renderRow({ service, state, address, tookMs, version, note }: InstanceStatus): string {
  const took = tookMs === undefined ? undefined : `${tookMs} ms`
  const answer = [took, note].filter(part => part !== undefined).join(', ')
  const cells = [address ?? '', answer, version ?? ''].map(cell => `<td>${escapeHtml(cell)}`)
  const name = `<th scope="row">${escapeHtml(service)}`
  return `<tr>${name}<td class="${state === 'up' ? 'up' : 'down'}">${state}${cells.join('')}</tr>`
}
