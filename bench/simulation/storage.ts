import type { Costs } from './costs.ts'
import type { Durations } from './durations.ts'
import { createLog, type Log } from './log.ts'
import type { Process } from './process.ts'
import { inTurn, together, type Wait, type Way } from './way.ts'

/** Folders of a state: by the first digit of the id, which is never 0 (storage/engines/shelves.ts). */
const FOLDERS = 9
/** Pieces that are written together: 256 KB (storage/engines/incoming.ts). */
const PIECES_A_WRITE = 4

/** A storage service: how it keeps images and gives them out (storage/engines/files.ts). */
export interface Storage {
  readonly process: Process
  readonly log: Log
  /** Keeps an image: with its bytes and its name on disk it answers. What comes whole goes through the log, what comes in pieces past it. */
  keep(state: 'working' | 'finished', body: Wait): Way
  /** Reads an image whole, which that process has kept, and sends it. */
  give(by: Process | undefined, body: Wait): Way
  /** Takes in a piece of a streamed body, the first of which is at 0: what its loop has to do, and with some of them a thread. */
  takePiece(at: number): readonly Wait[]
}

export interface StorageOptions {
  readonly process: Process
  readonly costs: Costs
  readonly durations: Durations
  /** How long an fsync, and an fdatasync, waits for the disk, in ms. */
  readonly fsyncMs: number
  readonly fdatasyncMs: number
}

export function createStorage(options: StorageOptions): Storage {
  const { process, durations, fsyncMs, fdatasyncMs } = options
  const { files, storage, piece, pieces } = options.costs
  const isLogged = pieces === 0
  const log = createLog({ process, costs: options.costs, fdatasyncMs })
  const syncFolder = process.doesFile(files.syncFolder, fsyncMs)
  const openShelves = () => Array.from({ length: FOLDERS }, () => shareRuns(syncFolder))
  const shelves = { working: openShelves(), finished: openShelves() }

  function* keepFile(state: 'working' | 'finished'): Way {
    const sync = shelves[state][durations.below(FOLDERS)] as Wait
    yield process.doesFile(files.sync, fsyncMs)
    yield process.does(storage.name)
    yield sync
  }
  function* readFile(): Way {
    yield process.doesFile(files.open)
    yield process.does(storage.readNow)
    yield process.doesFile(files.read)
  }
  /** What another has written is not in the log of this one: it is opened and read in threads. */
  function* readSmall(isOwn: boolean): Way {
    if (isOwn) {
      yield process.does(storage.readNow)
      return
    }
    for (let turn = 0; turn < 2; turn += 1) {
      yield process.doesFile(storage.readNow / 2)
      yield process.does(storage.goOn)
    }
  }

  return {
    process,
    log,
    *keep(state, body) {
      yield process.does(storage.accept)
      yield process.does(storage.make)
      yield body
      if (isLogged) yield log.write
      else yield* keepFile(state)
      yield process.does(storage.answer)
    },
    *give(by, body) {
      yield process.does(storage.accept)
      if (isLogged) yield* readSmall(by === process)
      else yield* readFile()
      yield process.does(storage.answer)
      yield body
    },
    takePiece(at) {
      const isWritten = (at + 1) % PIECES_A_WRITE === 0 || at === pieces - 1
      return [process.does(piece.storage), ...(isWritten ? [process.doesFile(files.write)] : [])]
    },
  }
}

/** One run for all who wait: while one is under way, all who come share the next (storage/engines/folder.ts). */
export function shareRuns(run: Wait): Wait {
  let isRunning = false
  let waiting: (() => void)[] = []
  const begin = () => {
    const served = waiting
    waiting = []
    isRunning = true
    run(() => {
      isRunning = false
      if (waiting.length > 0) begin()
      for (const resume of served) resume()
    })
  }
  return resume => {
    waiting.push(resume)
    if (!isRunning) begin()
  }
}

/** A body that travels in pieces: each goes through all of these one after the other, and the next one follows behind it. */
export const inPieces = (pieces: number, through: (at: number) => readonly Wait[]): Wait =>
  together(Array.from({ length: pieces }, (_, at) => inTurn(through(at))))
