#!/usr/bin/env bash
# ft-drift over 1,000,000 rows of 20 paths (ROWS=N for fewer), half of them the reference, beside
# pandas and scipy; then the memory of --profile, how far a profile merged from 10 shards is from
# that of the whole, and how often drift is found, beside scipy and a TF-IDF + SGD classifier
# (DRAWS=N for other than 60 draws a point). Takes about four minutes.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
here=$(cd "$(dirname "$0")" && pwd)
rows=${ROWS:-1000000}
for side in 1 2; do
	awk -v n=$((rows / 2)) -v seed=$side 'BEGIN { srand(seed); for (i = 0; i < n; i++) { printf "{\"n0\":%.6f", rand(); for (k = 1; k < 10; k++) printf ",\"n%d\":%.6f", k, rand() + rand();
		for (k = 0; k < 10; k++) printf ",\"c%d\":\"v%d\"", k, int(20 * rand() * rand()); print "}" } }' >"$tmp/$side.jsonl"
done
used() { /usr/bin/time -f '%e %M' -o "$tmp/time" "$@" >/dev/null 2>&1; tail -n 1 "$tmp/time"; }
read -r ft ft_kb <<<"$(used ft-drift -q -r "$tmp/1.jsonl" "$tmp/2.jsonl")"
peer=null note="python3 with pandas and scipy is not installed"
for python in python3 /usr/bin/python3; do
	"$python" -c 'import pandas, scipy' 2>/dev/null || continue
	read -r peer peer_kb <<<"$(used "$python" -W ignore "$here/drift.py" "$tmp/1.jsonl" "$tmp/2.jsonl")"
	note="peer: pandas and scipy, $((peer_kb / 1000)) MB; ft held $((ft_kb / 1000)) MB and tested all rows too (numbers by a quantile sketch)"
	break
done
jq -nc --argjson rows "$rows" --argjson a "$ft" --argjson b "$peer" --arg note "$note" \
	'{work: "ft-drift, \($rows) rows of 20 paths", ft: $a, peer: $b, unit: "s", ratio: (if $b then $b / $a else null end), must: 5, note: $note}'
head -n $((rows / 4)) "$tmp/1.jsonl" >"$tmp/part.jsonl"
read -r _ small <<<"$(used ft-drift -q --profile "$tmp/part.jsonl")"
read -r _ large <<<"$(used ft-drift -q --profile "$tmp/1.jsonl")"
jq -nc --argjson a "$small" --argjson b "$large" '{work: "ft-drift --profile, memory at twice the rows", ft: ($b / 1000), peer: ($a / 1000), unit: "MB", ratio: ($a / $b), must: 0.9, note: "peer: ft itself on half of the rows"}'
# The merged profile against that of the whole: the largest distance between the two distributions
# of numbers, and the counts of categories.
split -n l/10 "$tmp/1.jsonl" "$tmp/shard."
for shard in "$tmp"/shard.??; do ft-drift -q --profile "$shard" >"$shard.profile"; done
ft-drift -q --merge "$tmp"/shard.??.profile >"$tmp/merged.profile"
ft-drift -q --profile "$tmp/1.jsonl" >"$tmp/whole.profile"
far=$(ft-drift -q -r "$tmp/whole.profile" "$tmp/merged.profile" | jq -s 'map(select(.test == "ks") | .statistic) | max')
off=$(ft-drift -q -r "$tmp/whole.profile" "$tmp/merged.profile" | jq -s 'map(select(.type == "category") | .statistic) | max')
jq -nc --argjson a "$far" --argjson off "$off" '{work: "ft-drift --merge of 10 shards, distance to the profile of the whole", ft: $a, peer: 0.004, unit: "of the distribution function",
	ratio: (if $a > 0 then 0.004 / $a else null end), must: 1, note: "peer: twice the stated error; the largest chi-square between the counts of categories is \($off)"}'
for python in python3 /usr/bin/python3; do
	"$python" -c 'import scipy, sklearn' 2>/dev/null || continue
	"$python" -W ignore "$here/drift-power.py" "${DRAWS:-60}"
	exit
done
jq -nc '{work: "drift found, beside scipy and a classifier", ft: null, peer: null, unit: "", ratio: null, must: null, note: "python3 with scipy and scikit-learn is not installed"}'
