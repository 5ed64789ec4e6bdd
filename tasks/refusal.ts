import { PngError, type PngErrorCode } from '../codec/errors.ts'
import { failed, type Task } from '../database/contract.ts'
import { type ErrorCode, ServiceError } from '../kit/errors.ts'

const codeOf: Record<PngErrorCode, ErrorCode> = {
  'not-a-png': 'unsupported-type',
  broken: 'unprocessable',
  'too-large': 'too-large',
}

/** What the codec found wrong with an upload, as a refusal to its sender; any other error stays what it is. */
export function asRefusal(error: unknown): unknown {
  return error instanceof PngError ? new ServiceError(codeOf[error.code], error.message) : error
}

/** The task, unless it failed: then it is `unprocessable`, with its reason. */
export function refuseFailed(task: Task): Task {
  if (task.state === failed) throw new ServiceError('unprocessable', task.reason ?? 'The task failed.')
  return task
}
