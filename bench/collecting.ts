import { isMainThread } from 'node:worker_threads'
import { COLLECT_SIGNAL, collectGarbage } from './garbage.ts'

// What is started with this module before its own, `node --import`, collects its garbage when it is told to.
if (isMainThread) process.on(COLLECT_SIGNAL, collectGarbage)
