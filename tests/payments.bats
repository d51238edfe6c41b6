# The payments example: its notes are what the story needs them to be.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

PAYMENTS=$ROOT/examples/payments

notes() {
	"$BUILD/examples/notes" "$@"
}

@test "notes: the same seed gives the same bytes, and a longer file begins with the shorter one" {
	notes -n 50 -s 7 >a
	notes -n 80 -s 7 >b
	cmp a <(head -50 b)
	run ! cmp -s a <(notes -n 50 -s 8)
}

@test "notes: ids are unique across years, months, seeds and the base model's corpus" {
	{
		notes -n 100
		notes -n 100 -s 2
		notes -n 100 -m 1
		notes -n 100 -y 2024
		notes -n 100 -y 2024 -m 1
		notes -n 100 --drills
		notes -n 100 --memos
	} | jq -r .id | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "notes: no two notes of different seeds are the same" {
	{ notes -n 2000; notes -n 2000 -s 2; notes -n 2000 -s 3; } | jq -c '.messages[0].content' | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "notes: everything of 2023 lies in 2023, 3 to 30 days between a note and its due date" {
	notes -n 3000 | jq -e -n '
		def day: strptime("%Y-%m-%d") | mktime / 86400;
		[inputs | .messages[1].content as $ref | ($ref | fromjson | .due_date) as $due
			| select((.received[:4] != "2023") or ($due[:4] != "2023")
				or (($due | day) - (.received | day) | . < 3 or . > 30))] == []'
}

@test "notes: a window of January 2024 is received in that month and due in that year" {
	notes -y 2024 -m 1 -n 1000 | jq -e -n '
		[inputs | select(.received[:7] != "2024-01" or (.messages[1].content | fromjson | .due_date[:4]) != "2024")] == []'
}

@test "notes: the year of receipt always stands in the note, so the year can always be told" {
	notes -n 1000 | jq -e -n '[inputs | select(.messages[0].content | test("2023") | not)] == []'
	notes -y 2031 -n 1000 | jq -e -n '[inputs | select(.messages[0].content | test("2031") | not)] == []'
}

@test "notes: about two in three due dates leave the year out" {
	notes -n 3000 | jq -n '[inputs | select([.messages[0].content | scan("(?<![0-9])2023(?![0-9])")] | length == 1)] | length' >bare
	[ "$(cat bare)" -gt 1800 ]
	[ "$(cat bare)" -lt 2200 ]
}

@test "notes: the reference has four fields, and the payee as the note writes it" {
	notes -n 1000 | jq -e -n '[inputs | (.messages[1].content | fromjson) as $r | .messages[0].content as $note
		| select(($r | keys_unsorted) != ["payee", "amount", "currency", "due_date"]
			or (($note | contains($r.payee)) | not)
			or ($r.amount < 20 or $r.amount > 9000)
			or (["EUR", "USD", "GBP", "CHF"] | index($r.currency)) == null)] == []'
}

@test "notes: payee, amount, currency and days to pay do not depend on the month" {
	for m in 1 6 12; do
		notes -m $m -n 3000 | jq -n 'def day: strptime("%Y-%m-%d") | mktime / 86400;
			[inputs | (.messages[1].content | fromjson) + {received}]
			| [(map(.amount | log) | add / length), (map(select(.currency == "EUR")) | length / 3000),
				(map((.due_date | day) - (.received | day)) | add / length)] | @tsv' -r
	done >means
	# Differences of means stay within five standard errors: 1.8 / sqrt(3000), .49 / sqrt(3000),
	# 8.5 / sqrt(3000).
	awk 'NR == 1 { for (i = 1; i <= 3; i++) first[i] = $i; next }
		{ for (i = 1; i <= 3; i++) { d = $i - first[i]; if (d < 0) d = -d
			if (d > 5 * 1.5 * (i == 1 ? 1.8 : i == 2 ? .49 : 8.5) / sqrt(3000)) bad = 1 } }
		END { exit bad }' means
}

@test "notes: a bad year or month is a usage error" {
	status_is 2 notes -m 13
	status_is 2 notes -y 99999
	status_is 2 notes surplus
}

@test "extract.jq answers every note, and well below what is asked for" {
	notes -n 500 -s 3 | jq -c -f "$ROOT/examples/payments/extract.jq" >answers
	[ "$(wc -l <answers)" -eq 500 ]
	jq -e -n '[inputs | select(.output == .messages[1].content)] | length | . > 250 and . < 450' answers
}

@test "the stand-in errs as often as it says: two years in three with one prompt, a date in eight with the other" {
	notes -n 800 -s 5 >notes.jsonl
	jq -c -f "$PAYMENTS/big.jq" notes.jsonl >replies
	ask() { "$PAYMENTS/standin" replies ft-prompt -q -m big-model -s @"$PAYMENTS/prompts/$1.txt" notes.jsonl >"$1"; }
	ask bare
	ask few-shot
	right='(map(select(.output == .messages[1].content)) | length)'
	jq -es "$right == 700 and (map((.output | fromjson | .due_date) == .received) | map(select(.)) | length) == 100" few-shot
	jq -es "$right > 220 and $right < 320" bare
	# What is wrong with the rest is the year that is not there, and nothing else.
	jq -es 'map((.messages[1].content | fromjson) as $r | .output | fromjson
		| select(. != $r and . != ($r | .due_date |= .[5:]))) == []' bare
}

@test "the stand-in ends with what it was started for, and says why it cannot start" {
	jq -nc '{match: "a", reply: "b"}' >replies
	status_is 3 "$PAYMENTS/standin" replies sh -c 'echo "$OPENAI_BASE_URL"; exit 3'
	run ! curl -sS -m 5 "${output%/v1}/stub/state"
	status_is 2 "$PAYMENTS/standin" none true
	[[ $stderr == *none* ]]
}

@test "stuck.jq counts wrong dates by the year that they name" {
	jq -nc '("2023-01-05", "2024-01-05", "2026-01-05", "01-05", 5, null) | {due_date: ., other: 1} | tojson
		| {output: ., messages: [{content: ""}, {content: ({due_date: "2024-01-05"} | tojson)}]}' >answers
	jq -c '.output = ("", "{", "[]", "3", null) ' <(head -1 answers) >>answers
	jq -s -e -f "$PAYMENTS/stuck.jq" answers | jq -e '. == {n: 11, wrong: 10, named: {"2023": 1, "2026": 1, none: 8}}'
}

# digits FILE - the largest cosine between the embeddings of two of its digits. These are the first tensor, 160 wide, in bf16.
digits() {
	local header
	header=$(od -An -N8 -tu8 "$1")
	tail -c +$((8 + header + 48 * 320 + 1)) "$1" | head -c 3200 | od -An -v -w320 -tu2 | awk '
		{ for (i = 1; i <= 160; i++)
			v[NR, i] = ($i >= 32768 ? -1 : 1) * (1 + $i % 128 / 128) * 2 ^ (int($i / 128) % 256 - 127) }
		END { for (a = 1; a <= 10; a++) for (b = 1; b <= a; b++) {
				dot[a, b] = 0
				for (i = 1; i <= 160; i++) dot[a, b] += v[a, i] * v[b, i] }
			for (a = 2; a <= 10; a++) for (b = 1; b < a; b++) {
				c = dot[a, b] / sqrt(dot[a, a] * dot[b, b])
				if (c > most) most = c }
			print most }'
}

@test "spread draws a model's digits apart, changes nothing else, and is the same each time" {
	"$BUILD/examples/spread" "$PAYMENTS/base/model.safetensors" one.safetensors
	"$BUILD/examples/spread" "$PAYMENTS/base/model.safetensors" again.safetensors
	cmp one.safetensors again.safetensors
	# Of a file that it has written itself, tensors stand in the same order.
	"$BUILD/examples/spread" one.safetensors two.safetensors
	data() { tail -c +$((9 + $(od -An -N8 -tu8 "$1"))) "$1"; }
	run ! cmp -l <(data one.safetensors) <(data two.safetensors)
	[ "${#lines[@]}" -gt 1600 ]
	run ! awk '$1 <= 48 * 320 || $1 > 58 * 320 { found = 1 } END { exit !found }' <<<"$output"
	echo "cosine $(digits one.safetensors)"
	awk -v c="$(digits one.safetensors)" 'BEGIN { exit !(c < 0.4) }'
	status_is 2 "$BUILD/examples/spread" "$PAYMENTS/base/config.json" three
	status_is 2 "$BUILD/examples/spread" one.safetensors
	[ ! -e three ]
}

@test "the base shipped has its digits far apart" {
	echo "cosine $(digits "$PAYMENTS/base/model.safetensors")"
	awk -v c="$(digits "$PAYMENTS/base/model.safetensors")" 'BEGIN { exit !(c < 0.4) }'
}

# told ERRORS... - the summary of a run with these rates of right answers and wrong years.
told() {
	jq -nr --argjson stuck "[$1]" --argjson dozen 12 --argjson seconds 1 '
		def run($right): [{metrics: {exact: {n: 600, mean: $right, lo: ($right - 0.01), hi: ($right + 0.01)},
			"json-fields": {fields: {due_date: {mean: $right}}}}}];
		{$dozen, $seconds, $stuck, regex: run(.8), bare: run(.3), few_shot: run(.9), tuned_2023: run(.98), tuned_2024: run(.01),
			repaired_2024: run(.97), repaired_2023: run(.98),
			drift: [{path: ".note", verdict: "drift", why: "2024, a year"},
				{path: ".output|.due_date", verdict: "drift", why: "before"}, {verdict: "drift"}]}' >numbers
	# shellcheck disable=SC2046 # a list of options
	jq -nr $(jq -r 'to_entries[] | "--argjson \(.key) \(.value | tojson | gsub(" "; "_"))"' numbers) -f "$PAYMENTS/summary.jq"
}

@test "summary.jq: a story in which January is wrong in another way than by the year did not come true" {
	status_is 0 told '{"n":600,"wrong":590,"named":{"2023":531,"2026":30,"none":29}}'
	[[ $output == *"yes  of its wrong dates at least 9 in 10 name 2023, the year it was trained on"* ]]
	[[ $output == *"590 wrong dates of January 2024, by the year they name: 2023 (531), 2026 (30), none (29)"* ]]
	run ! grep -q '^  NO' <<<"$output"
	for named in '{"2023":530,"2024":60}' '{"2026":590}' '{"none":590}' '{}'; do
		status_is 1 told '{"n":600,"wrong":590,"named":'"$named"'}'
		[[ $output$stderr == *"NO   of its wrong dates at least 9 in 10 name 2023, the year it was trained on"* ]]
	done
}

# demo TARGET... - the example's own Makefile, with what is built, into out.
demo() {
	make -s -C "$PAYMENTS" OUT="$TMP/out" PATH="$PATH" NOTES="$BUILD/examples/notes" STUB="$BUILD/tests/stub-chat" \
		-o "$BUILD/examples/notes" -o "$BUILD/tests/stub-chat" "$@" 2>&1
}

@test "the demo, before it trains: not shown to be possible, worth fine-tuning, and enough, each of them once" {
	status_is 0 demo "$TMP/out/baselines.txt"
	[ "$(grep -c '^ft-eval: not yet shown to be possible' <<<"$output")" -eq 1 ]
	[ "$(grep -c '^ft-eval: worth fine-tuning' <<<"$output")" -eq 1 ]
	[ "$(grep -c '^ft-eval: every requirement is met' <<<"$output")" -eq 1 ]
}

# story - tells the whole story; every claim came true.
story() {
	status_is 0 demo
	[ "$(grep -c '^  yes  ' <<<"$output")" -eq 7 ]
	run ! grep -q '^  NO ' <<<"$output"
}

# stuck SEED - tells no more of it than what the tuned model makes of January.
stuck() {
	rm -rf "$TMP/out"
	demo "$TMP/out/split/test.jsonl" SEED="$1"
	touch "$TMP/out/baselines.txt" "$TMP/out/tuned.txt"
	demo "$TMP/out/model-2023/model.safetensors" "$TMP/out/stuck.json" SEED="$1" -o "$TMP/out/baselines.txt" -o "$TMP/out/tuned.txt"
	echo "seed $1: $(cat "$TMP/out/stuck.json")"
	jq -e '.n == 600 and .wrong > 400 and 10 * .named["2023"] >= 9 * .wrong' "$TMP/out/stuck.json"
}

@test "the demo: the whole story comes true" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	story
}

@test "the demo: of January's wrong dates at least 9 in 10 name 2023, for ten seeds" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		stuck $seed
	done
}

# Where a processor lacks a set, FT_ISA falls back to the best that it has. Products of matrices are OpenBLAS's.
@test "the demo: the whole story comes true with plain instructions" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	FT_ISA=base OPENBLAS_CORETYPE=Prescott story
}

@test "the demo: the whole story comes true with AVX2" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	grep -qw avx2 /proc/cpuinfo || skip "this processor has no AVX2"
	FT_ISA=avx2 OPENBLAS_CORETYPE=Haswell story
}

@test "the demo: the whole story comes true with AVX-512" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	grep -qw avx512f /proc/cpuinfo || skip "this processor has no AVX-512"
	FT_ISA=avx512 OPENBLAS_CORETYPE=SkylakeX story
}

@test "the demo: 1, 2 and 4 threads make the same model" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	notes -n 320 >notes.jsonl
	for n in 1 2 4; do
		ft-train -q --threads $n -m "$PAYMENTS/base" -o model-$n --full --epochs 1 --batch 16 --lr 1e-3 notes.jsonl >metrics
		cmp model-1/model.safetensors model-$n/model.safetensors
		ft-prompt -q --threads $n -m ./model-$n -T 0 --max-tokens 120 <(head -100 notes.jsonl) | jq .output >answers-$n
		cmp answers-1 answers-$n
	done
}

@test "ft-drift: a month of fresh 2023 notes is no drift, January 2024 is, and the year is named" {
	[ -x "$BUILD/bin/ft-drift" ] || skip "ft-drift is not built"
	notes -n 2000 >reference
	for m in 1 5 12; do
		notes -m $m -n 60 -s 5 >window
		status_is 0 ft-drift -r reference --time .received window
	done
	notes -y 2024 -m 1 -n 60 -s 5 >window
	status_is 1 ft-drift -r reference --time .received window
	[[ $output == *2024* ]]
}

@test "ft-drift: of fresh 2023 windows, 60 rows from each month, at least 95 % are no drift" {
	[ -x "$BUILD/bin/ft-drift" ] || skip "ft-drift is not built"
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	notes -n 2000 >reference
	local alarms=0 windows=0
	for s in $(seq 11 210); do
		for m in 1 2 3 4 5 6 7 8 9 10 11 12; do
			notes -m $m -n 60 -s "$s" >window
			run ft-drift -q --threads 1 -r reference --time .received window
			[ "$status" -le 1 ]
			alarms=$((alarms + status))
			windows=$((windows + 1))
		done
	done
	echo "$alarms alarms in $windows windows"
	[ $((alarms * 20)) -le "$windows" ]
}
