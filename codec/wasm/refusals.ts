/** Why a stream is refused: what a step gives instead of a count of bytes. codec/wasm.ts has the words for them. */
export const BAD_BLOCK_TYPE: i32 = -1
export const BAD_STORED_LENGTH: i32 = -2
export const TOO_MANY_SYMBOLS: i32 = -3
export const BAD_CODE_LENGTHS: i32 = -4
export const BAD_REPEAT: i32 = -5
export const NO_END_OF_BLOCK: i32 = -6
export const BAD_LITERAL_LENGTHS: i32 = -7
export const BAD_DISTANCE_LENGTHS: i32 = -8
export const BAD_LITERAL_CODE: i32 = -9
export const BAD_DISTANCE_CODE: i32 = -10
export const TOO_FAR_BACK: i32 = -11
export const CUT_SHORT: i32 = -12
export const TOO_MANY_BYTES: i32 = -13
export const TOO_FEW_BYTES: i32 = -14
export const BAD_ADLER: i32 = -15
export const BAD_HEADER: i32 = -16
export const BAD_METHOD: i32 = -17
export const BAD_WINDOW: i32 = -18
export const PRESET_DICTIONARY: i32 = -19
/** Lowered by the filter type itself. */
export const BAD_FILTER: i32 = -1000
