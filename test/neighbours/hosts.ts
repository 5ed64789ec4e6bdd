import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Test } from 'tap'
import { portSettings, type Service } from '../../scripts/services.ts'
import { atEnd } from '../system/ending.ts'
import { createServiceProcess, type ServiceProcess } from '../system/process.ts'
import type { Network } from './namespace.ts'

export const SECRET = 'a secret for these hosts'

export type HostName = 'one' | 'two'
type Settings = Readonly<Record<string, string>>

/** How a program ended that was run on one of the hosts, and what it said. */
export interface Ended {
  /** None when it had to be ended, since it ran on. */
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The six on host one; a second master, worker and frontend on host two. All have the ports they have unless said. */
export interface Hosts {
  /** `host:port` of a service. */
  address(service: Service, host: HostName): string
  process(service: Service, host: HostName): ServiceProcess
  /** Starts one more, with settings of its own; ended with the test. */
  start(service: Service, host: HostName, port: number, settings: Settings): Promise<ServiceProcess>
  /** Runs a program of dist/ to its end, with these settings alone. */
  run(host: HostName, program: readonly string[], settings?: Settings): Promise<Ended>
}

/** Longest that a program which should end may run, in ms. */
const RUN_MS = 20_000

const onTwo: readonly Service[] = ['master', 'worker', 'frontend']
const settingsOf = (service: Service) => {
  const found = portSettings.find(setting => setting.service === service)
  if (found === undefined) throw new Error(`there is no ${service}`)
  return found
}

/** Starts all nine, and ends them and the network with the test. */
export async function startHosts(t: Test, network: Network): Promise<Hosts> {
  const dataDir = mkdtempSync(join(tmpdir(), 'verdigris-'))
  const secretFile = join(dataDir, 'secret')
  writeFileSync(secretFile, `${SECRET}\n`)
  const processes = new Map<string, ServiceProcess>()
  t.teardown(async () => {
    await Promise.all([...processes.values()].map(process => process.kill('SIGKILL')))
    network.close()
    rmSync(dataDir, { recursive: true, force: true })
    const unasked = [...processes.values()].flatMap(process => process.unasked)
    if (unasked.length > 0) throw new Error(unasked.join('\n'))
  })

  const address = (service: Service, host: HostName) =>
    `${network[host].address}:${settingsOf(service).standard}`
  const shared = {
    PATH: process.env.PATH,
    KV: address('kv-store', 'one'),
    ALLOWED_HOSTS: `${network.one.address},${network.two.address}`,
    SECRET_FILE: secretFile,
    DATA_DIR: dataDir,
  }
  const plan = (service: Service, host: HostName, port: number, settings: Settings) => {
    const { address, through } = network[host]
    const name = `${service}-${host}-${port}`
    const env = { ...shared, ...settings }
    const planned = createServiceProcess({ name, service, port, host: address, through, env, logs: dataDir })
    processes.set(name, planned)
    return planned
  }
  // The two ways to say where a service is: the interface it listens on, or the address that others reach it at.
  const planUsual = (service: Service, host: HostName) => {
    const own: Settings = host === 'one' ? { HOST: network.one.address } : { OWN: address(service, 'two') }
    return plan(service, host, settingsOf(service).standard, own)
  }
  const usual = [
    ...portSettings.map(({ service }) => planUsual(service, 'one')),
    ...onTwo.map(service => planUsual(service, 'two')),
  ]
  await Promise.all(usual.map(process => process.start()))

  return {
    address,
    process(service, host) {
      const found = processes.get(`${service}-${host}-${settingsOf(service).standard}`)
      if (found === undefined) throw new Error(`there is no ${service} on host ${host}`)
      return found
    },
    async start(service, host, port, settings) {
      const own = `${network[host].address}:${port}`
      const started = plan(service, host, port, { OWN: own, ...settings })
      await started.start()
      return started
    },
    async run(host, program, settings = {}) {
      const [command = '', ...args] = [...network[host].through, process.execPath, ...program]
      const env = { PATH: process.env.PATH, DATA_DIR: dataDir, ...settings }
      const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: RUN_MS })
      atEnd(() => child.kill('SIGKILL'))
      const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)])
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      return { status: child.exitCode, stdout, stderr }
    },
  }
}
