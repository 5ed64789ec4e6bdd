import type { Fault, InputFault, Stage } from './fault.ts'
import type { Scene, SceneOptions } from './scene.ts'

/** The secret in use, and the one before it, which is still taken. */
export const secrets = ['the secret of today', 'the secret of yesterday'] as const

/** What input faults are sent to: a system with secrets, and a few visitors beside. Nothing that is sent waits for a lease. */
export const inputScene: SceneOptions = {
  system: { secrets, env: { LEASE_MS: '5000' } },
  lanes: 2,
  pauseMs: 1_000,
}

/** A fault that opens a system of its own, unless it shares one. */
export function inputFault(parts: Omit<InputFault, 'run'>): InputFault {
  return {
    ...parts,
    async run(stage) {
      const scene = await stage.open(inputScene)
      return { figures: await sendOrClose(parts, scene, stage), findings: await scene.end() }
    },
  }
}

export const isInputFault = (fault: Fault): fault is InputFault => 'send' in fault

/** What was counted; a scene whose fault could not be tried is closed. */
export async function sendOrClose({ send }: Pick<InputFault, 'send'>, scene: Scene, stage: Stage) {
  try {
    return await send(scene, stage)
  } catch (error) {
    await scene.close()
    throw error
  }
}
