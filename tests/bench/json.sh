#!/usr/bin/env bash
# Reading, checking and splicing chat records on one core, beside jq -c on the same file.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
jq -nc 'range(2000) | {id: "r\(.)", messages: [{role: "user", content: ("What happened to my order number \(.)? I wrote \"twice\" already.\n" * 4)}, {role: "assistant", content: "{\"topic\": \"delivery\", \"order\": \(.)}"}]}' >"$tmp/part"
for _ in $(seq 100); do cat "$tmp/part"; done >"$tmp/rows.jsonl"
mb=$(($(stat -c %s "$tmp/rows.jsonl") / 1000000))
seconds() { local t0=$EPOCHREALTIME; "$@" >/dev/null; echo "$t0 $EPOCHREALTIME" | awk '{print $2 - $1}'; }
a=$(seconds ft-split -q --threads 1 --key id "$tmp/rows.jsonl") b=$(seconds jq -c . "$tmp/rows.jsonl")
jq -nc --argjson mb "$mb" --argjson a "$a" --argjson b "$b" \
	'{work: "check, hash and splice chat records, one core", ft: ($mb / $a), peer: ($mb / $b), unit: "MB/s", ratio: ($b / $a), must: 8, note: "peer: jq -c ., which only reads and prints"}'
