#!/usr/bin/env bash
# Stops what start-all.sh started; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

prepare --omit=dev
exec node --enable-source-maps "$root/dist/scripts/stop-all.js" "$@"
