#!/usr/bin/env bash
# Slow: two hours on two idle processors; goes on where it was stopped, and is run by its name only (make bench BENCH=accuracy).
#
# Accuracy kept while getting fast: tinystories-656k tuned on banking77 and snips, in full and by LoRA, by ft-train and by
# ../shared/peers/finetune_torch.py on the very same tokens, with the same recipe and seeds; greedy answers of ft-prompt to the test rows,
# exact match of what the base's vocabulary can write at all (it has no braces), mean of the seeds. ft must reach the peer's mean less 0.01,
# and with --compute bf16 its own in f32 less 0.01. Each run is one process on one thread, two at a time.
#
# What is finished is kept in FT_ACCURACY (default build/accuracy), one file a run. FT_SEEDS (default "0 1 2"), FT_SETS (default "banking77
# snips"), FT_METHODS (default "full lora") and FT_WHO (default "ft bf16 torch") pick. The learning rates below were chosen on rows held out from train:
# FT_CHOOSE="2e-3 5e-3 1e-2" trains ft-train without 10 % of the training rows and prints the exact match on those, for each rate; no test row
# is read then.
set -uo pipefail
store=${FT_ACCURACY:-$FT_BUILD/accuracy}
export store data=$FT_SHARED/data
export base=$data/tinystories-656k python=/usr/bin/python3
seeds=${FT_SEEDS:-0 1 2}
sets=${FT_SETS:-banking77 snips}
methods=${FT_METHODS:-full lora}
who=${FT_WHO:-ft bf16 torch}
rate() { case $1 in full) echo 2e-3 ;; lora) echo 1e-2 ;; esac; }
epochs() { case $1 in banking77) echo 8 ;; snips) echo 6 ;; esac; }
missing() {
	jq -nc --arg note "$1" '{work: "exact match after tuning tinystories-656k", ft: null, peer: null, unit: "share", ratio: null, note: $note}'
	exit 0
}
if [ ! -d "$base" ] || [ ! -e "$FT_SHARED/peers/finetune_torch.py" ]; then missing "../shared is missing"; fi
mkdir -p "$store"

# sayable <ROWS - the references without the characters that the base's vocabulary lacks: they are <unk> in training, and no answer can hold them.
sayable() {
	jq -c --slurpfile tokenizer "$base/tokenizer.json" '$tokenizer[0].model.vocab as $v |
		.messages[-1].content |= (explode | map([.] | implode | select(. == " " or $v[.])) | add // "")'
}

# exact MODEL ROWS [ADAPTER-OPTIONS] - the share of rows that the model answers word for word
exact() {
	local model=$1 rows=$2
	shift 2
	ft-prompt -q -m "$model" "$@" --threads 1 --max-tokens 256 "$rows" 2>/dev/null | sayable | ft-eval --json -c exact | jq -es '.[0].metrics.exact.mean'
}

# tune WORK TRAIN METHOD RATE EPOCHS SEED [OPTIONS] - ft-train's model in WORK/out, its speed on standard output
tune() {
	local method=--full
	[ "$3" = full ] || method="--rank 16 --alpha 32"
	# shellcheck disable=SC2086
	ft-train -q -m "$base" $method "${@:7}" -o "$1/out" --batch 32 --lr "$4" --warmup 50 --epochs "$5" --seed "$6" --keep last --threads 1 "$2" |
		jq -s '.[-1] | .tokens / .seconds'
}

# tune_torch WORK TRAIN METHOD RATE EPOCHS SEED - the same by the peer; its default of as many threads as processors is made one
tune_torch() {
	local rank=0
	[ "$3" = full ] || rank=16
	ft-train -q -m "$base" --dry-run "$2" >"$1/packs.jsonl" || return 1
	OMP_WAIT_POLICY=PASSIVE LD_PRELOAD=/usr/lib/x86_64-linux-gnu/openblas-openmp/libopenblas.so.0 MALLOC_TRIM_THRESHOLD_=20000000000 \
		MALLOC_MMAP_THRESHOLD_=20000000000 "$python" -c 'import os, runpy, sys
os.cpu_count = lambda: 1
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")' "$FT_SHARED/peers/finetune_torch.py" "$base" --epochs "$5" --batch 32 --lr "$4" --rank "$rank" \
		--seed "$6" --save "$1/out" <"$1/packs.jsonl" 2>"$1/err" | jq -s '.[-1].tokens_per_s'
}

# one WHO SET METHOD RATE EPOCHS SEED - trains, answers, measures, and keeps the result
one() {
	local name="$2-$3-lr$4-$5epochs-seed$6-$1" train=$data/$2/train.jsonl test=$data/$2/test.jsonl work speed share unit=null
	[ ! -s "$store/$name.json" ] || return 0
	work=$(mktemp -d)
	case $1 in
	held-out)
		ft-split -r 90:10:0 "$train" >"$work/rows.jsonl" 2>/dev/null
		test=$work/test.jsonl train=$work/train.jsonl
		jq -c 'select(.split == "valid") | del(.split)' "$work/rows.jsonl" >"$test"
		jq -c 'select(.split == "train")' "$work/rows.jsonl" >"$train"
		speed=$(tune "$work" "$train" "${@:3}")
		;;
	ft) speed=$(tune "$work" "$train" "${@:3}") ;;
	bf16) speed=$(tune "$work" "$train" "${@:3}" --compute bf16) unit=$(jq .bf16 "$work/out/ft.json") ;;
	torch) speed=$(tune_torch "$work" "$train" "${@:3}") ;;
	esac
	if [ -e "$work/out/adapter_config.json" ]; then
		share=$(exact "$base" "$test" -a "$work/out")
	else
		share=$(exact "$work/out" "$test")
	fi && jq -nc --arg who "$1" --arg set "$2" --arg method "$3" --arg lr "$4" --argjson exact "$share" --argjson speed "${speed:-null}" --argjson seed "$6" \
		--argjson unit "$unit" '{$set, $method, $lr, $who, $seed, $exact, tokens_per_s: $speed, bf16: $unit}' >"$work/result" && mv "$work/result" "$store/$name.json"
	rm -rf "$work"
}
export -f sayable exact tune tune_torch one

if [ -n "${FT_CHOOSE:-}" ]; then
	for set in $sets; do
		for method in $methods; do
			for lr in $FT_CHOOSE; do echo held-out "$set" "$method" "$lr" "$(epochs "$set")" 0; done
		done
	done | xargs -P "${FT_JOBS:-2}" -L 1 bash -c 'one "$@"' one
	cat "$store"/*-held-out.json
	exit
fi
if [[ " $who " == *" torch "* ]]; then "$python" -c 'import torch' 2>/dev/null || missing "PyTorch is missing"; fi
for seed in $seeds; do
	for set in $sets; do
		for method in $methods; do
			for name in $who; do echo "$name" "$set" "$method" "$(rate "$method")" "$(epochs "$set")" "$seed"; done
		done
	done
done | xargs -P "${FT_JOBS:-2}" -L 1 bash -c 'one "$@"' one

# row WORK WHO PEER NOTE - the mean of WHO's runs beside that of PEER's, from what is kept of a set and a method
row() {
	jq -sc --arg work "$1" --arg who "$2" --arg other "$3" --arg note "$4" '
		def of(who): map(select(.who == who) | .exact);
		def mean: select(length > 0) | add / length;
		[of($who) | mean][0] as $ft | [of($other) | mean][0] as $peer | (of($who) | length) as $n |
		{$work, $ft, $peer, unit: "share", ratio: (if $ft and $peer > 0 then $ft / $peer else null end),
		 must: (if $peer > 0 then ($peer - 0.01) / $peer else null end), note: "\($note); mean of \($n) seeds"}'
}
for set in $sets; do
	for method in $methods; do
		work="exact match, tinystories-656k on $set, $method"
		kept=("$store/$set-$method-lr$(rate "$method")-"*-{ft,bf16,torch}.json)
		[[ " $who " != *" torch "* ]] || cat "${kept[@]}" 2>/dev/null | row "$work" ft torch "PyTorch on the same tokens"
		[[ " $who " != *" bf16 "* ]] || cat "${kept[@]}" 2>/dev/null |
			row "$work, --compute bf16" bf16 ft "peer: f32; by $(cat "${kept[@]}" 2>/dev/null | jq -sr '[.[].bf16 // empty] | unique | join(" and ")')"
	done
done
