import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import ts from 'typescript'
import { version } from '../kit/version.ts'

const root = process.cwd()
const services = ['kv-store', 'database', 'storage', 'master', 'worker', 'frontend']
/** Folders that anything may be imported into, and nothing imported from. */
const outside = ['test', 'bench', 'faults', 'scripts']
const folders = ['kit', 'codec', 'tasks', ...services, ...outside]

/** Who imports whom: a file's path, and what its imports name, ours as paths, the others as they are written. */
type Imports = ReadonlyMap<string, readonly string[]>

/** What a file imports, types included. */
function readImports(path: string, content: string): string[] {
  const { importedFiles } = ts.preProcessFile(content, true, true)
  return importedFiles.map(({ fileName }) =>
    fileName.startsWith('.') ? join(dirname(path), fileName) : fileName,
  )
}

function readAll(): Imports {
  const paths = folders.flatMap(folder => {
    try {
      return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map(name =>
        join(folder, name),
      )
    } catch {
      return []
    }
  })
  const sources = paths.filter(path => path.endsWith('.ts'))
  return new Map(sources.map(path => [path, readImports(path, readFileSync(join(root, path), 'utf8'))]))
}

/** The package that an import from outside belongs to; our own files, and Node's modules, as they are. */
const packageOf = (name: string) =>
  isOurs(name) || name.startsWith('node:') ? name : (/^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name)
const folderOf = (path: string) => path.split('/')[0] ?? ''
const isContract = (path: string) => services.some(service => path === `${service}/contract.ts`)
const isOurs = (name: string) => folders.includes(folderOf(name)) && name.endsWith('.ts')

/** Whether `path` may import `name`. */
function mayImport(path: string, name: string): boolean {
  const [from, to] = [folderOf(path), isOurs(name) ? folderOf(name) : 'library']
  if (from === 'test' || from === 'bench' || from === 'faults') return true
  if (from === 'scripts') return to === 'scripts' || to === 'kit' || to === 'library' || isContract(name)
  if (outside.includes(to)) return false
  if (from === 'kit') return to === 'kit' || to === 'library'
  if (from === 'codec') return to === 'codec' || name.startsWith('node:')
  if (from === 'tasks') return ['tasks', 'kit', 'codec', 'library'].includes(to) || isContract(name)
  if (isContract(path))
    return name === 'zod' || name.startsWith('node:') || name === 'kit/contract.ts' || isContract(name)
  if (path.startsWith(`${from}/engines/`))
    return (
      to === 'kit' ||
      to === 'library' ||
      name === `${from}/engine.ts` ||
      name === `${from}/contract.ts` ||
      name.startsWith(`${from}/engines/`)
    )
  if (to === from && name.startsWith(`${from}/engines/`)) return path === `${from}/main.ts`
  return [from, 'kit', 'codec', 'tasks', 'library'].includes(to) || isContract(name)
}

/** Each import that may not be, as `a imports b`. */
const wrongImports = (imports: Imports): string[] =>
  [...imports].flatMap(([path, names]) =>
    names.filter(name => !mayImport(path, name)).map(name => `${path} imports ${name}`),
  )

/** The first ring of files that import each other, if there is one. */
function findCycle(imports: Imports): string[] | undefined {
  const done = new Set<string>()
  const visit = (path: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path]
    if (done.has(path)) return undefined
    for (const name of imports.get(path) ?? []) {
      const cycle = visit(name, [...way, path])
      if (cycle !== undefined) return cycle
    }
    done.add(path)
    return undefined
  }
  for (const path of imports.keys()) {
    const cycle = visit(path, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

const all = readAll()

t.test('every file imports only what its kind may import', t => {
  t.ok(all.size > 40, `${all.size} files are read`)
  t.same(wrongImports(all), [])
  t.end()
})

t.test('the rules turn down what they should', t => {
  const planted: [string, string[]][] = [
    ['kit/mesh.ts', ['kv-store/contract.ts', 'codec/swap.ts', 'scripts/options.ts', 'test/kit/toy.ts']],
    ['codec/swap.ts', ['kit/errors.ts', 'sharp', 'worker/pool.ts']],
    ['tasks/intake.ts', ['master/service.ts', 'storage/engine.ts', 'test/stage.ts']],
    ['master/contract.ts', ['master/service.ts', 'kit/server.ts', 'fastify', 'codec/header.ts']],
    [
      'master/service.ts',
      ['database/service.ts', 'storage/engine.ts', 'test/images/noise.ts', 'scripts/options.ts'],
    ],
    ['master/main.ts', ['database/main.ts', 'kv-store/engines/sqlite.ts', 'bench/codec.bench.ts']],
    ['database/service.ts', ['database/engines/sqlite.ts']],
    [
      'database/engines/sqlite.ts',
      ['database/service.ts', 'database/config.ts', 'kv-store/engine.ts', 'codec/swap.ts'],
    ],
    ['scripts/start-all.ts', ['master/service.ts', 'codec/swap.ts', 'test/kit/wire.ts']],
  ]
  const expected = planted.flatMap(([path, names]) => names.map(name => `${path} imports ${name}`))
  t.same(wrongImports(new Map(planted)), expected)
  const fine: [string, string[]][] = [
    ['kit/mesh.ts', ['kit/client.ts', 'undici', 'node:fs']],
    ['master/main.ts', ['master/service.ts', 'kit/run.ts', 'kv-store/contract.ts', 'codec/header.ts']],
    ['database/main.ts', ['database/engines/sqlite.ts']],
    ['tasks/intake.ts', ['tasks/refusal.ts', 'kit/errors.ts', 'codec/header.ts', 'storage/contract.ts']],
    ['frontend/service.ts', ['tasks/intake.ts']],
    ['frontend/contract.ts', ['zod', 'kit/contract.ts', 'storage/contract.ts']],
    ['test/x.ts', ['kit/mesh.ts', 'database/engines/sqlite.ts', 'scripts/options.ts']],
  ]
  t.same(wrongImports(new Map(fine)), [])
  t.end()
})

t.test('an import is seen however it is written', t => {
  const content = `
    import { a } from '../kit/a.ts'
    import type { B } from '../kit/b.ts'
    import '../kit/c.ts'
    export * from '../kit/d.ts'
    export type { E } from '../kit/e.ts'
    const f = await import('../kit/f.ts')
    let g: import('../kit/g.ts').G
    // import { h } from '../kit/h.ts'
    const text = "import { i } from '../kit/i.ts'"
    import zod from 'zod'
  `
  const found = readImports('master/x.ts', content)
  t.same(found.sort(), [...'abcdefg'].map(name => `kit/${name}.ts`).concat('zod'))
  t.end()
})

t.test('no file imports itself, by whatever way round', t => {
  t.equal(findCycle(all), undefined)
  const ring: [string, string[]][] = [
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['b']],
  ]
  t.same(findCycle(new Map(ring)), ['b', 'c', 'b'])
  t.same(findCycle(new Map([['a', ['a']]])), ['a', 'a'])
  t.equal(
    findCycle(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
      ]),
    ),
    undefined,
  )
  t.end()
})

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

t.test('the version that /health tells is that of the package', t => {
  t.equal(version, manifest.version)
  t.end()
})

t.test('every library is used, and docs/dependencies.md says what for and why this one', t => {
  const { dependencies, devDependencies } = manifest as Record<string, Record<string, string>>
  const said = readFileSync(join(root, 'docs', 'dependencies.md'), 'utf8')
  const imported = new Set([...all.values()].flat().map(packageOf))
  const users = (name: string) =>
    [...all].filter(([, names]) => names.map(packageOf).includes(name)).map(([path]) => path)
  for (const [name, wanted] of Object.entries({ ...dependencies, ...devDependencies })) {
    t.match(wanted, /^[0-9]+\.[0-9]+\.[0-9]+$/, `${name} is pinned`)
    t.ok(
      said.split('\n').some(line => line.startsWith(`| ${name} |`)),
      `${name} has its line`,
    )
    // Types come with what they are of, or are in every file; the linter is run and not imported.
    if (name.startsWith('@types/') || name === '@biomejs/biome') continue
    t.ok(imported.has(name), `${name} is imported somewhere`)
    if (name in (devDependencies ?? {}))
      t.same(
        users(name).filter(path => !/^(test|bench|faults)\//.test(path)),
        [],
        name,
      )
  }
  // The package imports itself as its users do.
  const known = new Set(['verdigris', ...Object.keys({ ...dependencies, ...devDependencies })])
  const strangers = [...imported].filter(
    name => !isOurs(name) && !name.startsWith('node:') && !known.has(name),
  )
  t.same(strangers, [], 'nothing is imported that package.json does not name')
  t.end()
})
