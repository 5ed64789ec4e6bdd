import { buffer } from 'node:stream/consumers'

/** A witness of a sharp that errs, which the real one cannot be brought to. */
await buffer(process.stdin)
process.stdout.write('overruled\n')
