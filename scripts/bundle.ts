import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'
import { portSettings } from './services.ts'

/**
 * Joins each service in dist/, and what starts them, with its libraries into a few files, from which it starts in half the time
 * (docs/decisions, 010). Runs after tsc, whose dist/SERVICE/main.js it replaces; all else that tsc built stays, for the tests. With
 * `--failing` it makes dist/SERVICE/failing.js instead: the same with failpoints, for tests alone (docs/decisions, 019).
 */

/** Where the files that services share come to lie. */
const SHARED = 'bundled'
const SHARED_FAILING = 'failing'

/** The oldest that have all that the pages need; older ones get the pages without a script, and plainer. */
const BROWSERS = ['chrome111', 'firefox121', 'safari16.4']

/** A map that leads nowhere: without it the maps of the libraries, which are read for the first error that is logged, hold 8 MB. */
const nowhere = Buffer.from('{"version":3,"sources":[""],"mappings":"AAAA"}').toString('base64')
const unmapped: Plugin = {
  name: 'libraries without maps',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\/node_modules\/.*\.[cm]?js$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8')
      return {
        contents: `${code}\n//# sourceMappingURL=data:application/json;base64,${nowhere}`,
        loader: 'js',
      }
    }),
}

/**
 * Of undici the files that have what is used: its index loads all there is of it, and for `fetch` what Node has of it as well, which is a
 * seventh of the time that a service takes to start.
 */
const narrow: Plugin = {
  name: 'undici without what nobody uses',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, () => ({ path: 'undici', namespace: 'narrow' }))
    onLoad({ filter: /.*/, namespace: 'narrow' }, () => ({
      contents: [
        "export { default as Agent } from 'undici/lib/dispatcher/agent.js'",
        "export { default as Pool } from 'undici/lib/dispatcher/pool.js'",
        "export { default as buildConnector } from 'undici/lib/core/connect.js'",
      ].join('\n'),
      resolveDir: process.cwd(),
    }))
  },
}

/** Leaves empty lines where failpoints are, so that lines keep their numbers. What nobody calls is left out as well. */
const withoutFailpoints: Plugin = {
  name: 'services without failpoints',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const code = await readFile(path, 'utf8')
      return { contents: code.replaceAll(/^ *failpoint\((['`])[^'`]*\1\)$/gm, ''), loader: 'ts' }
    }),
}

/** Puts the arming of failpoints before each service's main. */
const arming: Plugin = {
  name: 'failpoints that are armed first',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^failing:/ }, ({ path }) => ({ path: path.slice(8), namespace: 'failing' }))
    onLoad({ filter: /.*/, namespace: 'failing' }, ({ path: service }) => ({
      contents: `import './kit/arming.ts'; import './${service}/main.ts'`,
      resolveDir: process.cwd(),
    }))
  },
}

const shared: BuildOptions = {
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  // They bring machine code, which is found beside them.
  external: ['libsql', 'sharp'],
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  // For libraries that are CommonJS.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
}
const services = portSettings.map(({ service }) => service)
const kinds = {
  main: {
    folder: SHARED,
    entryPoints: [...services.map(service => `${service}/main.ts`), 'scripts/start-all.ts'],
    plugins: [unmapped, narrow, withoutFailpoints],
  },
  failing: {
    folder: SHARED_FAILING,
    entryPoints: services.map(service => ({ in: `failing:${service}`, out: `${service}/failing` })),
    plugins: [unmapped, narrow, arming],
  },
}

const { folder, ...kind } = process.argv.includes('--failing') ? kinds.failing : kinds.main
// What earlier builds left: each has names of its own.
rmSync(join('dist', folder), { recursive: true, force: true })
if (folder === SHARED)
  await build({
    entryPoints: [
      { in: 'frontend/browser/page.ts', out: 'page' },
      { in: 'frontend/browser/style.css', out: 'page' },
    ],
    outdir: 'dist/frontend/assets',
    bundle: true,
    minify: true,
    format: 'esm',
    target: BROWSERS,
  })
await build({ ...shared, ...kind, chunkNames: `${folder}/[hash]` })
