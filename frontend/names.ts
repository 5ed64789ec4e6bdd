/** Most bytes of a name, before its end: file systems take 255 in all. */
const LONGEST = 200

/**
 * Names for the files of an archive: what visitors call their pictures, without what a name on some system may not have, each once
 * and with `.png` at its end. The id where nothing is left.
 */
export function nameFiles(
  files: readonly { readonly id: number; readonly name?: string | undefined }[],
): string[] {
  const taken = new Set<string>()
  return files.map(({ id, name = '' }) => {
    const stem = stemOf(name) || String(id)
    let unique = stem
    for (let again = 2; taken.has(unique.toLowerCase()); again += 1) unique = `${stem} (${again})`
    taken.add(unique.toLowerCase())
    return `${unique}.png`
  })
}

function stemOf(name: string): string {
  const allowed = name
    // Control and formatting characters, halves of pairs, and what Windows does not take.
    .replace(/[\p{C}\\/:*?"<>|]/gu, '')
    .replace(/\.png$/i, '')
    .replace(/^[. ]+|[. ]+$/g, '')
  const characters = [...allowed].slice(0, LONGEST)
  while (Buffer.byteLength(characters.join('')) > LONGEST) characters.pop()
  return characters.join('')
}
