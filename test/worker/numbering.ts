/** A witness of images of three bytes that says which process it is, and ends without a word when it is told `end`. */
const QUESTION_BYTES = 11
let heard = Buffer.alloc(0)
process.stdin.on('data', (piece: Buffer) => {
  heard = Buffer.concat([heard, piece])
  if (heard.includes('end')) process.exit()
  if (heard.length < QUESTION_BYTES) return
  heard = heard.subarray(QUESTION_BYTES)
  process.stdout.write(`${process.pid}\n`)
})
