#!/usr/bin/env bash
# Plants bugs and shows that the harness of faults sees them; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"
prepare
cd "$root"
node node_modules/typescript/bin/tsc -b tsconfig.test.json
exec node --enable-source-maps dist/test/mutants/main.js "$@"
