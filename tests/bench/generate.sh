#!/usr/bin/env bash
# Answering in batches and one at a time, in the shape of SmolLM2-135M with random weights, beside
# llama.cpp at the same work: prompts that share 400 tokens, 20 of their own, 64 new ones each; and
# one answer of 256 tokens, this also beside what memory gives in the same run. Loading is not counted on either side. Of f32 and q8_0 each a run of 64
# prompts tells llama.cpp's better batch size and how many prompts fit into FT_BENCH_SECONDS (150),
# at most FT_BENCH_PROMPTS (500). Six to eight minutes on two idle cores, half of it without
# llama.cpp.
set -euo pipefail
# shellcheck source=tests/model.bash
. tests/model.bash
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
most=${FT_BENCH_PROMPTS:-500} limit=${FT_BENCH_SECONDS:-150} pilot=64
[ "$pilot" -le "$most" ] || pilot=$most
threads=$(nproc)
make_model "$tmp/smol" 1 '{"num_hidden_layers": 30, "hidden_size": 576, "num_attention_heads": 9, "num_key_value_heads": 3, "intermediate_size": 1536,
	"vocab_size": 49152, "max_position_embeddings": 2048, "rope_theta": 100000.0, "initializer_range": 0.02}'
jq -nc --argjson n "$most" 'range($n) | {prompt: (("The same beginning of every prompt. " * 12)[:399] + "\(1000000 + .) own part xyz")}' >"$tmp/many.jsonl"
jq -nc '{prompt: "abcdefg"}' >"$tmp/one.jsonl"

# run COMMAND... - sets $wall, and $rss (MB) where GNU time is there.
run() {
	local t0=$EPOCHREALTIME
	rss=null
	if type -P time >/dev/null; then
		command time -f '%M' -o "$tmp/rss" "$@" >"$tmp/out"
		rss=$(($(tail -n 1 "$tmp/rss") / 1000))
	else
		"$@" >"$tmp/out"
	fi
	wall=$(echo "$t0 $EPOCHREALTIME" | awk '{print $2 - $1}')
}

# ft TYPE TOKENS JOBS FILE [PROMPTS] - sets $seconds less the $load time of the type, $tokens
# written, and $ft_mb.
ft() {
	head -n "${5:-1}" "$4" >"$tmp/in"
	run ft-prompt -q -m "$tmp/smol" --quantize "$1" --max-tokens "$2" -j "$3" --threads "$threads" "$tmp/in"
	tokens=$(jq -s 'map(.usage.completion_tokens) | add' "$tmp/out")
	seconds=$(awk -v a="$wall" -v b="$load" 'BEGIN {print a - b}') ft_mb=$rss
}

loads() {
	load=999
	for _ in 1 2 3; do
		run ft-prompt -q -m "$tmp/smol" --quantize "$1" --threads "$threads" /dev/null
		load=$(awk -v a="$load" -v b="$wall" 'BEGIN {print (a < b ? a : b)}')
	done
}

# peer TYPE PREFIX SUFFIX NEW PROMPTS SEQUENCES - sets $peer_seconds and $peer_mb. One that takes
# too long is missing from there on.
peer() {
	peer_seconds=0 peer_mb=null
	[ -n "$there" ] || return 0
	if timeout $((limit * 2)) llama-peer bench "$tmp/smol-$1.gguf" "$2" "$3" "$4" "$5" "$6" "$threads" >"$tmp/peer"; then
		peer_seconds=$(jq .seconds "$tmp/peer") peer_mb=$(jq .rss_mb "$tmp/peer")
	else
		there='' why="peer missing: it failed, or took more than $((limit * 2)) s"
	fi
}

over() { awk -v a="$1" -v b="$2" 'BEGIN {print (b > 0 ? a / b : "null")}'; }

row() {
	jq -nc --arg work "$1" --argjson ft "$2" --argjson peer "$3" --argjson must "$4" --arg note "$5" \
		'{work: $work, ft: $ft, peer: $peer, unit: "tokens/s", ratio: (if $peer then $ft / $peer else null end), must: $must, note: $note}'
}

there=1 why=''
tests/peer/llama-build 2>"$tmp/why" || there='' why="peer missing: $(tail -n 1 "$tmp/why")"
PATH=$FT_BUILD/peer:$PATH
for type in f32 q8_0; do
	arg=$type theirs=null note=$why
	[ $type = f32 ] && arg=none
	loads $arg
	ft $arg 64 64 "$tmp/many.jsonl" "$pilot"
	each=$(over "$seconds" "$pilot")
	if [ -n "$there" ]; then
		ft-export -q -m "$tmp/smol" -o "$tmp/smol-$type.gguf" --quantize $type >/dev/null
		best=999999 sequences=64
		for size in 32 64; do
			peer $type 400 20 64 "$pilot" $size
			if awk -v a="$peer_seconds" -v b="$best" 'BEGIN {exit !(a > 0 && a < b)}'; then best=$peer_seconds sequences=$size; fi
		done
		[ -z "$there" ] || each=$(awk -v a="$each" -v b="$best" -v n="$pilot" 'BEGIN {print a + b / n}')
	fi
	n=$(awk -v a="$each" -v limit="$limit" -v least="$pilot" -v most="$most" 'BEGIN {n = a > 0 ? int(limit / a) : most; print (n < least ? least : n > most ? most : n)}')
	ft $arg 64 64 "$tmp/many.jsonl" "$n"
	ours=$(over "$tokens" "$seconds")
	note="memory $ft_mb MB${note:+; $note}"
	if [ -n "$there" ]; then
		peer $type 400 20 64 "$n" "$sequences"
		theirs=$(over $((n * 64)) "$peer_seconds")
		note="peer: llama.cpp (npm @node-llama-cpp/linux-x64), $sequences at a time; $note, the peer's $peer_mb MB${why:+; $why}"
	fi
	row "$n prompts with a common prefix, $type" "$ours" "$theirs" 1.3 "$note"
done
# $load is that of q8_0. Both sides by turns, the best of three. What memory allows: it gives each weight once a token.
ours=0 theirs=0 note="memory $ft_mb MB" rates='{"read":0,"copy":0}'
[ -e "$tmp/smol-q8_0.gguf" ] || ft-export -q -m "$tmp/smol" -o "$tmp/smol-q8_0.gguf" --quantize q8_0 >/dev/null
bytes=$(stat -c %s "$tmp/smol-q8_0.gguf")
for _ in 1 2 3; do
	ft q8_0 256 1 "$tmp/one.jsonl"
	ours=$(over "$tokens" "$seconds" | awk -v b="$ours" '{print ($1 > b ? $1 : b)}')
	note="memory $ft_mb MB"
	rates=$(train-reference memory | jq -c --argjson best "$rates" '{read: ([.read, $best.read] | max), copy: ([.copy, $best.copy] | max)}')
	[ -n "$there" ] || continue
	peer q8_0 0 8 256 1 1
	[ -n "$there" ] || continue
	theirs=$(over 256 "$peer_seconds" | awk -v b="$theirs" '{print ($1 > b ? $1 : b)}')
	note="$note, the peer's $peer_mb MB"
done
[ -n "$there" ] || theirs=null note="$note; $why"
row "one answer at a time, q8_0" "$ours" "$theirs" 1 "$note"
# Of what is copied each byte counts twice, as in STREAM.
for how in copy:0.85 read:null; do
	rate=$(jq ".${how%:*}" <<<"$rates")
	row "one answer at a time, q8_0, of what memory allows (${how%:*})" "$ours" "$(awk -v a="$rate" -v b="$bytes" 'BEGIN {print a * 1e9 / b}')" "${how#*:}" \
		"peer: $rate GB/s by all threads, measured between the answers, over $((bytes / 1000000)) MB of weights a token"
done
