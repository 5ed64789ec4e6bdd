import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { call } from './script.ts'

/** A repository of the scripts alone, with commands that do what the test says in place of `node` and `npm`. */
function buildStage(t: Test, commands: Readonly<Record<string, string>>) {
  const stage = t.testdir({
    'package-lock.json': '{}',
    'tsconfig.json': '{}',
    kit: { 'a.ts': 'one' },
    codec: { wasm: { 'a.ts': 'one' } },
  })
  cpSync('scripts', `${stage}/scripts`, { recursive: true })
  cpSync('package.json', `${stage}/package.json`)
  mkdirSync(`${stage}/bin`)
  for (const [name, script] of Object.entries(commands)) {
    writeFileSync(`${stage}/bin/${name}`, `#!/bin/sh\necho "${name} $*" >>"${stage}/calls"\n${script}\n`)
    chmodSync(`${stage}/bin/${name}`, 0o755)
  }
  const run = async (script: string, ...args: string[]) => {
    const called = call(`../${stage.slice(process.cwd().length + 1)}/scripts/${script}`, args, {
      PATH: `${stage}/bin:${process.env.PATH}`,
    })
    return { status: await called.status, said: called.said() }
  }
  const calls = () => {
    const made = readFileSync(`${stage}/calls`, 'utf8').split('\n')
    return made.filter(line => line !== '' && line !== 'node --version')
  }
  return { stage, run, calls }
}

const newEnough =
  'if [ "$1" = --version ]; then echo v20.20.2; fi; case "$1" in */tsc) mkdir -p dist/codec;; */asc.js) touch dist/codec/codec.wasm;; esac'

t.test('too old a Node is refused in one line, and nothing is installed', async t => {
  for (const version of ['v18.20.4', 'v20.9.0']) {
    const { run } = buildStage(t, { node: `echo ${version}`, npm: 'exit 1' })
    const said = `start-all.sh: Node 20.20 or later is needed, this is ${version.slice(1)}\n`
    t.same(await run('start-all.sh'), { status: 1, said })
  }
})

t.test('a first start installs and builds, a second one does neither', async t => {
  const { stage, run, calls } = buildStage(t, { node: newEnough, npm: 'mkdir -p node_modules' })
  t.same(await run('start-all.sh', '--detach'), { status: 0, said: 'installing\nbuilding\n' })
  t.match(calls(), [
    /^npm ci .*--omit=dev$/,
    /^node .*tsc -b tsconfig.build.json$/,
    /^node .*asc.js codec\/wasm\/module.ts .*-O3/,
    /^node dist\/scripts\/bundle.js$/,
    /^node .*dist\/scripts\/start-all.js --detach$/,
  ])
  rmSync(`${stage}/calls`)
  t.same(await run('start-all.sh'), { status: 0, said: '' })
  t.match(calls(), [/^node .*dist\/scripts\/start-all.js$/])
})

t.test('what changed is installed or built again, and nothing else', async t => {
  const { stage, run } = buildStage(t, { node: newEnough, npm: 'mkdir -p node_modules' })
  await run('start-all.sh')
  writeFileSync(`${stage}/kit/a.ts`, 'two')
  t.match(await run('start-all.sh'), { said: 'building\n' })
  rmSync(`${stage}/kit/a.ts`)
  t.match(await run('start-all.sh'), { said: 'building\n' })
  t.match(await run('start-all.sh'), { said: '' })
  writeFileSync(`${stage}/package-lock.json`, '{"name":"other"}')
  t.match(await run('start-all.sh'), { said: 'installing\nbuilding\n' })
})

t.test('tests need all libraries, a start is content with all of them', async t => {
  const { run, calls } = buildStage(t, { node: newEnough, npm: 'mkdir -p node_modules', chromium: '' })
  await run('start-all.sh')
  t.match(await run('test.sh'), { said: 'installing\n' })
  t.notMatch(
    calls().findLast(line => line.startsWith('npm')),
    /omit/,
  )
  t.match(await run('start-all.sh'), { said: '' })
})

t.test('a registry that cannot be reached, and a full disk, are one line', async t => {
  const offline = buildStage(t, { node: newEnough, npm: 'echo npm error code EAI_AGAIN; exit 1' })
  t.same(await offline.run('start-all.sh'), {
    status: 1,
    said: 'installing\nstart-all.sh: npm ci failed: the registry cannot be reached\n',
  })
  const full = buildStage(t, { node: newEnough, npm: 'echo npm error code ENOSPC; exit 1' })
  t.match(await full.run('start-all.sh'), { status: 1, said: /npm ci failed: no room on the disk\n$/ })
})

t.test('CI ends with a count, also when the run breaks', async t => {
  const { stage } = buildStage(t, { node: 'echo v18.0.0' })
  cpSync('.ci', `${stage}/.ci`, { recursive: true })
  const run = () => {
    try {
      const env = { ...process.env, PATH: `${stage}/bin:${process.env.PATH}` }
      return { status: 0, said: execFileSync(`${stage}/.ci/run`, { env, encoding: 'utf8' }) }
    } catch (error) {
      const { status, stdout } = error as { status: number; stdout: string }
      return { status, said: stdout }
    }
  }
  t.match(run(), { status: 1, said: /this is 18.0.0\n0 passed, 1 failed\n$/ })
  writeFileSync(`${stage}/scripts/test.sh`, '#!/bin/sh\necho 3 passed, 0 failed\n')
  t.same(run(), { status: 0, said: '3 passed, 0 failed\n' })
  writeFileSync(`${stage}/scripts/test.sh`, '#!/bin/sh\necho half way\n')
  t.same(run(), { status: 1, said: 'half way\n0 passed, 1 failed\n' })
})

t.test('a build that breaks off leaves nothing that counts as built', async t => {
  const breaking = `${newEnough}; case "$1" in *bundle.js) [ ! -f broken ];; esac`
  const { stage, run } = buildStage(t, { node: breaking, npm: 'mkdir -p node_modules' })
  await run('start-all.sh')
  writeFileSync(`${stage}/kit/a.ts`, 'two')
  writeFileSync(`${stage}/broken`, '')
  t.match(await run('start-all.sh'), { status: 1, said: /the build failed/ })
  writeFileSync(`${stage}/kit/a.ts`, 'one')
  rmSync(`${stage}/broken`)
  t.match(await run('start-all.sh'), { status: 0, said: 'building\n' }, 'what the old sources gave is gone')
})

t.test('libraries that cannot be installed leave those that are there', async t => {
  const { stage, run } = buildStage(t, {
    node: newEnough,
    npm: 'mkdir -p node_modules && touch node_modules/one',
  })
  await run('start-all.sh')
  writeFileSync(`${stage}/bin/npm`, '#!/bin/sh\nrm -rf node_modules; exit 1\n')
  writeFileSync(`${stage}/package-lock.json`, '{"name":"other"}')
  t.match(await run('start-all.sh'), { status: 1, said: /npm ci failed/ })
  t.ok(existsSync(`${stage}/node_modules/one`))
})

t.test('what runs is stopped without the registry, and without a build', async t => {
  const { stage, run, calls } = buildStage(t, { node: newEnough, npm: 'mkdir -p node_modules' })
  await run('start-all.sh')
  mkdirSync(`${stage}/dist/scripts`, { recursive: true })
  writeFileSync(`${stage}/dist/scripts/stop-all.js`, '')
  writeFileSync(`${stage}/kit/a.ts`, 'two')
  writeFileSync(`${stage}/package-lock.json`, '{"name":"other"}')
  rmSync(`${stage}/calls`)
  t.same(await run('stop-all.sh'), { status: 0, said: '' })
  t.match(calls(), [/^node .*dist\/scripts\/stop-all.js$/])
})
