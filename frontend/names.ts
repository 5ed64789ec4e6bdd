/** Most bytes of a name, before its end: file systems take 255 in all. */
const LONGEST = 200
/** Names that Windows keeps for itself, whatever their end. */
const RESERVED = /^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)/i
/** Control characters and separators of lines, halves of pairs, what turns text around, and what Windows does not take. */
const FORBIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\\/:*?"<>|]/gu

/**
 * Names for the files of an archive: what visitors call their pictures, without what a name on some system may not have, each once
 * and with `.png` at its end. The id where nothing is left.
 */
export function nameFiles(
  files: readonly { readonly id: number; readonly name?: string | undefined }[],
): string[] {
  const taken = new Set<string>()
  /** How often a name was asked for, so that many of one name are not tried from the first on each time. */
  const asked = new Map<string, number>()
  return files.map(({ id, name = '' }) => {
    const stem = stemOf(name) || String(id)
    const key = stem.toLowerCase()
    let unique = stem
    let count = asked.get(key) ?? 1
    for (; taken.has(unique.toLowerCase()); unique = `${stem} (${count})`) count += 1
    asked.set(key, count)
    taken.add(unique.toLowerCase())
    return `${unique}.png`
  })
}

function stemOf(name: string): string {
  // Cut before anything else is looked at: a name may be thousands of characters long.
  const allowed = name
    .slice(0, 4 * LONGEST)
    .normalize('NFC')
    .replace(FORBIDDEN, '')
  const bare = trimStart(trimEnd(allowed).replace(/\.png$/i, ''))
  const characters = [...bare].slice(0, LONGEST)
  while (Buffer.byteLength(characters.join('')) > LONGEST) characters.pop()
  const stem = trimEnd(characters.join(''))
  return RESERVED.test(stem) ? `_${stem}` : stem
}

const isDropped = (character: string | undefined) => character === '.' || character === ' '

/** Without dots and spaces in front: a dot there hides a file. */
function trimStart(text: string): string {
  let from = 0
  while (isDropped(text[from])) from += 1
  return text.slice(from)
}

/** Without dots and spaces behind, which Windows drops. */
function trimEnd(text: string): string {
  let to = text.length
  while (isDropped(text[to - 1])) to -= 1
  return text.slice(0, to)
}
