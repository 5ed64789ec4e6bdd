import type { Header } from './header.ts'

/** One reduced image of Adam7, or the whole of an image that is not interlaced. */
export interface Pass {
  /** Pixels. */
  readonly width: number
  /** Rows. */
  readonly height: number
  /** Bytes of one row, its filter byte included. */
  readonly rowBytes: number
}

/** How the bytes of an inflated image or animation frame lie (PNG third edition, sections 7.2, 8 and 9). */
export interface Layout {
  /** Pixels of the image, not of a pass. */
  readonly width: number
  readonly height: number
  /** 1 for every depth up to 8. */
  readonly sampleBytes: 1 | 2
  /** Bytes from one pixel to the next, at least 1: the distance that filters look back. */
  readonly pixelBytes: number
  /** In order; those without pixels are left out, since they have no bytes either. */
  readonly passes: readonly Pass[]
  /** Bytes of all rows of all passes. */
  readonly inflatedBytes: number
}

const CHANNELS: Readonly<Record<Header['colourType'], number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }

/** First column and row, and the step between columns and rows, of each Adam7 pass (section 8.1). */
const ADAM7: readonly (readonly [x: number, y: number, dx: number, dy: number])[] = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
]

/**
 * The layout of an image of the header's type, or of a frame of it: `size` in pixels, the header's own unless
 * given. Every frame of an animation is interlaced as IHDR says.
 */
export function layoutOf(header: Header, size: { width: number; height: number } = header): Layout {
  const { width, height } = size
  const bits = CHANNELS[header.colourType] * header.bitDepth
  const steps = header.interlaced ? ADAM7 : ([[0, 0, 1, 1]] as const)
  const passes = steps
    .map(([x, y, dx, dy]) => passOf(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy), bits))
    .filter(pass => pass.width > 0 && pass.height > 0)
  return {
    width,
    height,
    sampleBytes: header.bitDepth === 16 ? 2 : 1,
    pixelBytes: Math.ceil(bits / 8),
    passes,
    inflatedBytes: passes.reduce((sum, pass) => sum + pass.height * pass.rowBytes, 0),
  }
}

function passOf(width: number, height: number, bits: number): Pass {
  return { width, height, rowBytes: 1 + Math.ceil((width * bits) / 8) }
}
