#!/usr/bin/env bash
# What the tests need beside a Rust toolchain: a PostgreSQL server (the tests
# start their own clusters), for the power cut xfs_io, and npm for the pages' stylesheet and for the
# OpenID Connect provider that people sign in at. Installs what is
# missing where that is possible; where it is not, the tests say what they
# leave out.
set -euo pipefail
cd "$(dirname "$0")/.."

has_postgres() {
  command -v initdb pg_ctl postgres >/dev/null 2>&1 && return 0
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

packages() {
  command -v npm >/dev/null 2>&1 || return 0
  [ -d node_modules/oidc-provider ] || npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1 ||
    echo "prepare: npm cannot bring the packages of package-lock.json; the tests that need them say so and are left out"
}

missing=()
has_postgres || missing+=(postgresql)
command -v xfs_io >/dev/null 2>&1 || [ -x /usr/sbin/xfs_io ] || missing+=(xfsprogs)
command -v strace >/dev/null 2>&1 || missing+=(strace)
command -v faketime >/dev/null 2>&1 || missing+=(faketime)
command -v curl >/dev/null 2>&1 || missing+=(curl)
command -v jq >/dev/null 2>&1 || missing+=(jq)
command -v npm >/dev/null 2>&1 || missing+=(npm)

if [ "${#missing[@]}" -eq 0 ]; then
  packages
  echo "prepare: everything the tests use is there"
  exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "prepare: not here: ${missing[*]}; install them (or run this as root on Debian or Ubuntu)," \
    "else the tests that need them say so and are left out"
  exit 0
fi
for package in "${missing[@]}"; do
  echo "prepare: installing $package"
  if DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" \
    >/dev/null 2>&1; then
    echo "prepare: $package is there"
  elif apt-get update >/dev/null 2>&1 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" \
      >/dev/null 2>&1; then
    echo "prepare: $package is there"
  else
    echo "prepare: $package cannot be installed; the tests that need it say so and are left out"
  fi
done
packages
