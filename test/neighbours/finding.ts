import { join } from 'node:path'
import type { Test } from 'tap'
import { portSettings, type Service } from '../../scripts/services.ts'
import { broken } from '../images/broken.ts'
import { slowBody } from '../originals/slow.ts'
import { freePorts } from '../system/ports.ts'
import { createServiceProcess } from '../system/process.ts'
import type { System } from '../system/system.ts'
import { upload, waitUntilDone } from '../system/visitor.ts'

/** A promise that does not hold with an original in place of one of ours, and the proof of it. */
export interface Finding {
  readonly original: Service
  /** In words, for docs/originals.md. */
  readonly breaks: string
  /** Shows it in a system of ours with that one original. */
  show(t: Test, system: System): Promise<void>
}

/** Uploads an image and waits until it is done; gives its id. */
export async function doOne(system: System, image: Buffer): Promise<string> {
  const { id = '' } = await upload(system.urls.frontend, image)
  await waitUntilDone(system.urls.frontend, id)
  return id
}

/** Ends a service of ours and starts it again at another address. */
export async function move(t: Test, system: System, service: 'master' | 'storage'): Promise<void> {
  await system.kill(service, 'SIGTERM')
  const [port = 0] = await freePorts(1)
  const variable = portSettings.find(setting => setting.service === service)?.variable ?? ''
  const env = {
    ...process.env,
    KV: system.urls['kv-store'].replace('http://', ''),
    DATA_DIR: system.dataDir,
    [variable]: String(port),
  }
  const moved = createServiceProcess({
    name: `${service}-elsewhere`,
    service,
    port,
    env,
    logs: join(system.dataDir, 'logs'),
  })
  t.teardown(async () => {
    await moved.kill('SIGKILL')
    await system.start(service)
  })
  await moved.start()
}

/** An image that is taken in, and found broken by whoever decodes it. */
export const brokenImage = () => broken().find(({ status }) => status === 'failed')?.bytes ?? Buffer.alloc(0)

/** A body of which the first 100 bytes come at once, and the others when it is said. */
export const inTwoParts = (image: Buffer) => slowBody(image.subarray(0, 100), image.subarray(100))
