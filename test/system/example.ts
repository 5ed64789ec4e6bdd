import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { portSettings } from '../../scripts/services.ts'
import type { System } from './system.ts'

/** The shell examples of a document, in their order. */
export function readExamples(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, code]) => code ?? '')
}

/** Runs an example as it stands there, with the addresses of a system in place of the usual ones; gives what it said. */
export async function runExample(code: string, { urls }: System, folder: string): Promise<string> {
  let script = code
  for (const { service, standard } of portSettings)
    script = script.replaceAll(`http://127.0.0.1:${standard}`, urls[service])
  const options = { cwd: folder, timeout: 60_000 }
  return (await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], options)).stdout
}
