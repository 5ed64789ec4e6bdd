import { fastIcons, iconRow } from './icons.ts'
import { runShape } from './load.ts'

/** One turn of bench/way.bench.ts: icons through the services of the folder that it is started in; what came of it, as JSON. */
const [dataDir = ''] = process.argv.slice(2)
const { shape, form, open } = iconRow({ ...fastIcons, pictures: 3_000 })
process.stdout.write(JSON.stringify(await runShape(shape, form, () => open(dataDir))))
