#!/usr/bin/env bash
# Training steps of the SmolLM2-135M shape (random weights, 1,024 tokens a step, all supervised), beside PyTorch at its best setting and
# beside the machine's own sgemm. FT_BENCH_STEPS (default 5) steps each; the median counts.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
steps=${FT_BENCH_STEPS:-5}
python=/usr/bin/python3
missing() {
	jq -nc --arg work "$1" --arg note "$2" '{work: $work, ft: null, peer: null, unit: "tokens/s", ratio: null, note: $note}'
}
if ! "$python" -c 'import numpy' 2>/dev/null || [ ! -e "$FT_SHARED/peers/random_model.py" ]; then
	missing "training, SmolLM2-135M shape" "the model is made by ../shared/peers/random_model.py with python3-numpy; one of them is missing"
	exit 0
fi
"$FT_SHARED/peers/random_model.py" smollm2-135m "$tmp/model" 2>/dev/null

# PyTorch's best: OpenMP OpenBLAS, freed memory kept.
torch() {
	LD_PRELOAD=/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0 MALLOC_TRIM_THRESHOLD_=20000000000 \
		MALLOC_MMAP_THRESHOLD_=20000000000 "$python" "$FT_SHARED/peers/bench_torch.py" smol135 2 512 "$steps" "$@"
}
compare() {
	local work=$1 method=$2 must=$3 ft peer=null
	shift 3
	ft=$(lm-reference bench "$tmp/model" "$method" 2 512 "$steps")
	if "$python" -c 'import torch' 2>/dev/null; then
		peer=$(torch "$@" 2>"$tmp/err") || peer=null
	fi
	jq -nc --arg work "$work" --argjson ft "$ft" --argjson peer "$peer" --argjson must "$must" '
		(if $peer == null then "PyTorch is missing" else "PyTorch, 2 threads" end) as $note |
		{work: $work, ft: $ft.tokens_per_s, peer: $peer.tok_s?, unit: "tokens/s",
		 ratio: (if $peer then $ft.tokens_per_s / $peer.tok_s else null end), $must, $note},
		{work: ($work + ", memory"), ft: $ft.rss_mb, peer: $peer.rss_mb?, unit: "MB",
		 ratio: (if $peer then $peer.rss_mb / $ft.rss_mb else null end), must: (if $must > 2 then 4 else null end), $note},
		{work: ($work + ", useful share of sgemm"), ft: $ft.useful_gflops, peer: $ft.sgemm_gflops, unit: "GFLOP/s",
		 ratio: ($ft.useful_gflops / $ft.sgemm_gflops), must: (if $must > 2 then 0.8 else null end),
		 note: ("peer: 1024 x 1024 products on all threads in the same run; OpenBLAS core " + $ft.core)}'
}
compare "LoRA r=8, SmolLM2-135M shape" lora 2.2
compare "full fine-tuning, SmolLM2-135M shape" full 2 full
