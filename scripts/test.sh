#!/usr/bin/env bash
# Builds everything and runs every test; ends with the runner's own summary.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --test
scripts/build.sh
echo "== building the unit tests with sanitizers"
cmake --preset asan-ubsan > build/configure-asan.log || { cat build/configure-asan.log >&2; exit 1; }
cmake --build --preset asan-ubsan --target unit_tests
echo "== unit tests with sanitizers"
ctest --preset asan-ubsan --label-regex '^unit$' --parallel 2
scripts/fuzz.sh 60
echo "== all tests"
ctest --preset release --parallel 2 "$@"
