import { createInterface } from 'node:readline'
import { fastIcons, iconRow } from './icons.ts'
import { openLoad } from './load.ts'

/**
 * A rival of bench/way.bench.ts: icons through the services of the folder that it is started in. It says a line once it is warm, and then
 * what came of as many icons as each line on its standard input asks for, as JSON; to `check` it says a line once it has looked at
 * some of their results. It ends with its input, and when one is wrong.
 */
const [dataDir = ''] = process.argv.slice(2)
const { shape, form, open } = iconRow(fastIcons)
const load = await openLoad(shape, form, () => open(dataDir))
const say = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`)
const check = () => load.check().then(() => 'right')
say('warm')
for await (const line of createInterface({ input: process.stdin }))
  say(await (line === 'check' ? check() : load.block(Number(line))))
await load.close()
