import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from '../test/system/ports.ts'
import { createServiceProcess } from '../test/system/process.ts'
import { openSystem, type SystemOptions } from '../test/system/system.ts'
import type { Deployment } from './deployment.ts'

/** Leases, sweeps and their like are short, so that what follows from them is seen many times; a fault may say otherwise. */
export const standardEnv = { LEASE_MS: '2000', ABANDONED_MS: '2000', LOG_LEVEL: 'warn' }
const SWEEP_MS = 1_000
/** How long images without a task may take to be gone, in ms: a sweeper asks for the task of each image that lies there. */
const SWEPT_MS = 900_000
const LOOK_MS = 100

/** Starts a system, in a folder that is removed in the end unless one is given. Needs dist/ to be built. */
export async function openOwn(options: SystemOptions = {}): Promise<Deployment> {
  const env: Record<string, string> = { ...standardEnv, ...options.env }
  const system = await openSystem({ ...options, env })
  const { urls } = system

  /** Masters sweep, any number of them: one that sweeps at once joins those that are there. */
  const openSweeper = async () => {
    const [port = 0] = await freePorts(1)
    const sweeper = createServiceProcess({
      name: 'master-sweeping',
      service: 'master',
      port,
      logs: mkdtempSync(join(tmpdir(), 'verdigris-sweeper-')),
      env: {
        ...process.env,
        ...env,
        ...(options.secrets && { SECRET: options.secrets[0] }),
        KV: urls['kv-store'].replace('http://', ''),
        MASTER_PORT: String(port),
        ORPHAN_MS: String(SWEEP_MS),
        SWEEP_MS: String(SWEEP_MS),
      },
    })
    await sweeper.start()
    return sweeper
  }

  return {
    ...system,
    secret: options.secrets?.[0] ?? env.SECRET,
    leaseMs: Number(env.LEASE_MS),
    abandonedMs: Number(env.ABANDONED_MS),
    orphanMs: SWEEP_MS,
    async sweepOrphans(isClean) {
      if (await isClean()) return
      const sweeper = await openSweeper()
      const deadline = performance.now() + SWEPT_MS
      while (!(await isClean()) && performance.now() < deadline) await delay(LOOK_MS)
      await sweeper.kill('SIGTERM')
    },
    async stop() {
      await system.stop()
      return true
    },
  }
}
