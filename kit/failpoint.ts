import { writeSync } from 'node:fs'
import { ConfigError } from './config.ts'
import { ServiceError } from './errors.ts'
import { type Failpoint, failpoints } from './failpoints.ts'

/**
 * What is done at a step: `crash` kills the process, which does nothing any more; `error` throws what a failure of this
 * step looks like; `note` only writes a line.
 */
type Action = 'crash' | 'error' | 'note'

interface Armed {
  readonly action: Action
  /** The pass with which it begins, from 1. */
  readonly first: number
  /** For how many passes. */
  readonly count: number
}

const armed = new Map<Failpoint, Armed>()
const passes = new Map<Failpoint, number>()

/**
 * A step has just been done: the place to fail, if it is armed. Each step that is failed, or noted for the first time, is a
 * line on standard error: `failpoint storage.file.synced: crash`.
 *
 * Production has none of these: `scripts/bundle.ts` leaves out every line that is a call of this function and nothing else.
 */
export function failpoint(name: Failpoint): void {
  const what = armed.get(name)
  if (what === undefined) return
  const pass = (passes.get(name) ?? 0) + 1
  passes.set(name, pass)
  if (pass < what.first || pass >= what.first + what.count) return
  if (what.action !== 'note' || pass === what.first) writeSync(2, `failpoint ${name}: ${what.action}\n`)
  if (what.action === 'crash') crash()
  if (what.action === 'error') throw errorAt(name)
}

/**
 * Arms these failpoints of this process and no others, from a list such as `storage.file.synced=crash,master.task.made=error`. After an
 * action `@3` means from the third pass on, `*2` means twice: `error*1` fails once, `error` until the process ends. The
 * name `*` means all; what comes later counts. Throws a `ConfigError` for what does not exist.
 */
export function armFailpoints(list: string): void {
  armed.clear()
  passes.clear()
  for (const entry of list.split(',').flatMap(entry => entry.trim() || [])) {
    const parts = /^([a-z.*-]+)=(crash|error|note)(?:@([1-9][0-9]{0,8}))?(?:\*([1-9][0-9]{0,8}))?$/.exec(
      entry,
    )
    if (parts === null)
      throw new ConfigError(`FAILPOINTS: ${entry} is not NAME=crash, NAME=error or NAME=note, @N, *N`)
    const [, name = '', action, first = 1, count = Number.POSITIVE_INFINITY] = parts
    if (name !== '*' && !Object.hasOwn(failpoints, name))
      throw new ConfigError(`FAILPOINTS: there is no ${name}`)
    const names = (name === '*' ? Object.keys(failpoints) : [name]) as Failpoint[]
    for (const name of names)
      armed.set(name, { action: action as Action, first: Number(first), count: Number(count) })
  }
}

/** As the kernel kills: no handler, no flush, and not one line more is run. */
function crash(): never {
  process.kill(process.pid, 'SIGKILL')
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
}

/** What the disk, or whoever is asked next, says when it fails, so that it is treated as it would be in earnest. */
function errorAt(name: Failpoint): Error {
  switch (name.slice(0, name.indexOf('.'))) {
    case 'storage':
      return Object.assign(new Error('EIO: i/o error'), { errno: -5, code: 'EIO', syscall: 'failpoint' })
    case 'database':
    case 'kv-store':
      return Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR' })
    default:
      return new ServiceError('unavailable', 'The next service is away.')
  }
}
