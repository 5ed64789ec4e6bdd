import type { Fault } from './fault.ts'
import { hostileEntries } from './kinds/addresses.ts'
import { blockedLoop } from './kinds/blocked.ts'
import { pngBombs } from './kinds/bombs.ts'
import { brokenUploads } from './kinds/broken-uploads.ts'
import { fuzzedBytes } from './kinds/bytes.ts'
import { calm } from './kinds/calm.ts'
import { clockJumps } from './kinds/clocks.ts'
import { cutOff } from './kinds/cuts.ts'
import { fewDescriptors } from './kinds/descriptors.ts'
import { withoutDiscovery } from './kinds/discovery.ts'
import { orderlyEnd } from './kinds/ends.ts'
import { wrongAddresses } from './kinds/entries.ts'
import { excess } from './kinds/excess.ts'
import { finishAgain } from './kinds/finishes.ts'
import { bitFlips } from './kinds/flips.ts'
import { flood } from './kinds/flood.ts'
import { foreignFiles } from './kinds/formats.ts'
import { diskFull } from './kinds/full.ts'
import { oddIds } from './kinds/ids.ts'
import { killAll, killOne } from './kinds/kills.ts'
import { badLinks } from './kinds/links.ts'
import { mutants } from './kinds/mutants.ts'
import { poison } from './kinds/poison.ts'
import { powerCut } from './kinds/power.ts'
import { secretsShown } from './kinds/secrets.ts'
import { silence } from './kinds/silence.ts'
import { slowSockets } from './kinds/slow.ts'
import { soak } from './kinds/soak.ts'
import { failedSteps } from './kinds/steps.ts'
import { zombies } from './kinds/zombies.ts'

/** Every fault there is, in the order of their numbers. */
export const catalogue: readonly Fault[] = [
  calm,
  killOne,
  killAll,
  failedSteps,
  powerCut,
  diskFull,
  bitFlips,
  orderlyEnd,
  zombies,
  finishAgain,
  poison,
  clockJumps,
  withoutDiscovery,
  wrongAddresses,
  cutOff,
  badLinks,
  slowSockets,
  brokenUploads,
  excess,
  pngBombs,
  mutants,
  foreignFiles,
  oddIds,
  hostileEntries,
  blockedLoop,
  fewDescriptors,
  flood,
  fuzzedBytes,
  soak,
  secretsShown,
  silence,
]
