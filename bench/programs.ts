import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readHeader } from '../codec/header.ts'
import type { Need } from './bench.ts'
import { askVersion } from './daemon.ts'
import type { Peer } from './peers.ts'
import type { Picture } from './pictures.ts'
import type { Turn } from './swap.ts'

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

/** What each says of itself; ImageMagick goes by several names, and others by its. */
const findGo = () => askVersion('go', 'version', /^go version go(\S+)/)
const MAGICKS = ['magick', 'convert', 'convert-im6.q16'] as const
const findMagick = (program: string) => askVersion(program, '-version', /^Version: ImageMagick (\S+)/)
const findGraphics = () => askVersion('gm', '-version', /^GraphicsMagick (\S+)/)
const findVips = () => askVersion('vips', '--version', /^vips[- ](\S+)/)

export const programNeeds: readonly Need[] = [
  { package: 'golang-go', for: GO, name: 'Go', find: findGo },
  {
    package: 'imagemagick',
    for: 'ImageMagick',
    name: 'ImageMagick',
    find: () => MAGICKS.map(findMagick).find(Boolean),
  },
  { package: 'graphicsmagick', for: 'GraphicsMagick', name: 'GraphicsMagick', find: findGraphics },
  { package: 'libvips-tools', for: 'vips', name: 'vips', find: findVips },
]

/** Those that are installed. Go's is built into `folder`, where all of them leave their results. */
export function findPrograms(folder: string): readonly Peer[] {
  const out = join(folder, 'result.png')
  const peers: Peer[] = []
  if (findGo() !== undefined) peers.push(goPeer(folder, out))
  const magick = MAGICKS.find(findMagick)
  if (magick !== undefined)
    peers.push(wholeProcess('ImageMagick', out, ({ path }) => [magick, path, '-color-matrix', MATRIX, out]))
  if (findGraphics() !== undefined)
    peers.push(
      wholeProcess('GraphicsMagick', out, ({ path }) => ['gm', 'convert', path, '-recolor', MATRIX, out]),
    )
  if (findVips() !== undefined) peers.push(vipsPeer(folder, out))
  return peers
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
