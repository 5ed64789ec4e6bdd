/** What has to be undone however this process ends: a test that is told to end has no teardown. */
const endings: (() => void)[] = []
const undo = () => {
  for (const ending of endings.splice(0)) ending()
}
process.once('exit', undo)
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  process.once(signal, () => {
    undo()
    process.kill(process.pid, signal)
  })
}

/** Runs it when this process ends, by itself or by a signal; it may not wait for anything. */
export function atEnd(ending: () => void): void {
  endings.push(ending)
}
