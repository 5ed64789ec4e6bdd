import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import type { System } from '../system/system.ts'

/** Looks at tasks from the moment a worker could see them, and whether their image is there (I3). */
export interface Probe {
  /** Ends it; gives how many waiting tasks were seen, and which of them had no image. */
  stop(): Promise<{ readonly seen: number; readonly withoutImage: readonly string[] }>
}

export function startProbe({ urls }: System): Probe {
  const seen = new Set<string>()
  const withoutImage: string[] = []
  let isOver = false

  const look = async () => {
    const { body } = await request(`${urls.database}/list`)
    for (const [, id = ''] of (await body.text()).matchAll(/^(\d+) : .*state: 0$/gm)) {
      if (seen.has(id)) continue
      seen.add(id)
      const image = await request(`${urls.storage}/getImage?id=${id}&state=working`)
      await image.body.dump()
      if (image.statusCode !== 200) withoutImage.push(id)
    }
  }
  const probing = (async () => {
    while (!isOver) {
      await look()
      await delay(2)
    }
  })()
  return {
    async stop() {
      isOver = true
      await probing
      return { seen: seen.size, withoutImage }
    },
  }
}
