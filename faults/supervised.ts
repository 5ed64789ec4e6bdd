import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../scripts/failure.ts'
import { readRun } from '../scripts/run-file.ts'
import { portSettings } from '../scripts/services.ts'
import { atEnd } from '../test/system/ending.ts'
import { freePorts } from '../test/system/ports.ts'
import type { SystemOptions } from '../test/system/system.ts'
import type { Deployment } from './deployment.ts'
import { standardEnv } from './own.ts'
import { openStanding } from './standing.ts'

const scripts = join(import.meta.dirname, '..', 'scripts')

/** A system with its supervisor, as start-all.sh leaves it, in a folder that is removed in the end. */
export async function openSupervised({ env = {}, counts = {} }: SystemOptions = {}): Promise<Deployment> {
  const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
  const ports = await freePorts(portSettings.length)
  const settings: NodeJS.ProcessEnv = { ...process.env, ...standardEnv, ...env }
  portSettings.forEach(({ variable }, i) => {
    settings[variable] = String(ports[i])
  })
  const call = (script: string, ...args: string[]) => {
    const program = [join(scripts, `${script}.js`), '--data', dataDir, ...args]
    const { status, stderr } = spawnSync(process.execPath, program, { env: settings })
    if (status !== 0) throw new Failure(String(stderr).trim())
  }
  atEnd(() => killLeft(dataDir))
  call('start-all', '--detach', '--workers', String(counts.worker ?? 1))
  const standing = await openStanding(dataDir, settings)
  let isStopped = false
  const stop = async () => {
    if (!isStopped) call('stop-all')
    isStopped = true
    return true
  }
  return {
    ...standing,
    stop,
    async close() {
      await stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** However this process ends, nothing of it runs on. */
function killLeft(dataDir: string): void {
  const left = readRun(dataDir)
  for (const { pid } of left === undefined ? [] : [left.supervisor, ...left.started]) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended before.
    }
  }
}
