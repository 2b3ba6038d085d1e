#!/usr/bin/env bash
# fuzz.sh [SECONDS] [TARGET…]: builds the fuzz targets and runs them, as many at a time as there are
# cores. The readers of a model's files run for SECONDS each (60), the other targets for a third of
# it. Targets that are named run for all of it. A long run is the same with, say, 3600.
#
# Fails when a target found something: an exception other than the expected one, a sanitizer's report, a
# leak, an input that takes over 25 seconds or 2 GB. What was learnt stays in build/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly OUT=build/fuzz
seconds=${1:-60}
shift || true
if [[ ! $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: fuzz.sh [SECONDS] [TARGET…]" >&2
  exit 2
fi
long=("$@")
short=()
if [ "$#" -eq 0 ]; then
  long=(safetensors wordpiece sentencepiece tokenizer)
  short=(subword manifest json record glob filter regex splitter utf8 encoding html csv front_matter head segment index index_row catalogue npy tar flat_file)
fi

# lines of a target and its seconds, the long ones first
plan() {
  printf "%s $seconds\n" "${long[@]}"
  [ "${#short[@]}" -eq 0 ] || printf "%s $(((seconds + 2) / 3))\n" "${short[@]}"
}

# fuzz TARGET SECONDS
fuzz() {
  local target=$1 log=$OUT/log/$1 known=()
  [ ! -d "test/fuzz/regressions/$target" ] || known=("test/fuzz/regressions/$target")
  mkdir -p "$OUT/corpus/$target"
  if "$OUT/fuzz/fuzz_$target" -max_total_time="$2" -timeout=25 -rss_limit_mb=2048 \
    -dict="test/fuzz/dictionaries/$target.dict" -artifact_prefix="$OUT/found/$target-" \
    -print_final_stats=1 "$OUT/corpus/$target" "$OUT/seeds/$target" "${known[@]}" > "$log" 2>&1; then
    printf '%-14s %4s s  %s inputs\n' "$target" "$2" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")"
    return 0
  fi
  grep -E 'ERROR:|SUMMARY:|runtime error:|does not hold:|what\(\):' "$log" >&2 || tail -n 5 "$log" >&2
  local input
  input=$(sed -n 's/.*Test unit written to //p' "$log")
  printf 'fuzz: %s: found a failing input: %s; replay it with\n  %s\n' "$target" "${input:-see $log}" \
    "$OUT/fuzz/fuzz_$target ${input:-}" >&2
  return 1
}

echo "== building the fuzz targets"
mkdir -p build
cmake --preset release > build/configure.log || { cat build/configure.log >&2; exit 1; }
cmake --build --preset release --target faiss_library
cmake --preset fuzz > build/configure-fuzz.log || { cat build/configure-fuzz.log >&2; exit 1; }
cmake --build --preset fuzz --target "${long[@]/#/fuzz_}" "${short[@]/#/fuzz_}"
python3 test/fuzz/make_seeds.py "$OUT/seeds"
mkdir -p "$OUT/found" "$OUT/log"

echo "== fuzzing"
export -f fuzz
export OUT
plan | xargs -P "$(nproc)" -L 1 bash -c 'fuzz "$@"' fuzz
