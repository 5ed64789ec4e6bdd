import { Readable } from 'node:stream'

/** A body that stops after its first piece, until it is told to go on. */
export function slowBody(first: Buffer, rest: Buffer): { readonly body: Readable; sendRest(): void } {
  let sendRest = () => {}
  const told = new Promise<void>(resolve => {
    sendRest = resolve
  })
  const pieces = async function* () {
    yield first
    await told
    yield rest
  }
  return { body: Readable.from(pieces()), sendRest }
}
