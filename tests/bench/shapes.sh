#!/usr/bin/env bash
# Slow: one step of LoRA (r=8 on all products) over 512 tokens, on a q4_0 base of the shapes that people choose: what ft-train takes
# for it, and what --estimate says beforehand. About 15 minutes on two idle processors, most of them for the 8B shape, for whose
# weights 17 GB of disk are taken while it is measured.
#
# FT_BENCH_SHAPES says which (default all); the random weights go to FT_BENCH_DIR (default build/bench/shapes) for as long as a shape
# takes. A shape that finds no room is named with what it lacks.
set -uo pipefail
# shellcheck source=tests/model.bash
. tests/model.bash
dir=${FT_BENCH_DIR:-$FT_BUILD/bench/shapes}
mkdir -p "$dir"
trap 'rm -rf "$dir"' EXIT
jq -nc '{text: ("What a step takes does not depend on what it says. " * 20)[:510]}' >"$dir/row.jsonl"

row() { # WORK FT UNIT NOTE
	jq -nc --arg work "$1" --argjson ft "$2" --arg unit "$3" --arg note "$4" \
		'{$work, ft: (if $ft then $ft * 100 | round / 100 else null end), peer: null, $unit, ratio: null, must: null, $note}'
}

# shape NAME TITLE DISK MEMORY - GB of weights as they are written, and of memory that the step wants
shape() {
	local work="LoRA r=8 over q4_0, $2 shape, one step of 512 tokens" options estimate got=''
	if [ "$(df -Pk "$dir" | awk 'NR == 2 {print int($4 * 1024 / 1e9)}')" -le "$3" ]; then
		row "$work" null GB "not run: no room on this disk for its $3 GB of weights"
		return
	fi
	if [ "$(awk '/MemAvailable/ {print int($2 * 1024 / 1e9)}' /proc/meminfo)" -lt "$4" ]; then
		row "$work" null GB "not run: it takes $4 GB of memory, and less is free"
		return
	fi
	rm -rf "$dir/m" "$dir/out"
	tests/bench/shapes.py "$1" "$dir/m" || return
	byte_tokenizer "$dir/m"
	options=(-q -m "$dir/m" --quantize q4_0 --rank 8 --batch 1 --steps 1)
	estimate=$(ft-train "${options[@]}" --estimate "$dir/row.jsonl") &&
		got=$(ft-train "${options[@]}" -o "$dir/out" "$dir/row.jsonl" | jq -c 'select(has("tokens_per_s"))')
	if [ -n "$got" ]; then
		row "$work, memory" "$(jq '.rss / 1e9' <<<"$got")" GB \
			"peak, weights and all; --estimate says $(jq '.memory.total / 1e7 | round / 100' <<<"$estimate") GB"
		row "$work" "$(jq .tokens_per_s <<<"$got")" tokens/s \
			"$(jq -r '"\(.tokens) tokens; --estimate says \(.tokens_per_s) tokens/s, \(.flops_per_step / 1e12 * 100 | round / 100) TFLOP a step"' <<<"$estimate")"
	else
		row "$work" null tokens/s "the step failed"
	fi
	rm -rf "$dir/m" "$dir/out"
}

for name in ${FT_BENCH_SHAPES:-lfm2-1.2b gemma3-4b qwen3-8b}; do
	case $name in
	lfm2-1.2b) shape "$name" "LFM2 1.2B" 3 3 ;;
	gemma3-4b) shape "$name" "Gemma 3 4B" 8 6 ;;
	qwen3-8b) shape "$name" "Qwen 3 8B" 17 10 ;;
	*) echo "shapes: no shape is called $name" >&2 && exit 2 ;;
	esac
done
