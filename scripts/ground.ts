import { accessSync, constants, existsSync, mkdirSync, statfsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Failure } from './failure.ts'
import type { Part } from './services.ts'

/** Least room for a first start, in bytes: a full disk is better heard of now than at the first upload. */
const LEAST_BYTES = 200 * 1024 * 1024

/**
 * Makes the data folder and its logs. Throws a `Failure` when it cannot be written to, or has less room than `least` bytes; where
 * there is data already that is said and no more, since only what runs makes room.
 */
export function prepareDataDir(dataDir: string, say: (line: string) => void, least = LEAST_BYTES): void {
  try {
    mkdirSync(join(dataDir, 'logs'), { recursive: true })
    accessSync(dataDir, constants.W_OK)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ENOSPC') throw new Failure(`no room for data in ${dataDir}`)
    throw new Failure(`data cannot be written to ${dataDir} (${code})`)
  }
  const { bavail, bsize } = statfsSync(dataDir)
  const free = bavail * bsize
  if (free >= least) return
  if (!existsSync(join(dataDir, 'database')))
    throw new Failure(
      `no room for data in ${dataDir}: ${inMegabytes(free)} are free, ${inMegabytes(least)} needed`,
    )
  say(`${inMegabytes(free)} are free in ${dataDir}`)
}

const inMegabytes = (bytes: number) => `${Math.floor(bytes / 1024 / 1024)} MB`

/**
 * Throws a `Failure` that names the first of the parts whose port somebody else has. Asked before anything is started:
 * a stranger on the port could even answer as the service that was to be there.
 */
export async function checkPorts(parts: readonly Part[], host: string): Promise<void> {
  for (const { name, port } of parts) {
    if (port === 0) continue
    const code = await tryPort(port, host)
    if (code !== undefined) throw explainPort(name, port, host, code)
  }
}

/** Why a part cannot have its port, in one line. */
export function explainPort(name: string, port: number, host: string, code: string): Failure {
  const why = code === 'EADDRINUSE' ? 'is in use' : `cannot be had (${code})`
  return new Failure(`${name}: port ${port} of ${host} ${why}`)
}

/** Why a port cannot be listened on. */
function tryPort(port: number, host: string): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host }, () => server.close(() => resolve(undefined)))
  })
}
