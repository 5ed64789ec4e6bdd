import { readSync, writeSync } from 'node:fs'

/**
 * For a process that was started ahead of its turn: says on a socket that its code is loaded, and blocks until the other
 * end is closed. Nothing was opened yet, so nobody misses its event loop.
 */
export function standBy(socket: number): void {
  try {
    writeSync(socket, '.')
    while (readSync(socket, Buffer.alloc(1)) > 0);
  } catch {
    // Who started it is gone: there is no turn to wait for.
  }
}
