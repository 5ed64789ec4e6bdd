import { writeFileSync } from 'node:fs'
import type { Profiler } from 'node:inspector'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { readCalls } from '../../bench/calls.ts'
import { readProfile } from '../../bench/layers.ts'

/** A call tree, each function with what it took, in us. */
interface Frame {
  readonly name: string
  readonly url?: string
  readonly line?: number
  readonly us?: number
  readonly calls?: readonly Frame[]
}

function profileOf(root: Frame): Profiler.Profile {
  const nodes: Profiler.ProfileNode[] = []
  const samples: number[] = []
  const timeDeltas: number[] = []
  const add = ({ name, url = '', line = 0, us, calls = [] }: Frame): number => {
    const node: Profiler.ProfileNode = {
      id: nodes.length + 1,
      callFrame: { functionName: name, scriptId: '0', url, lineNumber: line, columnNumber: 0 },
    }
    nodes.push(node)
    if (us !== undefined) {
      samples.push(node.id)
      timeDeltas.push(us)
    }
    node.children = calls.map(add)
    return node.id
  }
  add(root)
  return { nodes, startTime: 0, endTime: 0, samples, timeDeltas }
}

t.test('what a function took counts for whose code it is, in bundles and beside them', async t => {
  const bundle = join(t.testdir(), 'bundle.js')
  const parts = [
    '// kit/server.ts\nfunction respond() {}',
    '// node_modules/fastify/lib/route.js\nvar route = () => {\n  // not.the name of a file\n}',
    '// node_modules/find-my-way/index.js\nfunction find() {}',
    '// database/main.ts\nfunction save() {}',
  ]
  writeFileSync(bundle, `import "x";\n${parts.join('\n')}\n`)
  const url = pathToFileURL(bundle).href
  const libsql = 'file:///somewhere/node_modules/libsql/index.js'
  const taken = readProfile(
    profileOf({
      name: '(root)',
      calls: [
        { name: '(idle)', us: 1_000 },
        { name: '(program)', us: 1 },
        { name: '(garbage collector)', us: 2 },
        { name: 'respond', url, line: 2, us: 3 },
        { name: '', url, line: 4, us: 4, calls: [{ name: 'find', url, line: 8, us: 5 }] },
        {
          name: 'save',
          url,
          line: 10,
          us: 6,
          calls: [{ name: 'run', url: libsql, line: 9, us: 7, calls: [{ name: 'step', us: 8 }] }],
        },
        { name: 'onRead', url: 'node:net', line: 1, us: 9, calls: [{ name: 'writev', us: 10 }] },
        { name: 'writev', us: 11 },
      ],
    }),
  )
  const found = taken.map(({ layer, name, module, us }) => [
    us,
    layer,
    name,
    module.replace(/^.*node_modules/, ''),
  ])
  t.strictSame(found, [
    [1, 'the rest', '(program)', ''],
    [2, 'garbage', '(garbage collector)', ''],
    [3, 'ours', 'respond', 'kit/server.ts'],
    [4, 'Fastify', '(anonymous)', '/fastify/lib/route.js'],
    [5, 'other libraries', 'find', '/find-my-way/index.js'],
    [6, 'ours', 'save', 'database/main.ts'],
    [7, 'libsql', 'run', '/libsql/index.js'],
    [8, 'libsql', 'step', ''],
    [9, 'Node', 'onRead', 'node:net'],
    [10, 'Node', 'writev', ''],
    [11, 'Node', 'writev', ''],
  ])
})

t.test('calls of the kernel are counted from the summary, without its total', async t => {
  const summary = `     calls syscall
--------- ----------------
     2008 writev
      412 fsync
        1 epoll_wait
--------- ----------------
     2421 total
`
  t.strictSame(
    [...readCalls(summary)],
    [
      ['writev', 2_008],
      ['fsync', 412],
      ['epoll_wait', 1],
    ],
  )
})
