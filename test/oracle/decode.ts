import { type Chunk, isCritical, readChunks } from './chunks.ts'
import { type Header, readHeader } from './header.ts'
import { type Raster, readRaster } from './raster.ts'

/** One picture of a file: the default image, or a frame of an animation. */
export interface Frame extends Raster {
  /** fcTL without its sequence number (22 bytes); undefined for a default image that is no frame. */
  readonly control: Buffer | undefined
}

/** Everything that is in a PNG. */
export interface Decoded {
  readonly header: Header
  /** All of them in the order of the file, also ancillary ones with a wrong CRC. */
  readonly chunks: Chunk[]
  /** Whether a good acTL stands before IDAT. Without, fcTL and fdAT mean nothing, and are not looked into. */
  readonly isAnimated: boolean
  /** The default image first, then what the fdAT chunks hold. */
  readonly frames: Frame[]
  /** Bytes after IEND. */
  readonly trailingBytes: number
}

/** The compressed parts of one picture, before they are inflated. */
interface Parts {
  control: Buffer | undefined
  readonly data: Buffer[]
}

/** No upload may have more, and the oracle keeps whole pictures in memory. */
const maxPixels = 100_000_000

/**
 * Decodes a whole PNG, written to be obviously right rather than fast (39 megapixels of RGBA: some seconds, and
 * 0.7 GB at most). Throws an Error that says what is wrong where the file breaks a rule of the specification that
 * its picture depends on; an ancillary chunk with a wrong CRC counts as absent, others are not looked into.
 */
export function decodePng(file: Buffer): Decoded {
  const { chunks, trailingBytes } = readChunks(file)
  const header = readHeader(chunks[0])
  if (header.width * header.height > maxPixels) throw new Error('more than 100 megapixels')
  checkCritical(chunks, header)
  const firstData = chunks.findIndex(chunk => chunk.type === 'IDAT')
  const [animation, second] = chunks.slice(0, firstData).filter(chunk => chunk.type === 'acTL' && chunk.crcOk)
  if (second !== undefined) throw new Error('more than one acTL')
  const pictures = collect(
    chunks.filter(chunk => chunk.crcOk && (animation !== undefined || isCritical(chunk.type))),
  )
  if (animation !== undefined) checkCount(animation.data, pictures)
  const frames = pictures.map(({ control, data }) => {
    const [width, height] = control === undefined ? [header.width, header.height] : sizeOf(control, header)
    return { ...readRaster(Buffer.concat(data), { ...header, width, height }), control }
  })
  return { header, chunks, isAnimated: animation !== undefined, frames, trailingBytes }
}

/** 5.6: which critical chunks there must be, how many, and where. */
function checkCritical(chunks: Chunk[], header: Header): void {
  const known = ['IHDR', 'PLTE', 'IDAT', 'IEND']
  const critical = chunks.filter(chunk => isCritical(chunk.type))
  const stranger = critical.find(chunk => !known.includes(chunk.type))
  if (stranger) throw new Error(`unknown critical chunk ${stranger.type}`)
  if (critical.filter(chunk => chunk.type === 'IHDR').length > 1) throw new Error('more than one IHDR')
  if (chunks.at(-1)!.data.length > 0) throw new Error('IEND is not empty')

  const isData = chunks.map(chunk => chunk.type === 'IDAT')
  const firstData = isData.indexOf(true)
  if (firstData < 0) throw new Error('IDAT is missing')
  if (isData.slice(firstData, isData.lastIndexOf(true)).includes(false)) {
    throw new Error('IDAT chunks are not consecutive')
  }

  const palettes = critical.filter(chunk => chunk.type === 'PLTE')
  if (palettes.length > 1) throw new Error('more than one PLTE')
  if (palettes.length === 0 && header.colourType === 3) throw new Error('PLTE is missing')
  for (const palette of palettes) {
    if (header.colourType === 0 || header.colourType === 4) throw new Error('PLTE in a grey image')
    if (chunks.indexOf(palette) > firstData) throw new Error('PLTE after IDAT')
    checkPalette(palette.data, header)
  }
}

/** 11.2.2: three bytes an entry, 1 to 256 entries, and no more than an index can name. */
function checkPalette(entries: Buffer, header: Header): void {
  const most = header.colourType === 3 ? 2 ** header.bitDepth : 256
  if (entries.length === 0 || entries.length % 3 > 0) throw new Error(`PLTE of ${entries.length} bytes`)
  if (entries.length / 3 > most) throw new Error(`PLTE is too long: ${entries.length / 3} entries`)
}

/** Sorts IDAT, and in an animation fcTL and fdAT, into pictures (11.3.6: one sequence of numbers over fcTL and fdAT, without gaps). */
function collect(chunks: Chunk[]): Parts[] {
  const pictures: Parts[] = [{ control: undefined, data: [] }]
  let hasSeenData = false
  let sequence = 0
  for (const { type, data } of chunks) {
    const picture = pictures.at(-1)!
    if (type === 'IDAT') {
      hasSeenData = true
      picture.data.push(data)
    } else if (type === 'fcTL' || type === 'fdAT') {
      if (type === 'fcTL' ? data.length !== 26 : data.length < 4)
        throw new Error(`${type} of ${data.length} bytes`)
      if (data.readUInt32BE(0) !== sequence) throw new Error(`sequence number of ${type} is not ${sequence}`)
      sequence += 1
      const rest = data.subarray(4)
      if (type === 'fdAT') {
        if (pictures.length === 1) throw new Error('fdAT without fcTL')
        picture.data.push(rest)
      } else if (hasSeenData) {
        pictures.push({ control: rest, data: [] })
      } else {
        if (picture.control) throw new Error('frame without data: two fcTL before IDAT')
        picture.control = rest
      }
    }
  }
  pictures.slice(1).forEach((picture, index) => {
    if (picture.data.length === 0) throw new Error(`frame without data: ${index + 1}`)
  })
  const control = pictures[0]!.control
  if (control) checkDefault(control, chunks[0]!.data)
  return pictures
}

/** 11.3.6.1: it says how many frames there are, at least one, and how often they are played. */
function checkCount(control: Buffer, pictures: readonly Parts[]): void {
  if (control.length !== 8) throw new Error(`acTL of ${control.length} bytes`)
  const frames = pictures.filter(({ control }) => control !== undefined).length
  const said = control.readUInt32BE(0)
  if (said === 0 || said !== frames) throw new Error(`acTL says ${said} frames, there are ${frames}`)
}

/** 11.3.6.2: where the default image is a frame, it fills the whole canvas. */
function checkDefault(control: Buffer, ihdr: Buffer): void {
  const isWhole = control.subarray(0, 8).equals(ihdr.subarray(0, 8)) && control.readBigUInt64BE(8) === 0n
  if (!isWhole) throw new Error('the first frame is not as large as the canvas')
}

/** 11.3.6.2: width, height, then the place on the canvas, 4 bytes each. */
function sizeOf(control: Buffer, canvas: Header): [number, number] {
  const [width, height] = [control.readUInt32BE(0), control.readUInt32BE(4)]
  const [x, y] = [control.readUInt32BE(8), control.readUInt32BE(12)]
  if (width === 0 || height === 0) throw new Error('frame of no size')
  if (x + width > canvas.width || y + height > canvas.height)
    throw new Error('frame reaches beyond the canvas')
  return [width, height]
}
