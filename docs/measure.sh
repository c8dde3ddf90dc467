#!/usr/bin/env bash
# Imports labelled corpora into fresh ledgers by the message path, exports what
# was decided and scores it. Needs python3 with numpy and pandas, and the
# corpora at ../shared (or where ACCORD_SHARED says).
set -euo pipefail
cd "$(dirname "$0")/.."
shared="${ACCORD_SHARED:-../shared}"
if [ ! -d "$shared/corpora" ]; then
  echo "no corpora at $shared/corpora; set ACCORD_SHARED" >&2
  exit 1
fi
cargo build --release --locked --quiet
accord="${CARGO_TARGET_DIR:-target}/release/accord"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
for corpus in febrl4 uk_20k uk_nonhs_20k; do
  echo "== $corpus"
  "$accord" import --quiet --data "$work/$corpus" "$shared/corpora/$corpus/records.csv.gz" 2>/dev/null
  "$accord" export --data "$work/$corpus" --persons "$work/p.csv" --links "$work/l.csv" 2>/dev/null
  "$accord" verify --data "$work/$corpus" | tail -n 1
  python3 "$shared/corpora/score.py" --corpus "$shared/corpora/$corpus" --clusters "$work/p.csv"
  python3 "$shared/corpora/score.py" --corpus "$shared/corpora/$corpus" --links "$work/l.csv"
done
