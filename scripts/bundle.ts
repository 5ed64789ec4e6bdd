import { rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { portSettings } from './services.ts'

/**
 * Joins each service in dist/ with its libraries into a few files, from which it starts in half the time (docs/decisions,
 * 010). Runs after tsc, whose dist/SERVICE/main.js it replaces; all else that tsc built stays, for the tests.
 */

/** Where the files that services share come to lie. */
const SHARED = 'bundled'

/** A map that leads nowhere: without it the maps of the libraries, which Node reads at each start, hold 8 MB. */
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

// What earlier builds left: each has names of its own.
rmSync(join('dist', SHARED), { recursive: true, force: true })

await build({
  entryPoints: portSettings.map(({ service }) => `${service}/main.ts`),
  outbase: '.',
  outdir: 'dist',
  bundle: true,
  splitting: true,
  chunkNames: `${SHARED}/[hash]`,
  // They bring machine code, which is found beside them.
  external: ['libsql', 'sharp'],
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  sourcesContent: false,
  plugins: [unmapped],
  // For libraries that are CommonJS.
  banner: {
    js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
  },
})
