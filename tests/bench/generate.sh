#!/usr/bin/env bash
# Answering in batches and one at a time, in the shape of SmolLM2-135M with random weights, beside llama.cpp at the same work: 500 prompts that share
# 400 tokens, 20 of their own, 64 new ones each; and one answer of 256 tokens. Loading is not counted on either side. FT_BENCH_PROMPTS makes it
# shorter.
set -euo pipefail
# shellcheck source=tests/model.bash
. tests/model.bash
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prompts=${FT_BENCH_PROMPTS:-500}
make_model "$tmp/smol" 1 '{"num_hidden_layers": 30, "hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
	"vocab_size": 49152, "max_position_embeddings": 2048, "rope_theta": 100000.0, "initializer_range": 0.02}'
jq -nc --argjson n "$prompts" 'range($n) | {prompt: (("The same beginning of every prompt. " * 12)[:399] + "\(1000000 + .) own part xyz")}' >"$tmp/many.jsonl"
jq -nc '{prompt: "abcdefg"}' >"$tmp/one.jsonl"

# seconds COMMAND... - prints the time it takes.
seconds() { local t0=$EPOCHREALTIME; "$@" >"$tmp/out"; echo "$t0 $EPOCHREALTIME" | awk '{print $2 - $1}'; }

# ft TYPE RECORDS TOKENS JOBS - tokens generated a second, by the best of three runs less the time to load.
ft() {
	local load=999 all=999 s
	for _ in 1 2 3; do
		s=$(seconds ft-prompt -q -m "$tmp/smol" --quantize "$1" /dev/null)
		load=$(awk -v a="$load" -v b="$s" 'BEGIN {print a < b ? a : b}')
		s=$(seconds ft-prompt -q -m "$tmp/smol" --quantize "$1" --max-tokens "$3" -j "$4" "$2")
		all=$(awk -v a="$all" -v b="$s" 'BEGIN {print a < b ? a : b}')
	done
	jq -s --argjson s "$all" --argjson load "$load" '(map(.usage.completion_tokens) | add) / ($s - $load)' "$tmp/out"
}

# peer TYPE ARGS... - the same of llama.cpp, best of three.
peer() {
	local type=$1 tokens=$2
	shift 2
	for _ in 1 2 3; do llama-peer bench "$tmp/smol-$type.gguf" "$@"; done | jq -s --argjson n "$tokens" '$n / (map(.seconds) | min)'
}

row() {
	jq -nc --arg work "$1" --argjson ft "$2" --argjson peer "$3" --argjson must "$4" --arg note "$5" \
		'{work: $work, ft: $ft, peer: $peer, unit: "tokens/s", ratio: (if $peer then $ft / $peer else null end), must: $must, note: $note}'
}

note="peer: llama.cpp (npm @node-llama-cpp/linux-x64)"
there=1
if ! tests/peer/build 2>"$tmp/why"; then
	there=''
	note="peer missing: $(cat "$tmp/why")"
fi
PATH=$FT_BUILD/peer:$PATH
threads=$(nproc)
for type in f32 q8_0; do
	arg=$type
	[ $type = f32 ] && arg=none
	ours=$(ft $arg "$tmp/many.jsonl" 64 64) theirs=null
	if [ -n "$there" ]; then
		ft-export -q -m "$tmp/smol" -o "$tmp/smol-$type.gguf" --quantize $type >/dev/null
		theirs=$(for seqs in 32 64; do peer $type $((prompts * 64)) 400 20 64 "$prompts" $seqs "$threads"; done | jq -s max)
	fi
	row "$prompts prompts with a common prefix, $type" "$ours" "$theirs" 1.3 "$note, its best of 32 and 64 at a time"
done
ours=$(ft q8_0 "$tmp/one.jsonl" 256 1) theirs=null
[ -n "$there" ] && theirs=$(peer q8_0 256 0 8 256 1 1 "$threads")
row "one answer at a time, q8_0" "$ours" "$theirs" 1 "$note"
