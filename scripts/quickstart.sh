#!/usr/bin/env bash
# From a fresh Debian 12 to the first answer: installs what is missing, builds, and asks.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*"; }
readonly QUESTION="What did the president say about Ketanji Brown Jackson"

scripts/setup.sh
say "building (a few minutes the first time)"
scripts/build.sh

store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
say "ingesting test/data/state_of_the_union.txt"
build/release/vecdb --store "$store" ingest test/data/state_of_the_union.txt
say "asking: $QUESTION"
build/release/vecdb --store "$store" query "$QUESTION"

cat <<EOF
== that was a throw-away store. Now with a file of yours:

  build/release/vecdb ingest FILE
  build/release/vecdb query "$QUESTION"
EOF
