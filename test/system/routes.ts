import type { ZodType } from 'zod'
import { databaseContract } from '../../database/contract.ts'
import { frontendContract } from '../../frontend/contract.ts'
import type { Contract, Route } from '../../kit/contract.ts'
import { kvStoreContract } from '../../kv-store/contract.ts'
import { masterContract } from '../../master/contract.ts'
import type { Service } from '../../scripts/services.ts'
import { storageContract } from '../../storage/contract.ts'
import { workerContract } from '../../worker/contract.ts'

export interface RouteOf {
  readonly service: Service
  readonly route: Route
  /** `GET /get`. */
  readonly name: string
}

const contracts: readonly Contract[] = [
  kvStoreContract,
  databaseContract,
  storageContract,
  masterContract,
  workerContract,
  frontendContract,
]

/** Every route of every contract, beside the /health that all six share. */
export const everyRoute: readonly RouteOf[] = contracts.flatMap(({ service, routes }) =>
  Object.values(routes).map(route => ({
    service: service as Service,
    route,
    name: `${route.method} ${route.path}`,
  })),
)

/** Those that want a secret where there is one. */
export const innerRoutes = everyRoute.filter(({ service }) => service !== 'frontend')

/** The parameters of a route that may not be left out, and all of them. */
export const requiredOf = ({ query }: Route): string[] =>
  Object.entries(query.shape).flatMap(([name, schema]) =>
    (schema as ZodType).safeParse(undefined).success ? [] : name,
  )
export const parametersOf = ({ query }: Route): string[] => Object.keys(query.shape)

/** A value of each parameter that every route takes which has it; what they name is not there. */
const examples: Readonly<Record<string, string>> = {
  id: '4503599627370495',
  ids: '4503599627370495',
  state: 'working',
  token: 'nobody',
  next: 'nobody',
  pause: '1000',
  steps: '1.2.3',
  worker: 'somebody',
  key: 'example',
  value: '127.0.0.1:1',
  instance: 'example-1',
  ttl: '1',
  since: '0',
  wait: '0',
  retry: '0',
  ended: '0',
  create: '0',
  attempt: '1',
  olderThanMs: '0',
  endedMs: '0',
  maxBytes: '1',
  after: '',
  limit: '1',
  v: 'example',
  names: 'example.png',
}

/** A value that a parameter takes. Throws for one that is new: it needs an example. */
export function exampleOf(parameter: string): string {
  const found = examples[parameter]
  if (found === undefined) throw new Error(`the parameter ${parameter} has no example`)
  return found
}

/** What a route may not be asked without, with these values in place of the examples; a list gives a name many times. */
export function queryOf(
  route: Route,
  given: Readonly<Record<string, string | readonly string[]>> = {},
): string {
  const wanted = { ...Object.fromEntries(requiredOf(route).map(name => [name, exampleOf(name)])), ...given }
  const pairs = Object.entries(wanted).flatMap(([name, values]) =>
    [values].flat().map(value => [name, value] as [string, string]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
