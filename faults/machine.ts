import { cpus } from 'node:os'

/** How many of which processor this machine has. */
export const describeMachine = () => `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}`
