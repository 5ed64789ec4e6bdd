import sharp from 'sharp'

/**
 * sharp as the witness uses it: of all that libvips can read, PNGs in memory alone. What its other decoders get wrong
 * (GIF, TIFF, HEIF, SVG, ...) cannot be reached, whatever an upload claims to be.
 */
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: ['VipsForeignLoadPngBuffer'] })
sharp.cache(false)
sharp.concurrency(1)

export { sharp }
