/** A witness of a sharp that errs, which the real one cannot be brought to. */
process.stdin.once('data', () => process.stdout.write('overruled\n')).resume()
