import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openNetwork } from '../test/neighbours/namespace.ts'
import { atEnd } from '../test/system/ending.ts'
import { createServiceProcess } from '../test/system/process.ts'
import { waitFor } from '../test/system/waiting.ts'
import { metadataAddresses, metadataHosts } from './addresses.ts'
import type { Figure } from './fault.ts'
import type { Findings } from './findings.ts'
import { createInner } from './inner.ts'

const SECRET = 'a secret of that machine'
const PORTS = { 'kv-store': 3000, master: 3003, frontend: 8080 } as const
const PORT = 80

/**
 * The addresses of metadata services, with somebody who listens there: in a network namespace, where they can be had. Its
 * kv-store holds nothing else, and whoever works there is asked for pictures.
 */
export async function tryMetadata(findings: Findings): Promise<Figure> {
  const network = openNetwork()
  if ('missing' in network)
    return { says: `metadata addresses with somebody behind them left out: ${network.missing}` }
  const folder = mkdtempSync(join(tmpdir(), 'verdigris-metadata-'))
  const heard = join(folder, 'heard')
  writeFileSync(heard, '')
  const { address: host, through } = network.one
  const [command = '', ...inside] = through
  for (const one of metadataHosts)
    execFileSync(command, [
      ...inside,
      'ip',
      'address',
      'add',
      one,
      'dev',
      'lo',
      ...(one.includes(':') ? ['nodad'] : []),
    ])
  const listener = spawn(command, [
    ...inside,
    process.execPath,
    'dist/faults/listener.js',
    heard,
    String(PORT),
    ...metadataHosts,
  ])
  atEnd(() => listener.kill('SIGKILL'))
  const lines = (word: string) =>
    readFileSync(heard, 'utf8')
      .split('\n')
      .filter(line => line.startsWith(word)).length
  const kv = `${host}:${PORTS['kv-store']}`
  const env = {
    PATH: process.env.PATH,
    HOST: host,
    KV: kv,
    SECRET,
    ALLOWED_HOSTS: host,
    DATA_DIR: folder,
    LOG_LEVEL: 'warn',
  }
  const services = Object.entries(PORTS).map(([service, port]) =>
    createServiceProcess({ name: service, service, port, host, through, env, logs: folder }),
  )
  try {
    await waitFor('somebody at the metadata addresses', () => lines('listening') === metadataHosts.length)
    for (const service of services) await service.start()
    const inner = createInner(SECRET)
    const addresses = metadataAddresses(PORT)
    for (const key of ['databaseAddress', 'storageAddress'])
      for (const [i, value] of addresses.entries())
        await inner.ask(
          `http://${kv}/set?${new URLSearchParams({ key, value, instance: `m-${i}`, ttl: '600' })}`,
          'POST',
        )
    const master = `http://${host}:${PORTS.master}`
    await waitFor('a look at the addresses', () => services.some(({ log }) => log().includes('is not used')))
    const answers = await Promise.all([inner.ask(`${master}/isReady?id=7`), inner.ask(`${master}/changes`)])
    await inner.ask(`http://${host}:${PORTS.frontend}/status`)
    const connections = lines('connected')
    if (connections > 0) findings.broke('I1', `${connections} connections to metadata addresses`)
    // Whoever listens there does hear.
    const hello = `require('net').connect(${PORT}, '${metadataHosts[0]}', () => process.exit())`
    execFileSync(command, [...inside, process.execPath, '-e', hello])
    await waitFor('a connection that is noted', () => lines('connected') > connections)
    return {
      says: `${2 * addresses.length} entries of metadata addresses with somebody behind them: ${connections} connections, the master answered ${answers.map(answer => answer?.status).join(' and ')}`,
    }
  } finally {
    await Promise.all(services.map(service => service.kill('SIGKILL')))
    listener.kill('SIGKILL')
    network.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
