/** What ends a script: one line for whoever called it, and its exit status (2: called wrongly). */
export class Failure extends Error {
  readonly exitStatus: number

  constructor(message: string, exitStatus = 1) {
    super(message)
    this.exitStatus = exitStatus
  }
}

/** Runs a script to its end, which is the end of the process. `main` gives the exit status, or throws a `Failure`. */
export async function runScript(name: string, main: () => Promise<number>): Promise<never> {
  // A terminal that was closed must not end what still has services to stop.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  try {
    process.exit(await main())
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exit(error.exitStatus)
  }
}
