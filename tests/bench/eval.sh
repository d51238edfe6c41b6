#!/usr/bin/env bash
# Scoring 100,000 rows with exact, f1 and rouge-l and 10,000 bootstrap resamples, beside a NumPy and
# scikit-learn script; and ft-eval's memory. Both must agree: means to 1e-9, bounds of the bootstrap
# to a tenth of the interval.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rows=${FT_BENCH_ROWS:-100000}
jq -nc --argjson n "$rows" 'def words: ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"];
	range($n) as $i | [range(8) | words[($i * 7919 + . * . * 104729 + . * 31) % 10]] as $ref
	| (if $i % 5 < 3 then $ref else [range(8) | words[($i * 6007 + . * 7727) % 10]] end) as $out
	| {id: "r\($i)", messages: [{role: "user", content: "say it, number \($i)"}, {role: "assistant", content: ($ref | join(" "))}], output: ($out | join(" "))}' >"$tmp/rows.jsonl"
seconds() { local t0=$EPOCHREALTIME; "$@" >"$tmp/out"; echo "$t0 $EPOCHREALTIME" | awk '{print $2 - $1}'; }
a=$(seconds ft-eval -q -c exact -c f1 -c rouge-l --bootstrap 10000 "$tmp/rows.jsonl")
cp "$tmp/out" "$tmp/ft"
python=/usr/bin/python3
if ! "$python" -c 'import numpy, sklearn' 2>/dev/null; then
	jq -nc --argjson a "$a" '{work: "exact + f1 + rouge-l + 10,000 resamples", ft: $a, peer: null, unit: "s", ratio: null, must: 20, note: "no python3 with numpy and scikit-learn here"}'
	exit 0
fi
b=$(seconds "$python" "$(dirname "$0")/eval_peer.py" "$tmp/rows.jsonl" 10000)
agree=$(jq -n --slurpfile ft "$tmp/ft" --slurpfile peer "$tmp/out" 'def near(x; y; t): (x - y | fabs) <= t;
	$ft[0].metrics as $m | $peer[0] as $p | near($m.exact.mean; $p.exact; 1e-9) and ([("f1", "rouge-l") | . as $k | ($p[$k][2] - $p[$k][1]) as $w
	| near($m[$k].mean; $p[$k][0]; 1e-9) and near($m[$k].lo; $p[$k][1]; $w / 10) and near($m[$k].hi; $p[$k][2]; $w / 10)] | all)')
jq -nc --argjson rows "$rows" --argjson a "$a" --argjson b "$b" --argjson agree "$agree" '{work: "\($rows) rows: exact + f1 + rouge-l + 10,000 resamples", ft: $a, peer: $b, unit: "s", ratio: ($b / $a), must: 20,
	note: ("peer: NumPy and scikit-learn; figures " + (if $agree then "agree" else "DO NOT AGREE" end))}'

# Memory: ten times the rows take no more, but for comparisons, which keep ids and scores.
used() { /usr/bin/time -f %M -o "$tmp/time" "$@" >/dev/null 2>&1; tail -n 1 "$tmp/time"; }
if [ -x /usr/bin/time ]; then
	for _ in 1 2 3 4 5 6 7 8 9 10; do cat "$tmp/rows.jsonl"; done >"$tmp/ten.jsonl"
	jq -c '.model = ("a", "b")' "$tmp/rows.jsonl" >"$tmp/pair.jsonl"
	a=$(used ft-eval -q -c exact -c f1 -c rouge-l "$tmp/rows.jsonl")
	b=$(used ft-eval -q -c exact -c f1 -c rouge-l "$tmp/ten.jsonl")
	c=$(used ft-eval -q -c exact -c f1 -c rouge-l --compare model "$tmp/pair.jsonl")
	d=$(used "$python" "$(dirname "$0")/eval_peer.py" "$tmp/rows.jsonl" 2)
	jq -nc --argjson rows "$rows" --argjson a "$a" --argjson b "$b" '{work: "memory for \(10 * $rows) rows against \($rows)", ft: ($b / 1024), peer: ($a / 1024), unit: "MiB", ratio: ($a / $b), must: 0.9,
		note: "ft-eval against itself: flat in the rows"}'
	jq -nc --argjson rows "$rows" --argjson c "$c" --argjson d "$d" '{work: "memory to compare two models on \($rows) rows", ft: ($c / 1024), peer: ($d / 1024), unit: "MiB", ratio: ($d / $c), must: 1,
		note: "peer: the script over one model; pairing keeps ids and scores"}'
fi
