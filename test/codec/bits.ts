/** Writes bits to the least significant end of each byte first (RFC 1951 section 3.1.1). */
export class Bits {
  #bytes = Buffer.alloc(1024)
  #length = 0
  #waiting = 0
  #count = 0

  /** Writes the low `count` bits of `value`, at most 16. */
  put(value: number, count: number): void {
    this.#waiting |= value << this.#count
    this.#count += count
    while (this.#count >= 8) {
      this.#byte(this.#waiting & 255)
      this.#waiting >>>= 8
      this.#count -= 8
    }
  }

  /** Fills the byte up, with zeros or with `filling`. */
  align(filling = 0): void {
    if (this.#count > 0) this.put(filling & ((1 << (8 - this.#count)) - 1), 8 - this.#count)
  }

  /** Fills the byte up, and puts whole bytes behind. */
  append(bytes: Uint8Array): void {
    this.align()
    for (const byte of bytes) this.#byte(byte)
  }

  /** All bytes so far; what is left of the last one is filled up. */
  done(): Buffer {
    this.align()
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }

  #byte(byte: number): void {
    if (this.#length === this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes, this.#bytes])
    this.#bytes[this.#length] = byte
    this.#length += 1
  }
}
