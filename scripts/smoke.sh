#!/usr/bin/env bash
# One image through a running system: upload, poll, fetch, compare. Needs curl and nothing else.
set -euo pipefail

if [ "${1:-}" = --help ]; then
  echo 'scripts/smoke.sh [URL]    URL: the frontend, http://127.0.0.1:8080 unless said; https too (CURL_CA_BUNDLE: its authority)'
  exit
fi
if [ $# -gt 1 ] || [[ ${1:-} == -* ]]; then
  echo "smoke.sh: takes one URL; see --help" >&2
  exit 2
fi
url=${1:-http://127.0.0.1:8080}
url=${url%/}

fail() {
  echo "smoke.sh: $1" >&2
  exit 1
}
command -v curl >/dev/null || fail 'curl is needed'

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# ask FILE CURL-ARGUMENTS...: the answer goes to FILE, its status is printed, 000 when there is none.
ask() {
  local file=$1
  shift
  : >"$folder/$file"
  curl --silent --max-time 30 --noproxy 127.0.0.1,localhost --output "$folder/$file" --write-out '%{http_code}' "$@" ||
    true
}
answer() { head -c 300 "$folder/$1" | tr '\n' ' '; }

# A palette image of 4x4 pixels, 2 bits each. Red and green stand in its PLTE alone, so its result differs in the four
# colours and in their checksum, and in nothing else.
head='\211PNG\015\012\032\012\000\000\000\015IHDR\000\000\000\004\000\000\000\004\002\003\000\000\000\324\237\166\355'
before='\000\000\000\014PLTE\310\036\050\012\264\074\377\377\377\040\100\140\036\071\252\170'
after='\000\000\000\014PLTE\036\310\050\264\012\074\377\377\377\100\040\140\044\242\147\221'
data='\000\000\000\020IDAT\170\332\143\220\146\310\141\330\310\160\014\000\005\272\001\377\121\234\327\314'
tail='\000\000\000\000IEND\256\102\140\202'
# shellcheck disable=SC2059
printf "$head$before$data$tail" >"$folder/upload.png"
# shellcheck disable=SC2059
printf "$head$after$data$tail" >"$folder/expected.png"

status=$(ask id --form "uploadfile=@$folder/upload.png;type=image/png" "$url/submitTask")
[ "$status" != 000 ] || fail "nobody answers at $url"
id=$(tr -d '[:space:]' <"$folder/id")
[ "$status" = 200 ] || fail "the upload got $status: $(answer id)"
[[ $id =~ ^[0-9]+$ ]] || fail "the upload got no id: $(answer id)"

deadline=$((SECONDS + ${SMOKE_SECONDS:-30}))
until status=$(ask ready "$url/isReady?id=$id") && [ "$status" = 200 ] && grep -q 'is ready' "$folder/ready"; do
  [ "$status" != 422 ] || fail "task $id failed: $(answer ready)"
  [ $SECONDS -lt $deadline ] || fail "task $id is not ready after ${SMOKE_SECONDS:-30} s: $(answer ready)"
  sleep 0.1
done

status=$(ask result.png "$url/getImage?id=$id")
[ "$status" = 200 ] || fail "the result of task $id got $status: $(answer result.png)"
cmp "$folder/result.png" "$folder/expected.png" >&2 || fail "the result of task $id is not the expected image"
echo "task $id: uploaded, ready, fetched, as expected"
