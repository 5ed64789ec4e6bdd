import { execFileSync } from 'node:child_process'
import type { Host, Network } from '../test/neighbours/namespace.ts'

/** Nobody has this address: frames to it are sent, and nobody takes them. */
const NOBODY = '02:00:00:00:00:01'

/** How two hosts lose each other: by packets that vanish, or by a link that goes down, of which one side is told. */
export type Cut = 'silent' | 'down'

/** What connects the two hosts of a network. No connection over it is told that it ended. */
export interface Cable {
  cut(how: Cut): void
  mend(how: Cut): void
}

export function createCable({ one, two }: Network): Cable {
  const forBoth = (run: (host: Host, device: string, other: Host) => void) => {
    run(one, 'two', two)
    run(two, 'one', one)
  }
  return {
    cut(how) {
      if (how === 'down') ip(two, 'link', 'set', 'one', 'down')
      else
        forBoth((host, device, { address }) =>
          ip(host, 'neigh', 'replace', address, 'lladdr', NOBODY, 'dev', device, 'nud', 'permanent'),
        )
    },
    mend(how) {
      if (how === 'down') ip(two, 'link', 'set', 'one', 'up')
      else forBoth((host, device, { address }) => ip(host, 'neigh', 'del', address, 'dev', device))
    },
  }
}

/** Runs `ip` on a host. */
function ip({ through: [command = '', ...rest] }: Host, ...args: string[]): void {
  execFileSync(command, [...rest, 'ip', ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
}
