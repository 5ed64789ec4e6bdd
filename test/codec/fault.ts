/** What may be wrong with a block, as far as it has what is to be wrong. */
export const BLOCK_FAULTS = [
  'too many literals',
  'too many distances',
  'literals oversubscribed',
  'literals incomplete',
  'distances oversubscribed',
  'distances incomplete',
  'lengths oversubscribed',
  'lengths incomplete',
  'no lengths',
  'repeat of nothing',
  'repeat too long',
  'no end of block',
  'no distances',
  'other bit',
] as const
export type BlockFault = (typeof BLOCK_FAULTS)[number]

/** What may be wrong with a stream beside its blocks. */
export const STREAM_FAULTS = [
  'header',
  'block type',
  'stored length',
  'stray literal',
  'stray distance',
  'too far back',
  'no last block',
  'longer',
  'shorter',
  'filter',
  'adler',
] as const
export type Fault = BlockFault | (typeof STREAM_FAULTS)[number]
