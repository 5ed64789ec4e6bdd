import { broken } from '../../test/images/broken.ts'
import { chunk, signature } from '../../test/images/chunk.ts'
import { encodePng, type NamedImage } from '../../test/images/encode.ts'
import { plain } from '../../test/images/formats.ts'
import { inputFault } from '../input.ts'

/** What a file may call itself: the extension and the type are never believed. */
const declarations = [
  { name: 'image.png', type: 'image/png' },
  { name: 'page.html', type: 'text/html' },
  { name: '../../etc/passwd', type: '' },
]
const script = '<!doctype html><script>alert(1)</script>'

/** Files of other kinds, made of their first bytes: nothing more is looked at. */
function others(): NamedImage[] {
  const named = (name: string, bytes: string) => ({ name, bytes: Buffer.from(bytes, 'latin1') })
  const heads = [
    named('TIFF, Intel', `II*\0\x08\0\0\0${'\0'.repeat(40)}`),
    named('TIFF, Motorola', `MM\0*\0\0\0\x08${'\0'.repeat(40)}`),
    named('HEIC', `\0\0\0\x18ftypheic\0\0\0\0mif1heic${'\0'.repeat(40)}`),
    named('AVIF', `\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf${'\0'.repeat(40)}`),
    named('HTML before a PNG', script),
    named('SVG behind an XML declaration', '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'),
  ]
  const image = encodePng(plain)
  return heads.map(({ name, bytes }) => ({
    name,
    bytes: name.startsWith('HTML') ? Buffer.concat([bytes, image]) : bytes,
  }))
}

/** What is refused: other kinds of files, and what has the signature of a PNG and goes on as something else. */
function refused(): NamedImage[] {
  const foreign = broken().filter(({ status, name }) => status === 415 || /CgBI/.test(name))
  const inSignature = ['HTML', 'ZIP', 'JPEG'].map((name, i) => ({
    name: `${name} behind the signature of a PNG`,
    bytes: Buffer.concat([
      signature,
      Buffer.from([script, 'PK\x03\x04', '\xff\xd8\xff\xe0'][i] ?? '', 'latin1'),
    ]),
  }))
  return [...foreign, ...others(), ...inSignature]
}

export const foreignFiles = inputFault({
  name: 'T23',
  says: 'files that are no PNG, whatever they call themselves; a page hidden behind a PNG',
  rounds: { full: 20, short: 1 },
  worksAnywhere: true,
  async send(scene, { rounds }) {
    const { findings } = scene
    let sent = 0
    let turnedAway = 0
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, bytes } of refused()) {
        for (const declared of declarations) {
          sent += 1
          const { status } = await scene.submit(bytes, { declared, mayFail: true })
          if (status === 415 || status === 422) turnedAway += 1
          else findings.broke('I1', `${name}, said to be ${declared.name}, was answered ${status}`)
        }
      }
    }
    const hidden = await sendHidden()
    return [
      { says: `${sent} files that are no PNG, ${turnedAway} refused with 415 or 422` },
      {
        says: `${hidden.length} PNGs with a page behind them, ${hidden.filter(isGone => isGone).length} without it in the result`,
      },
    ]

    /** What follows a PNG is dropped; what stands in its texts stays there, and nobody takes the whole for a page. */
    async function sendHidden(): Promise<boolean[]> {
      const files = [
        Buffer.concat([encodePng(plain), Buffer.from(script)]),
        Buffer.concat([
          encodePng({ ...plain, after: [chunk('tEXt', 'Comment\0nothing')] }),
          Buffer.from(script),
        ]),
      ]
      const gone: boolean[] = []
      for (const bytes of files) {
        const { id, status } = await scene.submit(bytes, {
          declared: { name: 'page.html', type: 'text/html' },
        })
        const result = id === undefined ? undefined : await scene.visitor.fetch(id, 60_000)
        if (result === undefined) findings.broke('I1', `a PNG with a page behind it was answered ${status}`)
        else if (result.includes('<script>')) findings.broke('I2', 'a page behind a PNG is in its result')
        gone.push(result !== undefined && !result.includes('<script>'))
      }
      return gone
    }
  },
})
