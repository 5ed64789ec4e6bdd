/** Put into each fsync of a slow disk. */
const SLOWER_MS = 5

/** Said of what runs on one. */
export const onSlowDisk = `${SLOWER_MS} ms more for each fsync`

/** What a program and its children are run through to have one: strace, which stops them for nothing else, and leaves it its number. */
export const slowDisk: readonly string[] = [
  'strace',
  '-D',
  '-f',
  '--seccomp-bpf',
  '-qq',
  '-o',
  '/dev/null',
  '-e',
  'trace=fsync,fdatasync,syncfs',
  '-e',
  `inject=fsync,fdatasync,syncfs:delay_exit=${SLOWER_MS * 1_000}`,
]
