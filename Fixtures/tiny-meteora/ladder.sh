#!/bin/sh
# What decides how good composites are: trains and tries the other models of the model card, in the
# folder where train.sh made the bundle. About an hour on two cores.
#
#   Fixtures/tiny-meteora/ladder.sh [--threads N] [--work DIR]
set -eu
cd "$(dirname "$0")/../.."

work=.build/tiny-meteora
threads=
while [ $# -gt 0 ]; do
  case $1 in
    --threads) threads="--threads $2"; shift 2 ;;
    --work) work=$2; shift 2 ;;
    *) echo "ladder.sh: unknown argument '$1'" >&2; exit 64 ;;
  esac
done
meteora=$(swift build -c release --show-bin-path)/meteora
data=$work/source/data
mkdir -p "$work/ladder"

train() {
  result=$work/ladder/$1
  command=$2
  shift 2
  if [ -e "$result" ]; then return; fi
  resume=
  if ls "$result.training" 2>/dev/null | grep -q '^checkpoint-'; then resume=--resume; fi
  # shellcheck disable=SC2086
  "$meteora" train "$command" --model "$work/base" "$@" --output "$result" --loss-on response \
    --batch-size 32 --adam-beta2 0.95 --logging-steps 500 $threads $resume
}

# composites NAME EVAL-OPTION...: two lines of items.
composites() {
  name=$1
  shift
  # shellcheck disable=SC2086
  "$meteora" eval --model "$work/base" --datasets "$data/composites" --task composite-3 \
    --task composite-5 $threads "$@" | grep items | sed "s/^ *items/$name/"
}

adapter="--rank 2 --lora-alpha 4 --layers-to-transform 4-7 --learning-rate 8e-3 --warmup-ratio 0.05"

# LoRA-B: one adapter for all tasks, of the same rank, with as many samples and steps as all 14 and
# the training together of the bundle.
for kind in singles adapters-lists gates-mixed; do
  # shellcheck disable=SC2086
  train "lora-b-$kind" lora --datasets "$data/$kind" $adapter --max-steps 3800
  composites "LoRA-B, $kind" --adapter "b=$work/ladder/lora-b-$kind"
done

# Adapters that saw nothing but single requests, and gates that saw them, lists of one task, and all.
mkdir -p "$work/ladder/adapters-singles"
for folder in "$data"/singles/*/; do
  task=$(basename "$folder")
  # shellcheck disable=SC2086
  train "adapters-singles/$task" lora --datasets "$data/singles" --task "$task" $adapter \
    --max-steps 200
done
gates() {
  train "$1" gates --adapters "$2" --datasets "$data/$3" --append-eos --max-steps 1000 \
    --learning-rate 2e-2 $4
  composites "$1" --adapters "$2" --gates "$work/ladder/$1/gates.safetensors"
}
gates gates-singles-on-singles "$work/ladder/adapters-singles" singles ""
gates gates-singles-on-lists "$work/adapters" singles ""
gates gates-lists-on-lists "$work/adapters" gates-lists ""
gates gates-mixed-on-singles "$work/ladder/adapters-singles" gates-mixed "--composite mixed"
