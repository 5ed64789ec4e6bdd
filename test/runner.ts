import t from 'tap'

/**
 * Runs test files, each as a process of its own, and tells of them in TAP: `runner.js JOBS SECONDS FILE...`, with built
 * files, JOBS of them at a time, SECONDS at most each. tap's own command would load its TypeScript loader into each
 * file, which takes longer than most files do, and itself into all that they start in turn.
 */
const [jobs = '1', seconds = '240', ...files] = process.argv.slice(2)
const env = { ...process.env, TAP_TIMEOUT: seconds }

// The run as a whole takes as long as it takes.
t.setTimeout(0)
t.jobs = Number(jobs)
for (const file of files) {
  const name = file.replace(/^dist\//, '').replace(/\.js$/, '.ts')
  // tap gives NODE_OPTIONS to what it starts, to follow it.
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', file]
  t.spawn('env', args, { buffered: true, timeout: Number(seconds) * 1_000, env }, name)
}
