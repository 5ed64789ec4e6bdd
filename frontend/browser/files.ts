/** A PNG begins with these (PNG specification, 5.2); its header follows, width and height first (11.2.2). */
const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10]
const HEADER_BYTES = 24

/** What an upload may be at most. */
export interface Limits {
  readonly maxBytes: number
  readonly maxPixels: number
}

/** Why the server would refuse a file, told from its first bytes; undefined when it would not for these. */
export async function refusalOf(file: File, { maxBytes, maxPixels }: Limits): Promise<string | undefined> {
  if (file.size > maxBytes)
    return `It is larger than ${formatBytes(maxBytes)}: it has ${formatBytes(file.size)}.`
  const head = await file
    .slice(0, HEADER_BYTES)
    .arrayBuffer()
    .then(bytes => new DataView(bytes))
    .catch(() => undefined)
  if (head === undefined) return 'It cannot be read.'
  if (SIGNATURE.some((byte, at) => at >= head.byteLength || head.getUint8(at) !== byte))
    return 'It is not a PNG.'
  if (head.byteLength < HEADER_BYTES) return 'It is cut short.'
  const pixels = head.getUint32(16) * head.getUint32(20)
  if (pixels > maxPixels)
    return `It has ${formatMegapixels(pixels)}, more than the ${formatMegapixels(maxPixels)} allowed.`
  return undefined
}

/** The files that are dropped or pasted, those in folders as well, in the order of their paths. */
export async function filesOf(data: DataTransfer): Promise<File[]> {
  // Asked for before anything is awaited: the list is emptied then.
  const entries = [...data.items].map(item => item.webkitGetAsEntry?.())
  if (entries.every(entry => !entry)) return [...data.files]
  return (await Promise.all(entries.map(entry => (entry ? filesIn(entry) : [])))).flat()
}

async function filesIn(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile)
    return new Promise(resolve =>
      (entry as FileSystemFileEntry).file(
        file => resolve([file]),
        () => resolve([]),
      ),
    )
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const all: FileSystemEntry[] = []
  for (;;) {
    // It gives some hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>(resolve =>
      reader.readEntries(resolve, () => resolve([])),
    )
    if (some.length === 0) break
    all.push(...some)
  }
  // Systems keep their notes in folders, under names that nobody sees (.DS_Store).
  const seen = all.filter(({ name }) => !name.startsWith('.'))
  seen.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }))
  return (await Promise.all(seen.map(filesIn))).flat()
}

export function formatBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} bytes`
  const [value, unit] = bytes < 1e6 ? [bytes / 1e3, 'KB'] : [bytes / 1e6, 'MB']
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

const formatMegapixels = (pixels: number) => `${Math.round(pixels / 1e5) / 10} megapixels`
