import type { Fault } from './fault.ts'
import { hostileEntries } from './kinds/addresses.ts'
import { blockedLoop } from './kinds/blocked.ts'
import { pngBombs } from './kinds/bombs.ts'
import { fuzzedBytes } from './kinds/bytes.ts'
import { calm } from './kinds/calm.ts'
import { withoutDiscovery } from './kinds/discovery.ts'
import { orderlyEnd } from './kinds/ends.ts'
import { foreignFiles } from './kinds/formats.ts'
import { oddIds } from './kinds/ids.ts'
import { killAll, killOne } from './kinds/kills.ts'
import { mutants } from './kinds/mutants.ts'
import { powerCut } from './kinds/power.ts'
import { secretsShown } from './kinds/secrets.ts'
import { failedSteps } from './kinds/steps.ts'

/** Every fault there is, in the order of their numbers. */
export const catalogue: readonly Fault[] = [
  calm,
  killOne,
  killAll,
  failedSteps,
  powerCut,
  orderlyEnd,
  withoutDiscovery,
  pngBombs,
  mutants,
  foreignFiles,
  oddIds,
  hostileEntries,
  blockedLoop,
  fuzzedBytes,
  secretsShown,
]
