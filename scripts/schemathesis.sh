#!/bin/bash
# Tests the service against its own OpenAPI document, served on a temporary
# directory: any 5xx, undocumented status, breach of a schema, accepted bad data
# or refused good data fails. A second run, with a low rate for each account,
# exercises 429: it says when to come back, and nothing breaks meanwhile.
#
#   ACCORD            the binary (default: target/release/accord)
#   ACCORD_EXAMPLES   test cases for each operation and phase (default: 100)
#   ACCORD_LIMITED_EXAMPLES   the same under the low rate (default: 10)
#   ACCORD_SEED       to repeat a run
#   SCHEMATHESIS_VENV where the tool is or will be installed
set -euo pipefail
cd "$(dirname "$0")/.."

version=4.32.5
accord=${ACCORD:-target/release/accord}
venv=${SCHEMATHESIS_VENV:-target/schemathesis-venv}
if [ ! -x "$venv/bin/schemathesis" ]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet "schemathesis==$version"
fi

work=$(mktemp -d)
service=
stop() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  [ -z "$service" ] || wait "$service" 2>/dev/null || true
  rm -rf "$work" .schemathesis
}
trap stop EXIT

# The address in an example of the document has to be known.
"$accord" source add gp --name "General practices" --data "$work/data"
"$accord" source add pas --name "Hospital" --data "$work/data"
token() { "$accord" token create --data "$work/data" "$@"; }
TOKEN_SYSTEM=$(token --actor engine --role integration)
TOKEN_STEWARD=$(token --actor stewart --role steward --person)
TOKEN_ADMINISTRATOR=$(token --actor adam --role administrator --person)
export TOKEN_SYSTEM TOKEN_STEWARD TOKEN_ADMINISTRATOR

serve() {
  "$accord" serve --listen 127.0.0.1:0 --metrics on --data "$work/data" \
    >"$work/out" 2>>"$work/err" &
  service=$!
  for _ in $(seq 300); do
    grep -q '^listening on ' "$work/out" && break
    sleep 0.1
  done
  url=$(sed -n 's/^listening on //p' "$work/out")
  [ -n "$url" ] || { cat "$work/err" >&2; exit 1; }
}
serve

# Something to find, and a task to open.
post() {
  curl --silent --fail --output /dev/null --request POST "$url/api/v1/sources/$1/records" \
    --header "Authorization: Bearer $TOKEN_SYSTEM" --header 'Content-Type: application/json' \
    --data "$2"
}
post gp '{"local_id":"A-1001","given_names":["Rosalind"],"family_name":"Applethwaite","birth_date":"1980-05-12","gender":"female","addresses":[{"lines":["14 Orchard Rise"],"postcode":"LS8 2QD"}],"phones":["07700 900321"]}'
post pas '{"local_id":"B-1001","given_names":["Rosalind"],"family_name":"Applethwaite","birth_date":"1980-05-12","gender":"female","addresses":[{"lines":["14 Orchard Rise"],"postcode":"LS8 2QD"}]}'
PERSON=$(curl --silent --fail "$url/api/v1/sources/gp/records/A-1001/person" \
  --header "Authorization: Bearer $TOKEN_SYSTEM" | grep -o 'P-[0-9a-f]\{32\}' | head -1)
export PERSON
# Two who share a common name and a birth date and no more: a question for a person.
post gp '{"local_id":"A-1002","given_names":["John"],"family_name":"Smith","birth_date":"1970-03-02","gender":"male"}'
post pas '{"local_id":"B-1002","given_names":["John"],"family_name":"Smith","birth_date":"1970-03-02","gender":"male"}'
TASK=$(curl --silent --fail "$url/api/v1/review/tasks" \
  --header "Authorization: Bearer $TOKEN_STEWARD" --header "Accord-Reason: testing" \
  | grep -o 'T-[0-9a-f]\{32\}' | head -1)
export TASK

status=0
LIMITED="$work/limited"
export LIMITED
check() {
  SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH=scripts \
    "$venv/bin/schemathesis" --config-file scripts/schemathesis.toml run "$url/openapi.json" \
    ${ACCORD_SEED:+--seed "$ACCORD_SEED"} --generation-database none --no-color "$@" || status=$?
  # Whatever was sent, the service lives.
  curl --silent --fail --output /dev/null "$url/readyz"
  kill "$service"; wait "$service" || true; service=
}
check --max-examples "${ACCORD_EXAMPLES:-100}" "$@"
if [ -e "$LIMITED" ]; then
  echo "an account was limited where no rate is set" >&2
  status=1
fi

# Two requests a second for an account: nearly all of them are too many.
export ACCORD_RATE_LIMIT=2
serve
check --max-examples "${ACCORD_LIMITED_EXAMPLES:-10}" "$@"
limited=$(wc -c <"$LIMITED" 2>/dev/null || echo 0)
echo "too many: $limited answers"
[ "$limited" -ge 100 ] || { echo "429 was hardly met" >&2; status=1; }

# It logged no fault, and its ledger is sound.
if grep -qi 'broke off\|panic' "$work/err"; then
  echo "the service logged a fault:" >&2
  grep -i 'broke off\|panic' "$work/err" | head -5 >&2
  status=1
fi
"$accord" verify --data "$work/data"
exit "$status"
