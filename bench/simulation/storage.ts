import type { Costs } from './costs.ts'
import type { Durations } from './durations.ts'
import type { Process } from './process.ts'
import { inTurn, together, type Wait, type Way } from './way.ts'

/** Folders of a state: by the first digit of the id, which is never 0 (storage/engines/shelves.ts). */
const FOLDERS = 9

/** A storage service: how it keeps images and gives them out (storage/engines/files.ts). */
export interface Storage {
  readonly process: Process
  /** Keeps an image: with its bytes and its name on disk it answers. */
  keep(state: 'working' | 'finished', body?: Wait): Way
  /** Reads an image whole, and sends it. */
  give(body?: Wait): Way
  /** Takes in a piece of a streamed body: what its loop and a thread have to do. */
  readonly takePiece: readonly Wait[]
}

export interface StorageOptions {
  readonly process: Process
  readonly costs: Costs
  readonly durations: Durations
  /** How long an fsync waits for the disk, in ms. */
  readonly fsyncMs: number
}

export function createStorage({ process, costs, durations, fsyncMs }: StorageOptions): Storage {
  const { files, storage, piece } = costs
  const syncFolder = process.doesFile(files.syncFolder, fsyncMs)
  const openShelves = () => Array.from({ length: FOLDERS }, () => shareRuns(syncFolder))
  const shelves = { working: openShelves(), finished: openShelves() }
  /** One file operation, and back on the loop. */
  function* does(meanMs: number, diskMs = 0): Way {
    yield process.doesFile(meanMs, diskMs)
    yield process.does(storage.goOn)
  }

  return {
    process,
    *keep(state, body) {
      const sync = shelves[state][durations.below(FOLDERS)] as Wait
      yield process.does(storage.accept)
      if (body !== undefined) yield body
      yield* does(files.write)
      yield* does(files.sync, fsyncMs)
      yield process.does(storage.name)
      yield sync
      yield process.does(storage.answer)
    },
    *give(body) {
      yield process.does(storage.accept)
      yield* does(files.open)
      yield process.doesFile(files.read)
      yield process.does(storage.answer)
      if (body !== undefined) yield body
    },
    takePiece: [process.does(piece.storage), process.doesFile(piece.files)],
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
export const inPieces = (pieces: number, through: () => readonly Wait[]): Wait => {
  if (pieces === 0) return resume => resume()
  const piece = inTurn(through())
  return together(Array.from({ length: pieces }, () => piece))
}
