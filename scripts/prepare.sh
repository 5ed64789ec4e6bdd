# Sourced by the other scripts: a new enough Node, the libraries, the build. Each says one clear line when it fails.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  echo "${0##*/}: $1" >&2
  exit "${2:-1}"
}

# The one place that says how new is package.json.
check_node() {
  local wanted found
  wanted=$(sed -n 's/.*"node": *">=\([0-9.]*\)".*/\1/p' "$root/package.json")
  command -v node >/dev/null || fail "Node $wanted or later is needed, and there is none"
  found=$(node --version)
  found=${found#v}
  printf '%s\n' "$wanted" "$found" | sort -V -C || fail "Node $wanted or later is needed, this is $found"
}

# Runs "$@" in silence. When it fails, what it said first is shown, one line where the reason is a well-known one.
quietly() {
  local what=$1 said
  shift
  said=$(mktemp)
  if "$@" >"$said" 2>&1; then
    rm -f "$said"
    return
  fi
  if grep -q 'ENOSPC' "$said"; then
    what="$what: no room on the disk"
  elif grep -Eq 'EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' "$said"; then
    what="$what: the registry cannot be reached"
  else
    head -n 20 "$said" >&2
  fi
  rm -f "$said"
  fail "$what"
}

# Installs what package-lock.json says, unless it is there: `install` all of it, `install --omit=dev` what runs need.
# All of it does for a run as well. It is made beside what is there, by which a system that runs has to start again what dies.
install() {
  local stamp=$root/node_modules/.installed wanted fresh=$root/.installing
  wanted=$(cksum <"$root/package-lock.json")
  grep -qsxF "all $wanted" "$stamp" && return
  [ $# -gt 0 ] && grep -qsxF "run $wanted" "$stamp" && return
  echo 'installing'
  rm -rf "$fresh"
  mkdir "$fresh"
  cp "$root"/package.json "$root"/package-lock.json "$fresh"
  if [ -f "$root/.npmrc" ]; then cp "$root/.npmrc" "$fresh"; fi
  (cd "$fresh" && quietly 'npm ci failed' npm ci --no-audit --no-fund "$@")
  if [ -d "$root/node_modules" ]; then mv "$root/node_modules" "$fresh/before"; fi
  mv "$fresh/node_modules" "$root"
  rm -rf "$fresh"
  echo "$([ $# -gt 0 ] && echo run || echo all) $wanted" >"$stamp"
}

# Builds, unless dist is what the present sources gave.
build() {
  [ "$("$root/scripts/build.sh" --fingerprint)" = "$(cat "$root/dist/.built" 2>/dev/null)" ] && return
  echo 'building'
  quietly 'the build failed' "$root/scripts/build.sh"
}

# All of the above, one caller at a time: two systems may be started at once from the same folder.
prepare() {
  check_node
  (
    if command -v flock >/dev/null; then flock 9; fi
    install "$@"
    build
  ) 9<"$root/package.json"
}
