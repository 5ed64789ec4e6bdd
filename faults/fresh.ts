import type { OpenDeployment } from './deployment.ts'
import { openOwn } from './own.ts'
import { openSupervised } from './supervised.ts'

/** Starts a system for one fault, with a supervisor where that is what is tried. */
export const openFresh: OpenDeployment = (options, isSupervised) =>
  isSupervised ? openSupervised(options) : openOwn(options)
