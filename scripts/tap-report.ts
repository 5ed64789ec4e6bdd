/** A test that did not run, and why. */
export interface LeftOut {
  readonly file: string
  readonly name: string
  readonly reason: string
}

export interface TapReport {
  readonly passed: number
  readonly failed: number
  readonly leftOut: readonly LeftOut[]
  /** Files that took longer than they should, with their time in ms. */
  readonly slow: readonly { readonly file: string; readonly ms: number }[]
  /** What tests say of what they measured: their comments. */
  readonly figures: readonly { readonly file: string; readonly figure: string }[]
}

/** Told of what happens, as it happens, a line each. */
export type Say = (line: string) => void

/** From how many ms on a file counts as slow. */
const SLOW_MS = 10_000
/** Most lines that are shown of one failure. */
const MOST_LINES = 80

const result = /^(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO)(?: (.*))?)?(?: # time=([\d.]+)ms)?$/i
/** A comment of a test, not one of tap's own. */
const comment = /^# (?!Subtest|time=|timeout|test count|no tests|failed |skip|todo)(.*)$/

/**
 * Reads the TAP of a run of many files line by line. What is counted are the tests that a file names at its top; a file
 * that fails without a failed test (it broke, or took too long) is one failed test itself.
 */
export function createTapReader(say: Say): { readonly report: TapReport; read(line: string): void } {
  const report = {
    passed: 0,
    failed: 0,
    leftOut: [] as LeftOut[],
    slow: [] as { file: string; ms: number }[],
    figures: [] as { file: string; figure: string }[],
  }
  let file = ''
  let failedInFile = 0
  let heard: string[] = []

  const complain = (name: string) => {
    report.failed++
    say(`FAILED  ${file}: ${name}`)
    for (const line of heard.slice(0, MOST_LINES)) say(`    ${line}`)
  }
  const endOfTest = (verdict: string, name: string) => {
    if (verdict === 'ok') report.passed++
    else {
      failedInFile++
      complain(name)
    }
    heard = []
  }
  const endOfFile = (verdict: string, name: string, ms: number) => {
    file = name
    if (verdict !== 'ok' && failedInFile === 0) complain('the file itself: it ended early, or had no tests')
    if (ms > SLOW_MS) report.slow.push({ file, ms })
    say(`${verdict === 'ok' ? 'ok     ' : 'FAILED '} ${file} (${(ms / 1_000).toFixed(1)} s)`)
    failedInFile = 0
    heard = []
  }

  const read = (line: string) => {
    const text = line.trimStart()
    const depth = line.length - text.length
    if (depth === 0 && text.startsWith('# Subtest: ')) {
      file = text.slice('# Subtest: '.length)
      heard = []
    }
    const figure = depth > 0 ? comment.exec(text)?.[1] : undefined
    if (figure !== undefined) report.figures.push({ file, figure })

    // Diagnostics stand two spaces further in than the result they belong to.
    const found = depth % 4 === 0 ? result.exec(text) : null
    const [, verdict = '', name = '', directive, reason = '', time = '0'] = found ?? []
    if (directive !== undefined && depth > 0) {
      report.leftOut.push({ file, name, reason: reason || directive.toLowerCase() })
    } else if (directive !== undefined) {
      report.leftOut.push({ file: name, name: 'all of it', reason: reason || directive.toLowerCase() })
    } else if (found !== null && depth === 0) endOfFile(verdict, name, Number(time))
    else if (found !== null && depth === 4) endOfTest(verdict, name)
    else if (verdict !== 'ok' && text !== '' && !text.startsWith('# ')) heard.push(line.slice(4))
  }
  return { report, read }
}
