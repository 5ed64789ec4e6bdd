#!/usr/bin/env bash
# Starts the six services; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

prepare --omit=dev
exec node "$root/dist/scripts/start-all.js" "$@"
