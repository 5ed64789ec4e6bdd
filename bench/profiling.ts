import { type Profiler, Session } from 'node:inspector'
import { watchOnSignal } from './watch.ts'

/** Pause between two samples, in us. */
const SAMPLED_US = 500

// What is started with this module before its own, `node --import`, profiles its main thread while it is told to.
watchOnSignal(() => {
  const session = new Session()
  session.connect()
  session.post('Profiler.enable')
  session.post('Profiler.setSamplingInterval', { interval: SAMPLED_US })
  session.post('Profiler.start')
  return () => {
    let profile: Profiler.Profile | undefined
    // A session with its own thread answers before it returns.
    session.post('Profiler.stop', (_error, answer) => {
      profile = answer?.profile
    })
    session.disconnect()
    return profile
  }
})
