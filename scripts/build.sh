#!/usr/bin/env bash
# Builds dist/ and leaves a fingerprint of what it was built from. --fingerprint prints that of the present sources;
# --failing adds to dist/ the services with failpoints, for tests.
set -euo pipefail
cd "$(dirname "$0")/.."

# Names and contents: a file that was removed, or whose time went back, shows as well.
fingerprint() {
  find . \( -path './.?*' -o -path ./node_modules -o -path ./dist -o -path ./data -o -path ./test -o -path ./bench -o -path ./faults \) \
    -prune -o -type f \( -name '*.ts' -o -name '*.css' -o -path ./package-lock.json -o -path './tsconfig*.json' \) -print0 |
    LC_ALL=C sort -z | xargs -0 cksum | cksum
}

# The module of the codec, when it is not what the present sources gave: it takes longer than all the rest.
build_wasm() {
  local from
  from=$(cksum codec/wasm/*.ts package-lock.json scripts/build.sh | cksum)
  [ -f dist/codec/codec.wasm ] && [ "$from" = "$(cat dist/codec/.built 2>/dev/null)" ] && return
  node node_modules/assemblyscript/bin/asc.js codec/wasm/module.ts --outFile dist/codec/codec.wasm \
    -O3 --converge --noAssert --debug --runtime stub --enable simd --use abort=
  echo "$from" >dist/codec/.built
}

if [ "${1:-}" = --fingerprint ]; then
  fingerprint
  exit
fi
if [ "${1:-}" = --failing ]; then
  node dist/scripts/bundle.js --failing
  cp dist/.built dist/failing/.built
  exit
fi
# Taken before: what is edited while tsc runs shows as stale afterwards.
built_from=$(fingerprint)
# What breaks off in the middle is of no sources.
rm -f dist/.built
node node_modules/typescript/bin/tsc -b tsconfig.build.json
build_wasm
node dist/scripts/bundle.js
echo "$built_from" >dist/.built
