#!/usr/bin/env bash
# Runs benches, prints their figures, and writes them into bench/README.md; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
cd "$root"
node node_modules/typescript/bin/tsc -b tsconfig.test.json
exec node --enable-source-maps dist/bench/main.js "$@"
