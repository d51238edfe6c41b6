#!/usr/bin/env bash
# A model served to 1, 8 and 64 clients beside ft-prompt with the same model, rows and jobs, and beside llama.cpp's server, LLAMA_SERVER or in
# PATH, with the same weights in f32, which is stopped while it is not asked: its threads wait busily. Each round asks new rows; loading is not
# counted. Of one process to the next the speed differs by a tenth, whatever it is, so each round starts ft-serve too, the two take turns in going
# first, and the best of five rounds counts. Five minutes on two idle cores.
set -uo pipefail
# shellcheck source=tests/model.bash
. tests/model.bash
# shellcheck source=tests/bench/serving.bash
. tests/bench/serving.bash
make_model "$tmp/m" 3 '{"hidden_size": 384, "num_hidden_layers": 8, "num_attention_heads": 6, "num_key_value_heads": 3, "intermediate_size": 1024}'
llama=${LLAMA_SERVER:-$(command -v llama-server)}
ft-export -q -m "$tmp/m" -o "$tmp/m.gguf" --quantize f32 >"$tmp/exported" 2>&1 || exit 1

# start_llama JOBS - llama.cpp's server with that many slots; sets llama_pid, llama_address.
start_llama() {
	llama_address=http://127.0.0.1:$((20000 + $$ % 20000))
	"$llama" -m "$tmp/m.gguf" -t "$(nproc)" --parallel "$1" -c $((512 * $1)) --host 127.0.0.1 --port "${llama_address##*:}" >"$tmp/llama" 2>&1 &
	llama_pid=$!
	for _ in $(seq 600); do
		curl -sf "$llama_address/health" >/dev/null && return
		sleep 0.05
	done
	return 1
}

# seconds FILE ARGS... - what ft-prompt takes for the rows, its answers in $tmp/out.
seconds() {
	local begun=$EPOCHREALTIME
	ft-prompt -q --max-tokens 32 "${@:2}" "$1" >"$tmp/out"
	awk -v a="$begun" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}'
}

# by_itself - sets what ft-prompt takes for loading and for the rows; its answers in $tmp/own.
by_itself() {
	load=$(seconds /dev/null -m "$tmp/m" -j $jobs)
	own=$(seconds "$tmp/rows" -m "$tmp/m" -j $jobs)
	jq -c .output "$tmp/out" >"$tmp/own"
}

for jobs in 1 8 64; do
	: >"$tmp/rounds"
	[ -z "$llama" ] || { start_llama $jobs && kill -STOP "$llama_pid"; } || exit 1
	for round in 1 2 3 4 5; do
		jq -nc --argjson n "$((jobs == 1 ? 48 : jobs == 8 ? 128 : 512))" --argjson r "$jobs$round" 'range($n) | {messages: [
			{role: "system", content: "You are careful. Answer in a few words, and nothing else."},
			{role: "user", content: "Question \(.) of \($r): \("what " * (. % 7))?"}]}' >"$tmp/rows"
		start_serve -m "$tmp/m"
		if ((round % 2)); then by_itself; fi
		start=$(seconds /dev/null -m served -u "$through" -j $jobs)
		served=$(seconds "$tmp/rows" -m served -u "$through" -j $jobs)
		jq -c .output "$tmp/out" >"$tmp/served"
		kill "$serve" && wait "$serve"
		if ((round % 2 == 0)); then by_itself; fi
		cmp "$tmp/own" "$tmp/served" || exit 1
		tokens=$(jq -s 'map(.usage.completion_tokens) | add' "$tmp/out")
		theirs=1 other=0
		if [ -n "$llama" ]; then
			kill -CONT "$llama_pid"
			theirs=$(seconds "$tmp/rows" -m served -u "$llama_address/v1" -T 0 -j $jobs)
			kill -STOP "$llama_pid"
			other=$(jq -s 'map(.usage.completion_tokens) | add' "$tmp/out")
		fi
		echo "$tokens $own $load $served $start $other $theirs" >>"$tmp/rounds"
	done
	[ -z "$llama" ] || { kill "$llama_pid" && kill -CONT "$llama_pid" && wait "$llama_pid"; }
	awk -v jobs=$jobs '{ own = $1 / ($2 - $3); served = $1 / ($4 - $5); if (own > a) a = own; if (served > b) b = served }
		END { printf "{\"work\": \"a served model, %d clients\", \"ft\": %.1f, \"peer\": %.1f, \"unit\": \"tokens/s\", \"ratio\": %.3f, \"must\": 0.95, \"note\": \"ft-serve beside ft-prompt -m\"}\n", jobs, b, a, b / a }' \
		"$tmp/rounds"
	awk -v jobs=$jobs '{ served = $1 / ($4 - $5); other = $6 / ($7 - $5); if (served > a) a = served; if (other > b) b = other }
		END { printf "{\"work\": \"a served model, %d clients, f32\", \"ft\": %.1f, \"peer\": %s, \"unit\": \"tokens/s\", \"ratio\": %s, \"must\": 1, \"note\": \"%s\"}\n",
			jobs, a, b ? sprintf("%.1f", b) : "null", b ? sprintf("%.3f", a / b) : "null", b ? "llama.cpp server" : "no llama-server here" }' "$tmp/rounds"
done
