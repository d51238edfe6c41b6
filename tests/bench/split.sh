#!/usr/bin/env bash
# ft-split of 1,000,000 rows (500 MB; ROWS=N for fewer) beside jq -c on the same file, and with
# --near. Takes about two minutes.
set -uo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rows=${ROWS:-1000000}
# Word frequencies fall as 1/rank, lengths vary from 15 to 125 words, one message in 10 begins with
# a stock phrase; one row in 50 is a look-alike (one word more) and one in 100 an exact duplicate of
# an earlier row.
awk -v n="$rows" 'BEGIN {
	srand(1)
	for (i = 1; i <= 30000; i++) { w = ""; for (k = i; k > 0; k = int(k / 26)) w = w sprintf("%c", 97 + k % 26); word[i] = w (i % 3 ? "" : "ing") }
	for (i = 0; i < n; i++) {
		if (i % 50 == 49) t = keep[i % 7] "again"
		else if (i % 100 == 50) t = keep[i % 7]
		else {
			t = i % 10 ? "" : "Hello, I am writing to you because of a problem with my last order: "
			for (k = 15 + int(110 * rand() * rand()); k > 0; k--) t = t word[int(exp(rand() * log(30000)))] " "
		}
		keep[i % 7] = t
		printf "{\"id\": \"row-%d\", \"customer\": \"c%d\", \"created\": \"2023-%02d-%02dT08:00:00Z\", \"messages\": [{\"role\": \"system\", \"content\": \"You are a helpful assistant who answers in one word and never makes up anything.\"}, {\"role\": \"user\", \"content\": \"%s\\n\"}, {\"role\": \"assistant\", \"content\": \"answer %s\"}]}\n", i, i / 4, 1 + i % 12, 1 + i % 28, t, substr(t, 1, 50)
	}
}' >"$tmp/rows.jsonl" || exit
mb=$(($(stat -c %s "$tmp/rows.jsonl") / 1000000))
# used COMMAND... - seconds and peak kB.
used() { /usr/bin/time -f '%e %M' -o "$tmp/time" "$@" >/dev/null 2>"$tmp/err" || cat "$tmp/err" >&2; tail -n 1 "$tmp/time"; }
best() { for _ in 1 2 3; do used "$@"; done | sort -n | head -n 1; }
read -r plain plain_kb <<<"$(best ft-split -q "$tmp/rows.jsonl")"
read -r peer _ <<<"$(used jq -c . "$tmp/rows.jsonl")"
read -r near near_kb <<<"$(used ft-split -q --near 0.8 "$tmp/rows.jsonl")"
jq -nc --argjson rows "$rows" --argjson mb "$mb" --argjson a "$plain" --argjson b "$peer" --argjson kb "$plain_kb" \
	'{work: "ft-split of \($rows) rows, \($mb) MB", ft: $a, peer: $b, unit: "s", ratio: ($b / $a), must: 8, note: "best of 3; peer: jq -c .; ft held \($kb / 1000 | round) MB"}'
jq -nc --argjson rows "$rows" --argjson a "$near" --argjson kb "$near_kb" \
	'{work: "ft-split --near 0.8 of \($rows) rows, time", ft: $a, peer: null, unit: "s", ratio: (600 / $a), must: 1, note: "of 10 minutes"},
	 {work: "ft-split --near 0.8 of \($rows) rows, memory", ft: ($kb / 1000), peer: null, unit: "MB", ratio: (2000000 / $kb), must: 1, note: "of 2000 MB"}'
