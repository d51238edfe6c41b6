#!/usr/bin/env bash
# Training beside PyTorch at its best setting and beside the machine's own sgemm: about 8 minutes on
# two idle processors, and as long again the first time, for the weights of the 8B shape (16 GB,
# kept in FT_BENCH_8B, default build/bench/llama3.1-8b; left out where the disk has no room).
#
#	steps of the SmolLM2-135M shape (random weights, 1,024 tokens, all supervised), LoRA and full: speed, memory, useful
#		floating-point operations as a share of sgemm's rate, measured in the same process
#	the same in bf16 where the processor has instructions for it, beside our own f32 and PyTorch with bf16 autocast
#	LoRA on real chat rows (snips) at that shape, on the very same tokens
#	an epoch of banking77 from tinystories-656k, LoRA and full, on the very same tokens
#	one step of 512 tokens of the Llama-3.1-8B shape over a q4_0 base: peak memory
#	products of weights of each type and in bf16 on one thread, beside the processor's fused multiply-adds and bf16 instructions
# FT_BENCH_STEPS (default 5) steps each; the median counts.
set -uo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
steps=${FT_BENCH_STEPS:-5}
python=/usr/bin/python3
preload=LD_PRELOAD=/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0
missing() {
	jq -nc --arg work "$1" --arg note "$2" '{work: $work, ft: null, peer: null, unit: "tokens/s", ratio: null, note: $note}'
}
train-reference rates 256 4096 4096 >"$tmp/rates"
unit=$(jq -r '.unit | select(. != "none")' "$tmp/rates")
jq -c '
	def row(work; ft; peer; must; note): {work: "\(work), one thread", ft: ft, peer: peer, unit: "GFLOP/s",
		ratio: (if ft and peer then ft / peer else null end), must: must, note: note};
	row("sgemm, 1024 x 1024"; .sgemm; .fma; null; "peer: the peak, fused multiply-adds alone"),
	row("256 rows with 4096 x 4096 weights in f32"; .f32; .sgemm; .85; "peer: sgemm; forward and back"),
	(("bf16", "q8_0", "q4_0") as $t | row("256 rows with 4096 x 4096 weights in \($t)"; .[$t]; .f32; .8; "peer: weights in f32")),
	row("256 rows with 4096 x 4096 weights, bf16 operands emulated"; .bf16_emulated; .f32; null; "peer: operands in f32"),
	row("256 rows with 4096 x 4096 weights, bf16 operands"; .unit_f32; .f32;
		if .unit == "amx-bf16" then 4 else 1.6 end; "peer: operands in f32; unit of this processor: \(.unit)"),
	row("256 rows with 4096 x 4096 weights, bf16 operands, of the peak"; .unit_f32; .unit_peak; null; "peer: the instruction of \(.unit) alone"),
	(("bf16", "q8_0", "q4_0") as $t |
		row("256 rows with 4096 x 4096 weights in \($t), bf16 operands"; .["unit_" + $t]; .unit_f32; .8; "peer: weights in f32"))' "$tmp/rates"
if ! "$python" -c 'import numpy' 2>/dev/null || [ ! -e "$FT_SHARED/peers/random_model.py" ]; then
	missing "training, SmolLM2-135M shape" "the model is made by ../shared/peers/random_model.py with python3-numpy; one of them is missing"
	exit 0
fi

# PyTorch's best: OpenMP OpenBLAS, freed memory kept.
note="PyTorch, all threads"
[ -e "${preload#*=}" ] || preload="" note="PyTorch without libopenblas0-openmp, which is faster"
"$python" -c 'import torch' 2>/dev/null || note="PyTorch is missing"
torch() {
	"$python" -c 'import torch' 2>/dev/null || { echo null && return; }
	env ${preload:+"$preload"} MALLOC_TRIM_THRESHOLD_=20000000000 MALLOC_MMAP_THRESHOLD_=20000000000 \
		"$python" "$@" 2>"$tmp/err" | jq -s '.[-1]' || echo null
}

# A program of Python's in which products are made in bf16: arguments of python3 -c.
autocast='import runpy, sys, torch
sys.argv = sys.argv[1:]
with torch.autocast("cpu", dtype=torch.bfloat16):
    runpy.run_path(sys.argv[0], run_name="__main__")'

# compare WORK FT PEER MUST [MEMORY-MUST] - one row of speed, one of memory
compare() {
	jq -nc --arg work "$1" --argjson ft "${2:-null}" --argjson peer "${3:-null}" --argjson must "$4" --argjson memory "${5:-null}" --arg note "$note" '
		def over(a; b): if a and b then a / b else null end;
		($peer.tok_s? // $peer.tokens_per_s?) as $speed |
		{work: $work, ft: $ft.tokens_per_s?, peer: $speed, unit: "tokens/s", ratio: over($ft.tokens_per_s?; $speed), $must, $note},
		{work: ($work + ", memory"), ft: $ft.rss_mb?, peer: $peer.rss_mb?, unit: "MB", ratio: over($peer.rss_mb?; $ft.rss_mb?), must: $memory, $note}'
}

# tuned MODEL ROWS OPTIONS... - speed and memory of a whole run of ft-train
tuned() {
	local model=$1 rows=$2
	shift 2
	rm -rf "$tmp/out"
	ft-train -q -m "$model" -o "$tmp/out" --keep last "$@" "$rows" | jq -sc '{tokens_per_s: (.[-1] | .tokens / .seconds), rss_mb: (map(.rss // 0) | max / 1e6)}'
}

smol=$tmp/smollm2-135m
"$FT_SHARED/peers/random_model.py" smollm2-135m "$smol" 2>/dev/null
for method in lora full; do
	what="LoRA r=8" must=2.2 memory=4 share=0.8 option=()
	[ $method = lora ] || what="full fine-tuning" must=2 memory=null share=null option=(full)
	ft=$(train-reference bench "$smol" $method 2 512 "$steps")
	compare "$what, SmolLM2-135M shape" "$ft" "$(torch "$FT_SHARED/peers/bench_torch.py" smol135 2 512 "$steps" "${option[@]}")" "$must" "$memory"
	jq -c --arg work "$what, SmolLM2-135M shape, useful share of sgemm" --argjson must "$share" '
		{$work, ft: .useful_gflops, peer: .sgemm_gflops, unit: "GFLOP/s", ratio: .share, $must,
		 note: "peer: 1024 x 1024 products on all threads, between the steps; OpenBLAS core \(.core)"}' <<<"$ft"
	[ $method = lora ] && lora=$ft
	[ -n "$unit" ] || continue
	half=$(train-reference bench "$smol" $method 2 512 "$steps" - - bf16)
	jq -c --arg work "$what in bf16, SmolLM2-135M shape" --argjson f32 "$ft" --arg unit "$unit" '
		{$work, ft: .tokens_per_s, peer: $f32.tokens_per_s, unit: "tokens/s", ratio: (.tokens_per_s / $f32.tokens_per_s),
		 must: (if $unit == "amx-bf16" then 4 else 1.6 end), note: "peer: ft in f32; by \(.compute), \(.useful_gflops) GFLOP/s useful"}' <<<"$half"
	f32_note=$note note="$note, bf16 autocast"
	compare "$what in bf16, SmolLM2-135M shape" "$half" "$(torch -c "$autocast" "$FT_SHARED/peers/bench_torch.py" smol135 2 512 "$steps" "${option[@]}")" 2
	note=$f32_note
done
jq -c --argjson one "$lora" '{work: "LoRA r=8, SmolLM2-135M shape, four times the tokens a step", ft: .tokens_per_s, peer: $one.tokens_per_s, unit: "tokens/s",
	ratio: (.tokens_per_s / $one.tokens_per_s), must: 0.95, note: "peer: ft at 1,024 tokens a step; cost is linear in tokens"}' \
	<<<"$(train-reference bench "$smol" lora 8 512 "$steps")"

# Real rows, spread over all intents. PyTorch pads 16 of them to the longest and takes 20 GB for it:
# 8 where there is less.
if [ -e "$FT_SHARED/data/snips/train.jsonl" ]; then
	rows=16
	[ "$(awk '/MemAvailable/ {print $2}' /proc/meminfo)" -gt 23000000 ] || rows=8
	awk 'NR % 215 == 1' "$FT_SHARED/data/snips/train.jsonl" | head -n $((4 * rows)) >"$tmp/snips.jsonl"
	ft-train -q -m "$smol" --batch $rows --dry-run "$tmp/snips.jsonl" >"$tmp/packs.jsonl"
	compare "LoRA r=8 on $rows real chat rows a step (snips), SmolLM2-135M shape" \
		"$(tuned "$smol" "$tmp/snips.jsonl" --rank 8 --alpha 16 --batch $rows --epochs 1)" \
		"$(torch "$FT_SHARED/peers/finetune_torch.py" "$smol" --rank 8 --batch $rows --epochs 1 <"$tmp/packs.jsonl")" 3
	tiny=$FT_SHARED/data/tinystories-656k bank=$FT_SHARED/data/banking77/train.jsonl
	ft-train -q -m "$tiny" --batch 32 --dry-run "$bank" >"$tmp/packs.jsonl" 2>/dev/null
	compare "full fine-tuning of tinystories-656k on banking77" "$(tuned "$tiny" "$bank" --full --lr 2e-3 --batch 32 --epochs 1 2>/dev/null)" \
		"$(torch "$FT_SHARED/peers/finetune_torch.py" "$tiny" --batch 32 --epochs 1 <"$tmp/packs.jsonl")" 2
	compare "LoRA r=16 of tinystories-656k on banking77" "$(tuned "$tiny" "$bank" --rank 16 --lr 2e-3 --batch 32 --epochs 1 2>/dev/null)" \
		"$(torch "$FT_SHARED/peers/finetune_torch.py" "$tiny" --rank 16 --batch 32 --epochs 1 <"$tmp/packs.jsonl")" 2
else
	missing "training on real rows" "../shared/data is missing"
fi

work="LoRA r=8 over q4_0, Llama-3.1-8B shape, one step of 512 tokens, memory"
big=${FT_BENCH_8B:-$FT_BUILD/bench/llama3.1-8b}
mkdir -p "$big"
if [ ! -e "$big/tokenizer_config.json" ] && [ "$(df -Pk "$big" | awk 'NR == 2 {print $4}')" -gt 20000000 ]; then
	"$FT_SHARED/peers/random_model.py" llama3.1-8b "$big" --dtype bf16 2>/dev/null || rm -f "$big/tokenizer_config.json"
fi
if [ -e "$big/tokenizer_config.json" ]; then
	train-reference bench "$big" lora 1 512 1 q4_0 2048 | jq -c --arg work "$work" '{$work, ft: .rss_mb, peer: 8192, unit: "MB", ratio: (8192 / .rss_mb), must: 1,
		note: "peer: the limit of 8 GB; activations within 2 GB; \(.step_s) s for the step, \(.useful_gflops) GFLOP/s useful"}'
else
	jq -nc --arg work "$work" '{$work, ft: null, peer: 8192, unit: "MB", ratio: null, must: 1, note: "no room on this disk for its 16 GB of weights"}'
fi
