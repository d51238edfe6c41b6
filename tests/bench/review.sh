#!/usr/bin/env bash
# ft-review: the scan and the page of 100,030 rows; and planted label errors: 5 % of BANKING77's
# labels swapped, class probabilities by models that ft-train makes in cross-validation (FOLDS=3),
# and how many of the planted errors stand among the 5 % of rows that are shown first. Some 6
# minutes on 2 cores, nearly all of it training. SEED=1 chooses what is swapped; KEEP=DIR keeps what
# is made.
tmp=${KEEP:-$(mktemp -d)}
mkdir -p "$tmp"
[ -n "${KEEP:-}" ] || trap 'rm -rf "$tmp"' EXIT
folds=${FOLDS:-3} seed=${SEED:-1}

# --- speed ---
awk 'BEGIN { srand(1); for (i = 0; i < 100030; i++) { t = ""; for (k = 0; k < 12; k++) t = t sprintf("%s%s", k ? " " : "", "word" int(5000 * rand()));
	printf "{\"id\": \"row-%d\", \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}, {\"role\": \"assistant\", \"content\": \"label %d\"}]}\n", i, t, i % 50 } }' >"$tmp/rows.jsonl"
/usr/bin/time -f '%e' -o "$tmp/time" ft-review --scan -q "$tmp/rows.jsonl" >"$tmp/scanned.jsonl"
jq -nc --argjson s "$(cat "$tmp/time")" \
	'{work: "ft-review --scan of 100,030 rows", ft: (100030 / $s | round), peer: null, unit: "rows/s", ratio: (100030 / $s / 20000), must: 1, note: "of 20,000 rows/s"}'
now() { date +%s%N; }
start=$(now)
ft-review -q -o "$tmp/journal.jsonl" --as bench "$tmp/scanned.jsonl" >"$tmp/address" &
pid=$!
until [ -s "$tmp/address" ]; do sleep 0.005; done
address=$(cat "$tmp/address")
curl -s -o /dev/null -c "$tmp/cookies" "$address"
curl -s -o /dev/null -b "$tmp/cookies" "${address%%\?*}"
ready=$((($(now) - start) / 1000000))
for _ in $(seq 30); do curl -s -o /dev/null -b "$tmp/cookies" -w '%{time_total}\n' "${address%%\?*}api/next"; done | sort -n | tail -n 1 >"$tmp/next"
kill "$pid"
wait "$pid" 2>/dev/null
jq -nc --argjson ms "$ready" '{work: "the page of 100,030 rows ready", ft: $ms, peer: null, unit: "ms", ratio: (1000 / $ms), must: 1, note: "of one second"}'
jq -nc --argjson s "$(cat "$tmp/next")" '{work: "the next of 100,030 rows, slowest of 30", ft: (1000 * $s), peer: null, unit: "ms", ratio: (0.05 / $s), must: 1, note: "of 50 ms"}'

# --- planted label errors ---
base=$FT_SHARED/data/tinystories-656k rows=$FT_SHARED/data/banking77/train.jsonl
if [ ! -e "$rows" ] || [ ! -e "$base" ]; then
	jq -nc '{work: "planted label errors in BANKING77", ft: null, peer: null, unit: "precision", note: "no ../shared/data here"}'
	exit 0
fi
# A row's place in the random order of a seeded generator (Lehmer's, multiplier 48271) decides
# whether its label is swapped, for which other one, and its fold.
jq -c --slurp --argjson seed "$seed" --argjson folds "$folds" '
	(map(.messages[-1].content) | unique) as $labels
	| . as $rows | reduce range(length) as $i ({x: (($seed * 7919 + 1) % 2147483647), out: []};
		(.x * 48271 % 2147483647) as $a | ($a * 48271 % 2147483647) as $b | ($b * 48271 % 2147483647) as $c
		| .x = $c | .out += [{swap: ($a % 20 == 0), by: (1 + $b % (($labels | length) - 1)), fold: ($c % $folds)}])
	| .out as $plan | range($rows | length) as $i | $rows[$i]
	| .fold = $plan[$i].fold | .planted = $plan[$i].swap
	| if .planted then .messages[-1].content |= (. as $l | $labels[(($labels | index([$l])) + $plan[$i].by) % ($labels | length)]) else . end' \
	"$rows" >"$tmp/planted.jsonl"
: >"$tmp/opinions.jsonl"
for f in $(seq 0 $((folds - 1))); do
	jq -c "select(.fold != $f)" "$tmp/planted.jsonl" >"$tmp/train.jsonl"
	jq -c "select(.fold == $f)" "$tmp/planted.jsonl" >"$tmp/held.jsonl"
	[ -e "$tmp/model-$f/model.safetensors" ] ||
		ft-train -q -m "$base" -o "$tmp/model-$f" --full --lr 2e-3 --wd 0.1 --neftune 5 --batch 32 --epochs 8 --warmup 50 --keep last --seed "$seed" "$tmp/train.jsonl" >/dev/null
	ft-review --scan -q -m "$tmp/model-$f" "$tmp/held.jsonl" >>"$tmp/opinions.jsonl"
done
ft-review --scan -q "$tmp/opinions.jsonl" >"$tmp/ranked.jsonl"
# top NAME KEY - precision and recall among the first 5 % of rows in the order of a jq key.
top() {
	jq -sc --arg name "$1" "sort_by(-($2)) | "'
		(map(select(.planted)) | length) as $planted | (length / 20 | round) as $n | (.[:$n] | map(select(.planted)) | length) as $hit | ($planted / length) as $chance
		| {work: "planted label errors in the top 5 % \($name)", ft: ($hit / $n), peer: $chance, unit: "precision", ratio: ($hit / $n / $chance),
			note: "\($hit) of \($n) rows shown are planted, recall \($hit / $planted * 1000 | round / 10) % of \($planted); random order: precision \($chance * 1000 | round / 10) %, recall 5 %"}' \
		"$tmp/ranked.jsonl"
}
top "by suspicion, as the page shows them" '.review.suspicion + .review.loss / 1e6'
top "by the label issue alone" '([.review.reasons[] | select(.reason == "label").score] | max // 0) + .review.loss / 1e6'
top "by loss alone" '.review.loss'
