import { portSettings, type Service } from '../scripts/services.ts'
import { freePorts } from '../test/system/ports.ts'
import { createServiceProcess } from '../test/system/process.ts'

/** One of the six as a process of its own, without the others. */
export interface LoneService {
  readonly url: string
  /** `host:port`. */
  readonly address: string
  readonly pid: number
  close(): Promise<void>
}

/** Starts it with what it has unless told otherwise; data and log lie in `folder`. All but the kv-store need `kv`. */
export async function openService(service: Service, folder: string, kv?: LoneService): Promise<LoneService> {
  const [port = 0] = await freePorts(1)
  const variable = portSettings.find(setting => setting.service === service)?.variable ?? ''
  const env = {
    ...process.env,
    [variable]: String(port),
    DATA_DIR: folder,
    ...(kv && { KV: kv.address }),
  }
  const running = createServiceProcess({ name: service, service, port, env, logs: folder })
  await running.start()
  return {
    url: running.url,
    address: `127.0.0.1:${port}`,
    pid: running.pid(),
    async close() {
      await running.kill('SIGINT')
    },
  }
}
