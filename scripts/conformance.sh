#!/usr/bin/env bash
# Runs the public suites (tests named conformance_ in tests/service) and prints one
# line each: SUITE: N passed, N our reading, N failed. With --readings also what we
# read otherwise (docs/conformance.md says why).
set -euo pipefail
cd "$(dirname "$0")/.."
line='[0-9]+ passed, [0-9]+ our reading, [0-9]+ failed$|^left out: the data'
[[ "${1:-}" == --readings ]] && line="$line|^  our reading:"
said=$(mktemp)
trap 'rm -f "$said"' EXIT
status=0
"${CARGO:-cargo}" test --locked --quiet --test service conformance_ -- --nocapture --test-threads=1 \
  >"$said" 2>&1 || status=$?
grep -E "$line" "$said" || { cat "$said"; exit 1; }
[[ $status == 0 ]] || { grep -A40 ' fails:$' "$said" >&2 || tail -40 "$said" >&2; }
exit "$status"
