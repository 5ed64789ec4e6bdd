import { defineContract } from '../kit/contract.ts'

/** A worker asks and is not asked: it has /health, as all have, and nothing else. */
export const workerContract = defineContract({ service: 'worker', key: 'workerAddress', routes: {} })
