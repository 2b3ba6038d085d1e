#!/usr/bin/env bash
# Builds the release preset and puts the default model beside the program.
set -euo pipefail
cd "$(dirname "$0")/.."

cmake --preset release > build/configure.log || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release
scripts/prepare_minilm.sh build/release
