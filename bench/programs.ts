import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readHeader } from '../codec/header.ts'
import type { Peer, Turn } from './peers.ts'
import type { Picture } from './pictures.ts'

/** Peers that are installed, and the Debian packages of those that are not. */
export interface Programs {
  readonly peers: readonly Peer[]
  readonly missing: readonly string[]
}

export const GO = "Go's image/png"

/** Every library's own word for "one core". */
const ONE_CORE = {
  ...process.env,
  GOMAXPROCS: '1',
  MAGICK_THREAD_LIMIT: '1',
  OMP_NUM_THREADS: '1',
  VIPS_CONCURRENCY: '1',
  LC_ALL: 'C',
}

const MATRIX = '0 1 0 1 0 0 0 0 1'

/** Looks for them; Go's is built into `folder`, where all of them leave their results. */
export function findPrograms(folder: string): Programs {
  const out = join(folder, 'result.png')
  const magick = ['magick', 'convert', 'convert-im6.q16'].find(program =>
    says(program, '-version', 'Version: ImageMagick'),
  )
  const found = {
    'golang-go': says('go', 'version', 'go version') && goPeer(folder, out),
    imagemagick:
      magick !== undefined &&
      wholeProcess('ImageMagick', out, ({ path }) => [magick, path, '-color-matrix', MATRIX, out]),
    graphicsmagick:
      says('gm', 'version', 'GraphicsMagick') &&
      wholeProcess('GraphicsMagick', out, ({ path }) => ['gm', 'convert', path, '-recolor', MATRIX, out]),
    'libvips-tools': says('vips', '--version', 'vips') && vipsPeer(folder, out),
  }
  const peers = Object.values(found).filter(peer => peer !== false)
  const missing = Object.entries(found).flatMap(([name, peer]) => (peer === false ? [name] : []))
  return { peers, missing }
}

/** Whether the program is there, and is the one: others may go by its name. */
function says(program: string, option: string, text: string): boolean {
  return spawnSync(program, [option], { encoding: 'utf8' }).stdout?.includes(text) ?? false
}

/** Swaps each picture twice in a process of its own and counts the second time: Go as it runs in a service, warm. */
function goPeer(folder: string, out: string): Peer {
  const program = join(folder, 'go-swap')
  execFileSync('go', ['build', '-o', program, join(process.cwd(), 'bench', 'go', 'main.go')])
  const swap = async ({ path }: Picture): Promise<Turn> => {
    const said = execFileSync(program, ['-rounds', '2', '-out', out, path], {
      env: ONE_CORE,
      encoding: 'utf8',
    })
    const last = JSON.parse(said.trim().split('\n').at(-1) ?? '') as { cpuMs: number }
    return { cpuMs: last.cpuMs, result: readFileSync(out) }
  }
  return { name: GO, isSlow: false, swap }
}

function vipsPeer(folder: string, out: string): Peer {
  const matrices = { 3: join(folder, 'rgb.mat'), 4: join(folder, 'rgba.mat') } as const
  writeFileSync(matrices[3], '3 3\n0 1 0\n1 0 0\n0 0 1\n')
  writeFileSync(matrices[4], '4 4\n0 1 0 0\n1 0 0 0\n0 0 1 0\n0 0 0 1\n')
  return wholeProcess('vips recomb', out, ({ path, bytes }) => {
    const { colourType } = readHeader(bytes, { maxPixels: 1e9 })
    return ['vips', 'recomb', path, out, matrices[colourType === 6 ? 4 : 3]]
  })
}

/** A program that is started for each picture. What it cost is what bash's `times` says of its children, to the ms. */
function wholeProcess(name: string, out: string, command: (picture: Picture) => string[]): Peer {
  const swap = async (picture: Picture): Promise<Turn> => {
    const script = ['-c', '"$@" >&2 && times', 'bash', ...command(picture)]
    const said = execFileSync('bash', script, {
      env: ONE_CORE,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const ofChildren = said.trim().split('\n')[1] ?? ''
    const seconds = [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].map(([, m, s]) => Number(m) * 60 + Number(s))
    return { cpuMs: seconds.reduce((sum, part) => sum + part, 0) * 1_000, result: readFileSync(out) }
  }
  return { name: `${name} (whole process)`, isSlow: true, swap }
}
