/** What the bench uses of pngjs, which has no types of its own. */
declare module 'pngjs' {
  interface Image {
    readonly width: number
    readonly height: number
    /** RGBA, 8 bit, whatever the file has. */
    readonly data: Buffer
  }
  export const PNG: { readonly sync: { read(file: Buffer): Image; write(image: Image): Buffer } }
}
