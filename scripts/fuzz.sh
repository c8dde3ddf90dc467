#!/bin/bash
# Lets libFuzzer try each parser's target for some time, with AddressSanitizer.
# Stops at the first crash, at a case that takes longer than a second, or at
# more than 1 GiB. What it has found interesting is kept for the next run.
#
#   ACCORD_FUZZ_SECONDS   for each target (default: 60)
#   ACCORD_FUZZ_CORPUS    where the corpus lies (default: target/fuzz-corpus)
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${ACCORD_FUZZ_SECONDS:-60}
corpus=$PWD/${ACCORD_FUZZ_CORPUS:-target/fuzz-corpus}
cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz

# The sanitizer's flag is unstable. The compiler that the project uses takes it
# when it is told to; the toolchain is not changed for it.
export RUSTC_BOOTSTRAP=1
host=$(rustc -vV | sed -n 's/^host: //p')
targets=$(cargo fuzz list)
status=0
for target in $targets; do
  mkdir -p "$corpus/$target"
  log=$(mktemp)
  if cargo fuzz run --target "$host" "$target" "$corpus/$target" -- -max_total_time="$seconds" \
    -timeout=1 -rss_limit_mb=1024 -max_len=65536 -print_final_stats=1 >"$log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log")
    echo "$target: $runs cases, none failed, slowest ${slowest} s"
  else
    status=1
    echo "$target: FAILED" >&2
    tail -40 "$log" >&2
  fi
  rm -f "$log"
done
exit "$status"
