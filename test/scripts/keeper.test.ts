import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startChild } from '../../scripts/child.ts'
import { openHealthCheck } from '../../scripts/health.ts'
import { Keeper } from '../../scripts/keeper.ts'
import { type Part, portSettings } from '../../scripts/services.ts'
import { freePorts } from '../system/ports.ts'
import { waitFor } from '../system/waiting.ts'

const host = '127.0.0.1'

/** A kept kv-store on a port of its own, whose starts can be made to fail. */
async function openKeeper(t: Test) {
  const dataDir = t.testdir({ logs: {}, broken: { 'main.js': 'process.exit(7)' } })
  mkdirSync(join(dataDir, 'logs'), { recursive: true })
  const [port = 0] = await freePorts(1)
  const [{ service, variable }] = portSettings
  const part: Part = { service, name: service, port, variable, main: 'dist/kv-store/main.js' }
  const health = openHealthCheck({}, host)
  const stopping = new AbortController()
  const said: string[] = []
  let lacksProcesses = false
  const keeper = new Keeper({
    part,
    start: (part, isStandby) => {
      if (lacksProcesses) throw new Error('no process is left')
      return startChild({ part, host, dataDir, env: process.env, health, isStandby })
    },
    isShared: false,
    stopping: stopping.signal,
    say: line => said.push(line),
  })
  await keeper.ready()
  const kept = keeper.keep()
  t.teardown(async () => {
    stopping.abort()
    for (const { pid } of keeper.running()) process.kill(pid, 'SIGKILL')
    await kept
    await health.close()
  })
  return {
    keeper,
    said,
    isReady: async () => (await health.instanceAt(`${host}:${port}`, service)) !== undefined,
    isBroken: (isBroken: boolean) => {
      keeper.part = { ...part, main: isBroken ? join(dataDir, 'broken/main.js') : part.main }
    },
    lacksProcesses: (lacks: boolean) => {
      lacksProcesses = lacks
    },
  }
}

const pidsOf = (keeper: Keeper) => keeper.running().map(({ pid }) => pid)

t.test('one that cannot be loaded leaves the old one where it is', async t => {
  const { keeper, isReady, isBroken, lacksProcesses } = await openKeeper(t)
  const before = pidsOf(keeper)
  isBroken(true)
  await t.rejects(keeper.replace(), { message: /kv-store ended before it was ready \(exit status 7\)/ })
  t.same(pidsOf(keeper), before)
  isBroken(false)
  lacksProcesses(true)
  await t.rejects(keeper.replace(), { message: 'no process is left' })
  t.same(pidsOf(keeper), before)
  t.ok(await isReady())
  lacksProcesses(false)
  await keeper.replace()
  t.equal(pidsOf(keeper).length, 1)
  t.not(pidsOf(keeper)[0], before[0])
  t.ok(await isReady())
})

t.test('one that cannot be started for want of a process is tried again', async t => {
  const { keeper, said, isReady, lacksProcesses } = await openKeeper(t)
  lacksProcesses(true)
  process.kill(pidsOf(keeper)[0] ?? 0, 'SIGKILL')
  await waitFor('it is said', () => said.includes('kv-store cannot be started: no process is left'))
  lacksProcesses(false)
  await waitFor('it is back', isReady)
})

t.test('one that is replaced while it waits to be started again is started once', async t => {
  const { keeper, said, isReady } = await openKeeper(t)
  for (let i = 1; i <= 3; i += 1) {
    process.kill(pidsOf(keeper)[0] ?? 0, 'SIGKILL')
    await waitFor('its end is said', () => said.length === i)
    if (i === 3) await keeper.replace()
    else await waitFor('it is back', isReady)
  }
  const [pid] = pidsOf(keeper)
  await new Promise(resolve => setTimeout(resolve, 1_000))
  t.same(pidsOf(keeper), [pid])
  t.ok(await isReady())
  t.equal(said.length, 3)
})
