import { type Minute, MOST_COUNTED, type Overview, type Task } from '../database/contract.ts'
import type { InstanceStatus, StatusReport } from './contract.ts'
import { formatDuration } from './duration.ts'
import { escapeHtml, renderPage, renderPost } from './page.ts'
import { tookOf } from './story.ts'
import { asSentence } from './told.ts'
import { formatTook } from './took.ts'

/** How often the page loads itself anew, in seconds. */
const REFRESH_SECONDS = 5
/** Size of a plot: four units a minute, in its own units. */
const PLOT = { width: 240, height: 48 }

/** The operators' page: the queue, the last hour, a row an instance, what failed, who has what. */
export function renderStatus({ instances, overview }: StatusReport): string {
  const count = (...states: InstanceStatus['state'][]) =>
    instances.filter(({ state }) => states.includes(state)).length
  const [down, unknown] = [count('not ready', 'slow', 'away'), count('unknown')]
  const parts = [
    down > 0 && `${down} of ${instances.length} ${down === 1 ? 'is' : 'are'} not up.`,
    unknown > 0 && `Of ${unknown} it is not known.`,
  ]
  const summary = parts.filter(part => part !== false).join(' ') || `All ${instances.length} are up.`
  return renderPage(
    'Status',
    `<h1>Status</h1>
<p role="status" data-reload="${REFRESH_SECONDS}">${summary}</p>
${overview === undefined ? '<p class="down">Nobody says how the queue stands.</p>' : renderQueue(overview)}
<h2>Services</h2>
${renderTable('Services', ['Service', 'State', 'Address', 'Answer', 'Details', 'Version'], instances.map(cellsOf))}
${overview === undefined ? '' : renderFailures(overview) + renderHeld(overview)}`,
    REFRESH_SECONDS,
  )
}

/**
 * On a narrow screen each cell says itself what it is of. Browsers take what is laid out as blocks for no table any more, unless roles
 * say that it is one.
 *
 * @param rows Their cells as HTML; the first names the row.
 */
function renderTable(says: string, heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const renderRow = ([name, ...cells]: readonly string[]) => {
    const rest = cells.map((cell, at) => `<td role="cell" data-of="${heads[at + 1]}">${cell}`)
    return `<tr role="row"><th role="rowheader" scope="row">${name}${rest.join('')}</tr>`
  }
  return `<div class="wide" tabindex="0" role="region" aria-label="${says}"><table role="table">
<thead role="rowgroup"><tr role="row">${heads.map(head => `<th role="columnheader" scope="col">${head}`).join('')}</tr></thead>
<tbody role="rowgroup">
${rows.map(renderRow).join('\n')}
</tbody>
</table></div>`
}

function cellsOf({ service, state, address, tookMs, version, note, facts = {} }: InstanceStatus): string[] {
  const took = tookMs === undefined ? undefined : `${tookMs} ms`
  const answer = [took, note].filter(part => part !== undefined).join(', ')
  const [name = '', ...rest] = [service, address ?? '', answer, formatFacts(facts), version ?? ''].map(
    escapeHtml,
  )
  return [name, `<span class="${state === 'up' ? 'up' : 'down'}">${state}</span>`, ...rest]
}

/** What a worker is at, and what a storage has. */
function formatFacts(facts: Readonly<Record<string, number>>): string {
  const { running, fetching, swapping, storing, ended, bytes, quotaBytes = 0, freeBytes, corrupt = 0 } = facts
  const parts: string[] = []
  if (running !== undefined) parts.push(`${running} under way`)
  for (const [name, count = 0] of Object.entries({ fetching, swapping, storing }))
    if (count > 0) parts.push(`${count} ${name}`)
  if (ended !== undefined) parts.push(`${ended} ended`)
  if (bytes !== undefined)
    parts.push(`${formatRoom(bytes)} of images${quotaBytes > 0 ? ` of ${formatRoom(quotaBytes)}` : ''}`)
  if (freeBytes !== undefined) parts.push(`${formatRoom(freeBytes)} free`)
  if (corrupt > 0) parts.push(`${corrupt} times a corrupt image`)
  return parts.join(', ')
}

function formatRoom(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(bytes < 1e10 ? 1 : 0)} GB`
}

const formatCount = (count: number) => (count < MOST_COUNTED ? String(count) : `${MOST_COUNTED} or more`)

function renderQueue({ waiting, paused, running, failed, oldestMs, minutes }: Overview): string {
  const numbers: [string, string][] = [
    ['Waiting', formatCount(waiting)],
    ['In progress', formatCount(running)],
    ['To be tried again', formatCount(paused)],
    ['Failed', formatCount(failed)],
    ['Next in line waits', oldestMs === undefined ? '–' : formatDuration(oldestMs)],
  ]
  const plots = [
    renderPlot('Made', minutes, ({ made }) => made),
    renderPlot('Finished', minutes, ({ finished }) => finished),
    renderPlot('Failed', minutes, ({ failed }) => failed),
    renderPlot('Mean wait, ms', minutes, ({ waitMs = 0 }) => waitMs),
  ]
  return `<dl class="numbers">
${numbers.map(([says, value]) => `<div><dt>${says}<dd>${value}</div>`).join('\n')}
</dl>
<h2>The last hour, a minute each</h2>
<div class="plots">
${plots.join('\n')}
</div>`
}

function renderPlot(says: string, minutes: readonly Minute[], take: (minute: Minute) => number): string {
  const values = minutes.map(take)
  const most = Math.max(...values)
  const step = PLOT.width / values.length
  const bars = values.map((value, at) => {
    const height = most === 0 ? 0 : (PLOT.height * value) / most
    return value === 0
      ? ''
      : `<rect x="${(at * step).toFixed(1)}" y="${(PLOT.height - height).toFixed(1)}" width="${(step - 1).toFixed(1)}" height="${height.toFixed(1)}"/>`
  })
  const now = values.at(-1) ?? 0
  return `<figure><figcaption>${says} <span class="soft">now ${now}, most ${most}</span></figcaption>
<svg viewBox="0 0 ${PLOT.width} ${PLOT.height}" preserveAspectRatio="none" role="img" aria-label="${says} in each of the last ${values.length} minutes: now ${now}, at most ${most}">${bars.join('')}</svg></figure>`
}

function renderFailures({ failures }: Overview): string {
  if (failures.length === 0) return ''
  const rows = failures.map(task => {
    const { id, reason = 'No reason was given.' } = task
    const actions =
      renderPost(`/tryAgain?id=${id}`, 'Try again') + renderPost(`/deleteTask?id=${id}`, 'Delete')
    return [
      `<a href="/task?id=${id}">${id}</a>`,
      escapeHtml(asSentence(reason)),
      formatTries(task),
      formatTimes(task),
      `<div class="bar">${actions}</div>`,
    ]
  })
  return `<h2>Failed</h2>\n${renderTable('Failed', ['Task', 'Reason', 'Tried', 'When', 'Again'], rows)}\n`
}

function renderHeld({ held }: Overview): string {
  if (held.length === 0) return ''
  const rows = held.map(task => {
    const { id, worker = 'nobody who has a name', attempt = 0, ageMs = 0, takenMs, leaseEndsInMs = 0 } = task
    const lease = `${Math.max(0, Math.ceil(leaseEndsInMs / 1_000))} s`
    const taken = takenMs === undefined ? '' : formatDuration(takenMs)
    const times = [formatDuration(ageMs), taken, lease]
    return [String(id), escapeHtml(worker), String(attempt), ...times]
  })
  const heads = ['Task', 'Worker', 'Attempt', 'Made before', 'Taken before', 'Lease left']
  return `<h2>In progress</h2>\n${renderTable('In progress', heads, rows)}`
}

function formatTries({ attempt = 0, errors = 0, losses = 0 }: Task): string {
  const counts = { attempt, error: errors, 'lost worker': losses }
  const said = Object.entries(counts).filter(([, count]) => count > 0)
  return said.map(([what, count]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(', ') || 'never'
}

/** From its making to its end: the way of its last attempt. */
function formatTimes(task: Task): string {
  const { ageMs = 0, endedMs = 0 } = task
  const took = tookOf(task)
  const way = took === undefined ? '' : `; ${formatTook(took)}`
  return `made ${formatDuration(ageMs)} ago${way}; failed ${formatDuration(endedMs)} ago`
}
