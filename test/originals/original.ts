import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { request } from 'undici'
import type { Service } from '../../scripts/services.ts'
import { freePorts } from '../system/ports.ts'
import { createServiceProcess, type ServiceProcess } from '../system/process.ts'

/** One original as a process of its own, not yet started; `places` follow its own address. It ends with the test. */
export async function createOriginal(
  t: Test,
  service: Service,
  ...places: string[]
): Promise<ServiceProcess & { readonly address: string }> {
  const [port = 0] = await freePorts(1)
  const address = `127.0.0.1:${port}`
  const logs = mkdtempSync(join(tmpdir(), 'verdigris-'))
  const own = service === 'worker' ? [] : [address]
  const answers = async () => {
    const { body } = await request(`http://${address}/`)
    await body.dump()
    return true
  }
  const original = createServiceProcess({
    name: service,
    service,
    port,
    program: [`dist/test/originals/${service}.js`, ...own, ...places],
    // A worker listens nowhere: what it asks shows that it runs.
    isReady: service === 'worker' ? async () => true : answers,
    env: process.env,
    logs,
  })
  t.teardown(async () => {
    await original.kill('SIGKILL')
    rmSync(logs, { recursive: true, force: true })
  })
  return { ...original, address }
}

/** The same, started. */
export async function startOriginal(t: Test, service: Service, ...places: string[]) {
  const original = await createOriginal(t, service, ...places)
  await original.start()
  return original
}
