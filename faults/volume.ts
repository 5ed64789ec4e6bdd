import { spawnSync } from 'node:child_process'
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { atEnd } from '../test/system/ending.ts'
import type { Need } from './fault.ts'

/** What a volume takes. */
export const volumeNeeds: readonly Need[] = ['root', 'command mkfs.ext4', 'command filefrag']

/** How long ext4 may keep changes to itself which nobody asks for with fsync, in seconds: longer than any fault lasts. */
const COMMIT_SECONDS = 300
/** Bytes of a block of the file system. */
const BLOCK_BYTES = 4_096

/** A file system of its own on a block device of its own, which is a file. Needs root. */
export interface Volume {
  /** Where it is mounted. */
  readonly path: string
  /**
   * A power cut, once those who write are dead: what ext4 has not yet written to the device is lost, and what it has is
   * mounted again, its journal recovered.
   */
  cut(): void
  /** Flips one bit of a file on the device, below the file system, which notices nothing: inode, size and times stay. */
  flip(file: string, byte: number, bit: number): void
  close(): void
}

/** Makes one of `megabytes` and mounts it at `path`. It is gone when this process ends, however it does. */
export function openVolume(path: string, megabytes: number): Volume {
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-volume-'))
  const device = join(folder, 'device')
  const mount = () => {
    const options = `loop,commit=${COMMIT_SECONDS},noauto_da_alloc`
    run('mount', ['-t', 'ext4', '-o', options, device, path])
  }
  const format = ['-q', '-b', String(BLOCK_BYTES), '-E', 'lazy_itable_init=0,lazy_journal_init=0']
  run('truncate', ['--size', `${megabytes}M`, device])
  run('mkfs.ext4', [...format, device])
  mkdirSync(path, { recursive: true })
  mount()
  const close = () => {
    spawnSync('umount', ['--lazy', path])
    rmSync(folder, { recursive: true, force: true })
  }
  atEnd(close)

  return {
    path,
    cut() {
      // The file is what the device has been given. Unmounting writes the rest, so the copy comes first.
      const copy = join(folder, 'copy')
      run('cp', ['--sparse=always', device, copy])
      run('umount', [path])
      renameSync(copy, device)
      mount()
    },
    flip(file, byte, bit) {
      // What is in memory alone, and in a log, has no place yet.
      const open = openSync(file, 'r')
      fsyncSync(open)
      closeSync(open)
      const at = placeOf(file, byte)
      const fd = openSync(device, 'r+')
      const cell = Buffer.alloc(1)
      readSync(fd, cell, 0, 1, at)
      cell[0] = (cell[0] ?? 0) ^ (1 << bit)
      writeSync(fd, cell, 0, 1, at)
      closeSync(fd)
      // What memory still has of it is dropped, as it is some day by itself.
      run('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'])
    },
    close,
  }
}

/** Where a byte of a file lies on its device. */
function placeOf(file: string, byte: number): number {
  const block = Math.floor(byte / BLOCK_BYTES)
  for (const line of run('filefrag', ['-e', `-b${BLOCK_BYTES}`, file]).split('\n')) {
    const [, from, to, start] = /^\s*\d+:\s*(\d+)\.\.\s*(\d+):\s*(\d+)\.\./.exec(line) ?? []
    if (from !== undefined && Number(from) <= block && block <= Number(to))
      return (Number(start) + block - Number(from)) * BLOCK_BYTES + (byte % BLOCK_BYTES)
  }
  throw new Error(`byte ${byte} of ${file} lies nowhere`)
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (status === 0) return stdout
  throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}
