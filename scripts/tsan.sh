#!/usr/bin/env bash
# tsan.sh: builds with ThreadSanitizer what shares something between threads and runs it: worker
# pools, the pipeline, a store with many readers and a writer, and the server in a storm of clients.
# Part of what is done before a release, and after a change to any of these.
#
# FAISS and OpenMP are not built with it. OpenMP's threads wait for each other by ways that it does not
# see, so that all of FAISS's work would be reported; with one thread FAISS starts none. Our own
# threads are as many as ever. libtorch is not built with it either, and not loaded: the server's
# encoder is the native engine.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p build
cmake --preset tsan > build/configure-tsan.log || { cat build/configure-tsan.log >&2; exit 1; }
cmake --build --preset tsan --target test_base test_pipeline test_serve test_store vecdb
# The model is the release's: a check of it would load libtorch.
[[ -d build/release/models ]] || scripts/build.sh
ln -sfn ../release/models build/tsan/models

export OMP_NUM_THREADS=1 TSAN_OPTIONS=halt_on_error=1
build/tsan/test/test_base
build/tsan/test/test_pipeline
build/tsan/test/test_serve
build/tsan/test/test_store '[threads]'
VECDB_PROGRAM=$PWD/build/tsan/vecdb build/venv/bin/python -m pytest -q -p no:cacheprovider test/fault/test_serve.py
