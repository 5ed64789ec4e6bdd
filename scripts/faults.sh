#!/usr/bin/env bash
# Brings faults about and checks that nothing was lost; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
here=$PWD
cd "$root"
node node_modules/typescript/bin/tsc -b tsconfig.test.json
scripts/build.sh --failing
cd "$here"
exec node --enable-source-maps "$root/dist/faults/main.js" "$@"
