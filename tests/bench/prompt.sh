#!/usr/bin/env bash
# Asking an API: ft-prompt and promptfoo (make peers) over the same rows against the same loopback
# server, which takes 50 ms an answer; then 100,000 rows, where memory must not grow. Seconds, CPU
# seconds and memory are of the whole process tree, as GNU time reports them. About a minute on an
# idle machine of two cores; promptfoo is given up after 150 s.
tmp=$(mktemp -d)
stub=
trap '[ -z "$stub" ] || kill "$stub"; rm -rf "$tmp"' EXIT
peers=${FT_PEERS:-$PWD/build/peers}
promptfoo=$peers/promptfoo/node_modules/.bin/promptfoo

serve() {
	[ -z "$stub" ] || kill "$stub"
	rm -f "$tmp/port"
	stub-chat --port-file "$tmp/port" "$@" &
	stub=$!
	for _ in $(seq 500); do [ -s "$tmp/port" ] && break; sleep 0.02; done
	OPENAI_BASE_URL=http://127.0.0.1:$(cat "$tmp/port")/v1
	export OPENAI_BASE_URL OPENAI_API_KEY=none
}

# measure COMMAND... - sets $wall, $cpu (seconds) and $rss (MB).
measure() {
	command time -f '%e %U %S %M' -o "$tmp/time" "$@" >"$tmp/out" 2>"$tmp/err"
	read -r wall cpu rss <<<"$(tail -n 1 "$tmp/time" | awk '{print $1, $2 + $3, $4 / 1000}')"
}

row() { # work ft peer unit ratio must note
	jq -nc --arg w "$1" --argjson f "$2" --argjson p "$3" --arg u "$4" --argjson r "$5" --argjson m "$6" --arg n "$7" \
		'{work: $w, ft: $f, peer: $p, unit: $u, ratio: $r, must: $m, note: $n}'
}

over() { awk -v a="$1" -v b="$2" 'BEGIN {print (b > 0 ? a / b : "null")}'; }

command -v time >/dev/null || { row "asking an API" null null s null null "GNU time is not installed"; exit 0; }
jq -nc 'range(500) | {id: "\(.)", messages: [{role: "user", content: "question \(.)"}]}' >"$tmp/rows.jsonl"
serve --delay 50
best=999
for _ in 1 2 3 4 5; do
	measure ft-prompt -q -m m -j 20 "$tmp/rows.jsonl"
	[ "$(jq -r .output "$tmp/out" | wc -l)" -eq 500 ] || exit 1
	if [ "$(over "$best" "$wall" | cut -d. -f1)" -ge 1 ]; then best=$wall ft_cpu=$cpu ft_rss=$rss; fi
done
row "500 answers of 50 ms, 20 in flight: against the ideal" "$best" 1.25 s "$(over 1.25 "$best")" 0.952 "best of 5; peer: 25 rounds of 50 ms"
if [ -x "$promptfoo" ]; then
	jq -r '.messages[0].content' "$tmp/rows.jsonl" | jq -R '{vars: {q: .}}' | jq -s \
		--arg u "$OPENAI_BASE_URL" '{prompts: ["{{q}}"], providers: [{id: "openai:chat:m", config: {apiBaseUrl: $u}}], tests: .}' >"$tmp/promptfooconfig.json"
	export PROMPTFOO_DISABLE_TELEMETRY=1 PROMPTFOO_DISABLE_UPDATE=1 PROMPTFOO_CONFIG_DIR=$tmp/pf
	measure timeout 150 "$promptfoo" eval -c "$tmp/promptfooconfig.json" -j 20 --no-cache --no-table --no-progress-bar --no-write -o "$tmp/pf.json"
	n=$(jq '[.results.results[] | select(.response.output)] | length' "$tmp/pf.json" 2>/dev/null)
	note="peer: $("$promptfoo" --version 2>/dev/null | tail -n 1 | sed 's/^/promptfoo /'), ${n:-no} answers"
	[ "${n:-0}" -eq 500 ] || note="$note: $(tail -n 1 "$tmp/err")"
	row "500 answers of 50 ms, 20 in flight" "$best" "$wall" s "$(over "$wall" "$best")" 5 "$note"
	row "the same, CPU" "$ft_cpu" "$cpu" s "$(over "$cpu" "$ft_cpu")" 20 "$note; must also be <= 0.1 s"
	row "the same, memory" "$ft_rss" "$rss" MB "$(over "$rss" "$ft_rss")" 5 "$note; must also be <= 30 MB"
else
	row "500 answers of 50 ms, 20 in flight" "$best" null s null 5 "promptfoo is not installed (make peers)"
	row "the same, CPU" "$ft_cpu" null s null null "must be <= 0.1 s"
	row "the same, memory" "$ft_rss" null MB null null "must be <= 30 MB"
fi

jq -nc 'range(100000) | {id: "\(.)", messages: [{role: "user", content: "question \(.)"}]}' >"$tmp/many.jsonl"
head -n 10000 "$tmp/many.jsonl" >"$tmp/some.jsonl"
serve
measure ft-prompt -q -m m -j 20 "$tmp/some.jsonl"
small=$rss
measure ft-prompt -q -m m -j 20 "$tmp/many.jsonl"
jq -r .id "$tmp/out" | cmp -s - <(seq 0 99999) || { echo "ids are not whole and in order" >&2; exit 1; }
row "100,000 answers: memory, beside that of 10,000" "$rss" "$small" MB "$(over "$small" "$rss")" 0.8 "every id once, in order; must be <= 30 MB"
row "100,000 answers: CPU a request" "$(over "$cpu" 0.1)" 200 us "$(over 20 "$cpu")" 1 "peer: what is allowed"
