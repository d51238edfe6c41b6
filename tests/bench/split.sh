#!/usr/bin/env bash
# ft-split of 1,000,000 rows (500 MB; ROWS=N for fewer) beside jq -c, and with --near.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rows=${ROWS:-1000000}
# Texts of 40 words of 5,000, one row in 50 a near-duplicate of the row before.
awk -v n="$rows" 'BEGIN { srand(1); for (i = 0; i < n; i++) { if (i % 50) { t = ""; for (k = 0; k < 40; k++) t = t sprintf("%s%s", k ? " " : "", "word" int(5000 * rand())) } else t = t " again";
	printf "{\"id\": \"row-%d\", \"customer\": \"c%d\", \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}, {\"role\": \"assistant\", \"content\": \"%s\"}]}\n", i, i / 4, t, substr(t, 1, 60) } }' >"$tmp/rows.jsonl"
mb=$(($(stat -c %s "$tmp/rows.jsonl") / 1000000))
# used COMMAND... - seconds and peak kB.
used() { /usr/bin/time -f '%e %M' -o "$tmp/time" "$@" >/dev/null 2>&1; cat "$tmp/time"; }
read -r plain plain_kb <<<"$(used ft-split -q "$tmp/rows.jsonl")"
read -r jq_s _ <<<"$(used jq -c . "$tmp/rows.jsonl")"
read -r near near_kb <<<"$(used ft-split -q --near 0.8 "$tmp/rows.jsonl")"
jq -nc --argjson rows "$rows" --argjson mb "$mb" --argjson a "$plain" --argjson b "$jq_s" --argjson kb "$plain_kb" \
	'{work: "ft-split of \($rows) rows, \($mb) MB", ft: $a, peer: $b, unit: "s", ratio: ($b / $a), must: 8, note: "peer: jq -c .; ft held \($kb / 1000 | round) MB"}'
jq -nc --argjson rows "$rows" --argjson a "$near" --argjson kb "$near_kb" \
	'{work: "ft-split --near 0.8 of \($rows) rows", ft: $a, peer: null, unit: "s", ratio: (600 / $a), must: 1, note: "of 10 minutes; \($kb / 1000 | round) MB, of 2000"}'
