import { portSettings } from '../scripts/services.ts'
import { call, killLeft } from '../test/scripts/script.ts'
import { atEnd } from '../test/system/ending.ts'
import { freePorts } from '../test/system/ports.ts'

/** A system that start-all.sh has started, in the background. */
export interface Started {
  /** From the call to its return, which is once all six are ready. */
  readonly seconds: number
  /** Stops it by stop-all.sh; resolves once it has. */
  stop(): Promise<void>
}

/** The data of those that run: what a broken run leaves behind is killed. */
const running = new Set<string>()
atEnd(() => {
  for (const dataDir of running) killLeft(dataDir)
})

/** On ports of its own, with this data. */
export async function startSystem(dataDir: string): Promise<Started> {
  const ports = await freePorts(portSettings.length)
  const env = Object.fromEntries(portSettings.map(({ variable }, at) => [variable, String(ports[at])]))
  running.add(dataDir)
  const began = performance.now()
  await callToEnd('start-all.sh', ['--data', dataDir, '--detach'], env)
  return {
    seconds: (performance.now() - began) / 1_000,
    async stop() {
      await callToEnd('stop-all.sh', ['--data', dataDir])
      running.delete(dataDir)
    },
  }
}

async function callToEnd(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const called = call(name, args, env)
  const status = await called.status
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${called.said()}`)
}
