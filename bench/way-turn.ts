import { createInterface } from 'node:readline'
import { fastIcons, iconRow } from './icons.ts'
import { openLoad } from './load.ts'

/**
 * A rival of bench/way.bench.ts: icons through the services of the folder that it is started in. It says a line once it is warm, and then
 * what came of as many icons as each line on its standard input asks for, as JSON; it ends with its input.
 */
const [dataDir = ''] = process.argv.slice(2)
const { shape, form, open } = iconRow(fastIcons)
const load = await openLoad(shape, form, () => open(dataDir))
process.stdout.write('"warm"\n')
for await (const line of createInterface({ input: process.stdin }))
  process.stdout.write(`${JSON.stringify(await load.block(Number(line)))}\n`)
await load.close()
