#!/usr/bin/env bash
# How long from a fresh clone, with an empty npm cache, to the first picture? Clones this repository's last commit to a
# temporary folder, starts it there as the README says, on ports of its own, and sends a picture through. Prints seconds.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d)
ports=(21100 21101 21102 21103 21104 21180)
export KV_STORE_PORT=${ports[0]} DATABASE_PORT=${ports[1]} STORAGE_PORT=${ports[2]} MASTER_PORT=${ports[3]} WORKER_PORT=${ports[4]}
export npm_config_cache="$folder/npm-cache"

finish() {
  [ -x "$folder/clone/scripts/stop-all.sh" ] && "$folder/clone/scripts/stop-all.sh" --data "$folder/data" >/dev/null 2>&1
  rm -rf "$folder"
}
trap finish EXIT

before=$(date +%s.%N)
git clone --quiet "$repository" "$folder/clone"
"$folder/clone/scripts/start-all.sh" --port "${ports[5]}" --data "$folder/data" --detach
"$folder/clone/scripts/smoke.sh" "http://127.0.0.1:${ports[5]}"
after=$(date +%s.%N)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
awk -v from="$before" -v to="$after" -v cpu="$cpu" -v cores="$(nproc)" -v node="$(node --version)" \
  'BEGIN { printf "first picture after %.0f s (%.1f minutes): %d cores, %s, node %s\n", to - from, (to - from) / 60, cores, cpu, node }'
