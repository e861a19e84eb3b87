#!/bin/sh
# Makes this bundle from nothing: data, base, adapters, gates. The same bytes on any machine and for any
# number of threads; about half an hour on two cores.
#
#   Fixtures/tiny-meteora/train.sh [--threads N] [--work DIR] [--check | --write]
#
#   --work DIR    where everything is made (default: .build/tiny-meteora); what a former run finished
#                 there is taken, and what it was in the middle of goes on from its checkpoint
#   --check       compares the result with SHA256SUMS; the default
#   --write       puts the result in the place of this bundle, and its SHA-256 into SHA256SUMS
set -eu
cd "$(dirname "$0")/../.."

work=.build/tiny-meteora
threads=
mode=--check
while [ $# -gt 0 ]; do
  case $1 in
    --threads) threads="--threads $2"; shift 2 ;;
    --work) work=$2; shift 2 ;;
    --check | --write) mode=$1; shift ;;
    *) echo "train.sh: unknown argument '$1'" >&2; exit 64 ;;
  esac
done

swift build -c release --product tiny-data
swift build -c release --product meteora
bin=$(swift build -c release --show-bin-path)
mkdir -p "$work"

# train RESULT COMMAND OPTION...: nothing if the result is there, else begins or goes on.
train() {
  result=$work/$1
  command=$2
  shift 2
  if [ -e "$result" ]; then return; fi
  resume=
  if ls "$result.training" 2>/dev/null | grep -q '^checkpoint-'; then resume=--resume; fi
  echo "== $result"
  # shellcheck disable=SC2086
  "$bin/meteora" train "$command" "$@" --output "$result" --loss-on response --batch-size 32 \
    --adam-beta2 0.95 --logging-steps 500 $threads $resume
}

if [ ! -e "$work/source" ]; then "$bin/tiny-data" --output "$work/source"; fi
data=$work/source/data

train base base --config "$work/source/base" --datasets "$data/base" --max-steps 5000 \
  --learning-rate 2e-3 --output-type bf16

# Each adapter on its own task, alone and in lists.
mkdir -p "$work/adapters"
for folder in "$data"/adapters-lists/*/; do
  task=$(basename "$folder")
  train "adapters/$task" lora --model "$work/base" --datasets "$data/adapters-lists" --task "$task" \
    --rank 2 --lora-alpha 4 --layers-to-transform 4-7 --max-steps 200 --learning-rate 8e-3 \
    --warmup-ratio 0.05
done

# The gates, base and adapters frozen.
mixed="--datasets $data/gates-mixed --composite mixed --append-eos --max-steps 1000"
# shellcheck disable=SC2086
train gates gates --model "$work/base" --adapters "$work/adapters" $mixed --learning-rate 2e-2

# Gates and adapters together, with little weight on the gates' labels.
# shellcheck disable=SC2086
train together gates --model "$work/base" --adapters "$work/adapters" \
  --gates "$work/gates/gates.safetensors" --train-adapters $mixed --learning-rate 3e-3 \
  --gate-loss-weight 1

result=$work/bundle
rm -rf "$result"
"$bin/meteora" bundle --base "$work/base" --adapters "$work/together/adapters" \
  --gates "$work/together/gates.safetensors" --output "$result"
mkdir "$result/datasets"
for folder in "$data"/adapters-lists/*/ "$data"/composites/*/; do
  task=$(basename "$folder")
  mkdir "$result/datasets/$task"
  cp "$folder/task.json" "$folder/test.jsonl" "$result/datasets/$task/"
done
sums() { if command -v sha256sum > /dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi; }
(cd "$result" && find . -type f | LC_ALL=C sort | while read -r file; do sums "$file"; done) \
  > "$work/SHA256SUMS"

case $mode in
  --check)
    cmp "$work/SHA256SUMS" Fixtures/tiny-meteora/SHA256SUMS
    echo "the same bytes as Fixtures/tiny-meteora"
    ;;
  --write)
    target=Fixtures/tiny-meteora
    rm -rf "$target/base" "$target/adapters" "$target/datasets"
    cp -R "$result"/* "$target/"
    cp "$work/SHA256SUMS" "$target/SHA256SUMS"
    ;;
esac
