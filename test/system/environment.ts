/**
 * The environment of this process as somebody has it who starts services by hand: the test runner would otherwise follow
 * its children and load itself into each of them, which costs them time and memory.
 */
export function plainEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _ours, ...environment } = process.env
  return environment
}
