/** Takes a step five times and tells of each, armed as a service is: for failpoint.test.ts, as a process of its own. */
import '../../kit/arming.ts'
import { writeSync } from 'node:fs'
import { failpoint } from '../../kit/failpoint.ts'

process.on('exit', () => writeSync(1, 'ended\n'))
for (let pass = 1; pass <= 5; pass += 1) {
  try {
    failpoint('master.task.made')
    writeSync(1, `${pass}\n`)
  } catch {
    // What came of it is read from standard error.
  }
}
