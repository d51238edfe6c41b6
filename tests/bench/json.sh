#!/usr/bin/env bash
# Reading, checking, hashing and splicing chat records on one core, beside jq -c on the same file. Best of five.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
jq -nc 'range(2000) | {id: "r\(.)", messages: [{role: "user", content: ("What happened to my order number \(.)? I wrote \"twice\" already.\n" * 4)}, {role: "assistant", content: "{\"topic\": \"delivery\", \"order\": \(.)}"}]}' >"$tmp/part"
for _ in $(seq 100); do cat "$tmp/part"; done >"$tmp/rows.jsonl"

# seconds COMMAND... - the least of five that it takes.
seconds() {
	local begun
	for _ in 1 2 3 4 5; do
		begun=$EPOCHREALTIME
		"$@" >/dev/null
		echo "$begun $EPOCHREALTIME"
	done | awk '{ s = $2 - $1; if (NR == 1 || s < best) best = s } END { print best }'
}

# row WORK FT - one row; the peer's seconds are in $peer.
row() {
	jq -nc --argjson bytes "$(stat -c %s "$tmp/rows.jsonl")" --arg work "$1" --argjson ft "$2" --argjson peer "$peer" '($bytes / 1e6) as $mb | {work: "\($work), one core",
		ft: ($mb / $ft), peer: ($mb / $peer), unit: "MB/s", ratio: ($peer / $ft), must: ([8, 400 / ($mb / $peer)] | max), note: "of 400 MB/s; peer: jq -c ., which only reads and prints"}'
}
peer=$(seconds jq -c . "$tmp/rows.jsonl")
row "check and splice chat records, hashed by their id" "$(seconds ft-split -q --threads 1 --key id "$tmp/rows.jsonl")"
row "check and splice chat records, hashed by their input" "$(seconds ft-split -q --threads 1 "$tmp/rows.jsonl")"
