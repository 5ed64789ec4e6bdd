#!/usr/bin/env bash
# Runs a bench and prints its figures: scripts/bench.sh NAME [ARGUMENT...], for bench/NAME.bench.ts; without a name lists
# them.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
cd "$root"
if [ $# -eq 0 ] || [ ! -f "bench/$1.bench.ts" ]; then
  echo "usage: scripts/bench.sh NAME, one of: $(cd bench && echo *.bench.ts | sed 's/\.bench\.ts//g')" >&2
  exit 2
fi
prepare
node node_modules/typescript/bin/tsc -b tsconfig.test.json
name=$1
shift
exec node --enable-source-maps "dist/bench/$name.bench.js" "$@"
