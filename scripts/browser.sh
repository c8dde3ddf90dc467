#!/usr/bin/env bash
# The pages in a real browser: a demonstration of its own is filled and served,
# and scripts/browser.mjs walks through it. Without Chromium or npm it says so
# and leaves it out.
set -euo pipefail
cd "$(dirname "$0")/.."

chromium="${ACCORD_CHROMIUM:-$(command -v chromium || command -v chromium-browser || true)}"
if [ -z "$chromium" ] || ! command -v npm >/dev/null 2>&1; then
  echo "browser: left out: Chromium and npm are not both here (apt-get install chromium npm)"
  exit 0
fi
[ -d node_modules/playwright-core ] || npm ci --ignore-scripts --no-audit --no-fund >/dev/null

binary="${ACCORD_BINARY:-target/debug/accord}"
work="$(mktemp -d)"
trap 'kill "$service" 2>/dev/null || true; wait "$service" 2>/dev/null || true; rm -rf "$work"' EXIT
serves() { # With what is put before the command, until it can be signed in to.
  # One question in five is a known pair, so that the walk meets some.
  ACCORD_KNOWN_PAIRS=20 "$@" "$binary" demo --data "$work/accord-demo" --persons "${ACCORD_PERSONS:-300}" \
    --listen 127.0.0.1:0 --quiet >"$work/out" 2>"$work/err" &
  service=$!
  for _ in $(seq 600); do
    grep -q '^user privacy' "$work/out" && return
    kill -0 "$service" 2>/dev/null || { cat "$work/err"; exit 1; }
    sleep 0.5
  done
}
# The region was filled months ago, where the clock can be set back for that.
filled=$(date -u +%F)
if command -v faketime >/dev/null 2>&1; then
  filled=$(date -u -d '250 days ago' +%F)
  serves env FAKETIME_DONT_FAKE_MONOTONIC=1 faketime -m -f -250d
  pkill -TERM -P "$service" 2>/dev/null || kill "$service"
  wait "$service" || true
fi
serves env
mkdir "$work/reports"
"$binary" generate --persons 1500 --out "$work/region" --quiet >/dev/null
"$binary" link --links "$work/links.csv" --persons "$work/persons.csv" --report "$work/reports/run.html" \
  --report-values --min-weight -5 --quiet "$work/region/records.csv" >/dev/null
"$binary" evaluate --truth "$work/region/truth.csv" --links "$work/links.csv" --persons "$work/persons.csv" \
  --records "$work/region/records.csv" --report "$work/reports/evaluation.html" --quiet >/dev/null
ACCORD_FILLED="$filled" ACCORD_REPORTS="$work/reports" ACCORD_CHROMIUM="$chromium" ACCORD_OUT="$work/out" \
  ACCORD_PICTURES="${ACCORD_PICTURES:-target/browser}" node scripts/browser.mjs
