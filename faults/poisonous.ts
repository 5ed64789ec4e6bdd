/**
 * Loaded into a worker by NODE_OPTIONS, this makes some images poison which are none: the codec itself neither throws nor
 * kills nor hangs. Small images are swapped on the event loop, so what hangs there hangs the process.
 */
interface Exports {
  readonly begin: (pixelBytes: number) => void
}
type Instance = new (...args: readonly object[]) => { readonly exports: Exports }
declare const WebAssembly: { Instance: Instance }

/** What becomes of an image, by the bytes of its pixels: grey with alpha, RGB and RGBA of 16 bit. */
const poisons: Readonly<Record<number, () => void>> = {
  2: () => {
    for (;;);
  },
  6: () => {
    throw new Error('poison')
  },
  8: () => process.kill(process.pid, 'SIGKILL'),
}

const { Instance } = WebAssembly
WebAssembly.Instance = class {
  readonly exports: Exports

  constructor(...args: readonly object[]) {
    const { exports } = new Instance(...args)
    // Others have modules too.
    const isCodec = 'begin' in exports
    this.exports = isCodec
      ? { ...exports, begin: (pixelBytes: number) => beginOrDie(exports, pixelBytes) }
      : exports
  }
}

function beginOrDie({ begin }: Exports, pixelBytes: number): void {
  poisons[pixelBytes]?.()
  begin(pixelBytes)
}
