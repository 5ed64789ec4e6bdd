import { parseArgs } from 'node:util'
import type { z } from 'zod'

/** What --help says of a setting, and where its value comes from: a flag first, then the environment, then its default. */
export interface SettingMeta {
  /** The variable of the environment; also gives the flag its name: `MAX_PIXELS` is `--max-pixels`. */
  readonly env: string
  readonly unit: string
  readonly says: string
  /** Only from the environment: what stands in an argument can be read by everyone on the machine. */
  readonly isHidden?: boolean
}

/** A service's settings. */
export interface ConfigSpec<S extends z.ZodRawShape> {
  readonly service: string
  readonly settings: { readonly [N in keyof S]: Setting<S[N]> }
  /** Settings that may also be given by their place, as the original's services take them. */
  readonly positional: readonly (keyof S & string)[]
}

export interface Setting<T extends z.core.SomeType = z.ZodType> {
  readonly schema: T
  readonly meta: SettingMeta
}

export type Config<S extends z.ZodRawShape> = { [N in keyof S]: z.output<S[N]> }

/** Describes one setting: how its text is read, and what --help says of it. */
export const setting = <T extends z.ZodType>(schema: T, meta: SettingMeta): Setting<T> => ({ schema, meta })

/** A wrong setting; the message is one line for whoever starts the service. */
export class ConfigError extends Error {}

const flagOf = ({ env }: SettingMeta) => env.toLowerCase().replaceAll('_', '-')

/** Reads settings from arguments and environment; `help` when it was asked for. Throws a `ConfigError`. */
export function readConfig<S extends z.ZodRawShape>(
  spec: ConfigSpec<S>,
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
): Config<S> | { help: string } {
  const settings = Object.entries(spec.settings) as [string, Setting][]
  const flags = settings.filter(([, { meta }]) => !meta.isHidden)
  const given = readArguments([...argv], flags)
  if (given.values.help === true) return { help: helpOf(spec, settings) }
  if (given.positionals.length > spec.positional.length)
    throw new ConfigError(
      `${spec.service} takes ${spec.positional.join(' ').toUpperCase() || 'no'} arguments; see --help`,
    )
  const byPlace = new Map(spec.positional.map((name, place) => [name, given.positionals[place]]))
  const config: Record<string, unknown> = {}
  for (const [name, { schema, meta }] of settings) {
    const fromEnv = env[meta.env] === '' ? undefined : env[meta.env]
    const parsed = schema.safeParse(
      (given.values as Record<string, unknown>)[flagOf(meta)] ?? byPlace.get(name) ?? fromEnv,
    )
    if (!parsed.success) throw new ConfigError(`${meta.env} ${parsed.error.issues[0]?.message ?? 'is wrong'}`)
    config[name] = parsed.data
  }
  return config as Config<S>
}

function readArguments(argv: string[], flags: [string, Setting][]) {
  const options = Object.fromEntries(flags.map(([, { meta }]) => [flagOf(meta), { type: 'string' as const }]))
  try {
    return parseArgs({
      args: argv,
      options: { ...options, help: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    throw new ConfigError((error as Error).message.split('. ')[0])
  }
}

function helpOf(spec: ConfigSpec<z.ZodRawShape>, settings: [string, Setting][]): string {
  const rows = settings.map(([, { schema, meta }]) => {
    const initial = schema.safeParse(undefined)
    const value = initial.success && initial.data !== undefined ? String(initial.data) || 'none' : 'none'
    const flag = meta.isHidden ? '' : `--${flagOf(meta)}`
    return [flag, meta.env, value, meta.unit, meta.says]
  })
  const table = [['flag', 'environment', 'default', 'unit', ''], ...rows]
  const widths = [0, 1, 2, 3].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)))
  const lines = table.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  const places = spec.positional.map(name => ` [${name.toUpperCase()}]`).join('')
  return [`node dist/${spec.service}/main.js${places} [flags]`, '', ...lines, ''].join('\n')
}

/** The settings of this process. Prints --help, or what is wrong in one line, and ends the process. */
export function loadConfig<S extends z.ZodRawShape>(spec: ConfigSpec<S>): Config<S> {
  try {
    const config = readConfig(spec, process.argv.slice(2), process.env)
    if (!('help' in config)) return config
    process.stdout.write(config.help as string)
    process.exit(0)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${spec.service}: ${error.message}\n`)
    process.exit(2)
  }
}
