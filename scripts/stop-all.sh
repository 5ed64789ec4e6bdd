#!/usr/bin/env bash
# Stops what start-all.sh started; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

# What runs has to be stopped by what there is: the registry may be away, and the sources may not build. It needs no library.
[ -f "$root/dist/scripts/stop-all.js" ] || prepare --omit=dev
check_node
exec node "$root/dist/scripts/stop-all.js" "$@"
