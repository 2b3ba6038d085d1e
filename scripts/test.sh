#!/usr/bin/env bash
# Builds everything and runs every test; ends with the runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --test
scripts/build.sh
echo "== building the unit tests with sanitizers"
cmake --preset fuzz > build/configure-fuzz.log || { cat build/configure-fuzz.log >&2; exit 1; }
cmake --build --preset fuzz --target unit_tests
echo "== unit tests with sanitizers"
ctest --preset fuzz --label-regex '^unit$' --parallel 2
scripts/fuzz.sh 30
echo "== all tests"
ctest --preset release --parallel 2 "$@"
