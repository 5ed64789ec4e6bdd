#!/usr/bin/env bash
# Installs, builds, and runs every test that can run on this machine; see --help.
set -euo pipefail
. "$(dirname "$0")/prepare.sh"

# The page is tried in a real browser where there is one; Debian's is installed where that is allowed.
install_browser() {
  command -v chromium >/dev/null && return
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then return; fi
  echo "installing chromium, for the tests of the page (apt-get)"
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y chromium; } >/dev/null 2>&1; then
    echo "chromium could not be installed: the tests of the page in a browser are left out"
  fi
}

prepare
case " $* " in
*' --help '* | *' --only '*) ;;
*) install_browser ;;
esac
cd "$root"
exec node --enable-source-maps dist/scripts/test.js "$@"
