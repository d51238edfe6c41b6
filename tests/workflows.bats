#!/usr/bin/env bats
# The examples that are Makefiles over one decision: examples/decide, examples/prompt and examples/judge,
# with a stub in the model's place.

load helper

prepare() {
	mkdir -p data example
	jq -nc 'range(60)
		| {id: "t\(.)", messages: [{role: "user", content: "message \(.)"}, {role: "assistant", content: "billing"}]}' \
		>data/test.jsonl
	cp data/test.jsonl data/train.jsonl
	cp "$ROOT/examples/$1/"* example
	cp -r "$ROOT/examples/optimise" .
	OPTIONS=(--no-print-directory -C example MODEL=stub "PATH=$PATH")
}

decide() { make "${OPTIONS[@]}" DATA=../data TRAIN='touch ../trained' "$@"; }

@test "decide: where prompting is enough nothing is trained" {
	prepare decide
	start_stub --reply billing
	status_is 0 decide
	[[ $output == *"Prompting is enough"* ]]
	[ ! -e trained ]
	[ "$(cat example/build/run/decision)" = enough ]
}

@test "decide: a clear no trains" {
	prepare decide
	start_stub --reply account
	status_is 0 decide
	[[ $output == *"not enough; training"* ]]
	[ -e trained ]
}

@test "decide: rows that do not tell train nothing, and end with an error" {
	prepare decide
	head -n 10 data/test.jsonl >few
	mv few data/test.jsonl
	start_stub --reply billing
	run decide
	[ "$status" -ne 0 ]
	[[ $output == *"too few to tell"* ]]
	[ ! -e trained ]
}

@test "decide: trouble stops it" {
	prepare decide
	echo '{' >>data/test.jsonl
	start_stub --reply billing
	run decide
	[ "$status" -eq 2 ]
	[ ! -e trained ]
	[ ! -e example/build/run/decision ]
}

@test "prompt: an edited prompt runs what depends on it and compares with the version before; nothing else runs" {
	prepare prompt
	echo '{"match": "better", "reply": "billing"}' >replies
	start_stub --reply account --replies replies --log log
	status_is 0 make "${OPTIONS[@]}" DATA=../data/test.jsonl
	[[ $output == *"0.0000"* && $output != *mcnemar* ]]
	[ "$(wc -l <log)" -eq 60 ]
	status_is 0 make "${OPTIONS[@]}" DATA=../data/test.jsonl
	[ "$(wc -l <log)" -eq 60 ]
	echo 'Do it better.' >>example/prompt.txt
	touch -d '+2 seconds' example/prompt.txt
	status_is 0 make "${OPTIONS[@]}" DATA=../data/test.jsonl
	[ "$(wc -l <log)" -eq 120 ]
	[[ $output == *"+1.0000"* && $output == *mcnemar* ]]
}

# judged - what people said of 240 answers, every tenth without a verdict: those that name no year fail, and
# those that say nothing.
judged() {
	jq -nc 'range(240) | . as $i | (($i * 7919 + 13) % 97) as $h | ($h % 3 == 0) as $no_year | ($h % 7 == 1) as $nothing
		| {id: "n\($i)", messages: [{role: "user", content: "When is invoice number \($i * 37 % 1009) due, and by whom?"},
			{role: "assistant", content: ((if $nothing then "I cannot say, ask the sender"
				else "It is due on \(1 + $h % 28) May " + (if $no_year then "this year" else "2024" end) end)
				+ (if $h % 11 == 2 then ", roughly." else "." end))}],
			review: {pass: ($no_year or $nothing | not),
				why: (if $nothing then "says nothing" elif $no_year then "which year?" else "" end)}}
		| if $i % 10 == 9 then .review.pass = null else . end' >said.jsonl
}

# flawed_judge PROPOSAL - a judge that overlooks a missing year unless the criterion speaks of it, and
# takes "roughly" for a fault whatever it says; and what the proposer answers.
flawed_judge() {
	jq -nc --arg proposal "$1" --arg pass '{"critique": "It names a date.", "verdict": "PASS"}' \
		--arg fail '{"critique": "It is not what was asked for.", "verdict": "FAIL"}' '
		{match: "You improve the criterion", reply: $proposal},
		{match: "You are a strict", last: ", roughly.", reply: $fail},
		{match: "names the year in digits", last: "May this year", reply: $fail},
		{match: "You are a strict", last: "I cannot say", reply: $fail},
		{match: "You are a strict", reply: $pass}' >replies
	start_stub --replies replies --log log
}

align() { make "${OPTIONS[@]}" DATA=../said.jsonl "$@"; }

@test "judge: a criterion that mends the flaw is found on one half and proved on the other, where it ends" {
	prepare judge
	judged
	flawed_judge $'\nThe answer names a day and a month, and names the year in digits.\n'
	status_is 0 align
	printf '%s\n' "$output" >report
	run=example/build/run
	grep -A4 "^in all: better than the first judge" report
	echo "# $(grep "^in all" report)" >&3
	[ "$(cat $run/best)" = build/run/round-1 ]
	[ "$(cat $run/round-1/criterion.txt)" = "The answer names a day and a month, and names the year in digits." ]
	# The second round proposes the same again, wins nothing, and is the last.
	grep "^not better beyond chance than the judge before: +0 of agreement" report
	[ ! -e $run/round-3 ]
	# The gain, worked out from the rows themselves: those that no year stands in and people failed.
	held() { jq -s "[.[] | select(.human != null)] | $1" "$run/$2"; }
	gained=$(held 'map(select(.output | endswith("this year."))) | length' held.jsonl)
	rows=$(held length held.jsonl)
	[ "$gained" -gt 10 ]
	jq -se --argjson g "$gained" --argjson n "$rows" 'map(select(.diff))[0] | .n == $n and .wins == $g and .losses == 0
		and (.diff - $g / $n | fabs) < 1e-12 and .lo > 0.1 and .p < 1e-6' $run/gain.jsonl
	jq -e '.tnr.value == 1 and .corrected.n == 24' $run/round-1/held.figures
	jq -e '.tnr.value < 0.5' $run/round-0/held.figures
	# Nothing of the held half was shown to the proposer or the judge.
	jq -r 'select(.human != null) | .messages[0].content' $run/held.jsonl >asked
	run ! grep -F -f asked $run/round-1/ask.jsonl
	run ! grep -F -f asked $run/round-1/examples.jsonl
	jq -e '.judge.critique == "which year?" or .judge.critique == "says nothing"' $run/round-1/examples.jsonl
	# What it prints is the judge's command line; and nothing is asked anew.
	[[ $(tail -n 1 report) == "the judge: ft-judge -m stub --no-reference -c @build/run/round-1/criterion.txt --examples "* ]]
	asked=$(wc -l <log)
	status_is 0 align
	[ "$(wc -l <log)" -eq "$asked" ]
}

@test "judge: a proposer that changes nothing, or makes it worse, leaves the first judge" {
	prepare judge
	judged
	flawed_judge "$(cat "$ROOT/examples/judge/criterion.txt")"
	status_is 0 align
	[ "$(cat example/build/run/best)" = build/run/round-0 ]
	[[ $output == *"not better beyond chance than the judge before: +0 of agreement"* ]]
	[[ $output == *"in all: not better beyond chance than the first judge: +0 of agreement"* ]]
	[[ ${lines[-1]} == *"-c @build/run/round-0/criterion.txt"* ]]
	[[ ${lines[-1]} != *--examples* ]]
	[ ! -e example/build/run/round-2 ]
	stop_stub
	rm -r example/build
	jq -nc '{match: "You improve", reply: "Fail everything."},
		{match: "Fail everything", reply: "{\"critique\": \"\", \"verdict\": \"FAIL\"}"},
		{match: "You are a strict", reply: "{\"critique\": \"\", \"verdict\": \"PASS\"}"}' >replies
	start_stub --replies replies
	status_is 0 align
	[ "$(cat example/build/run/best)" = build/run/round-0 ]
	[[ $output == *"not better beyond chance than the judge before: -"* ]]
}

@test "judge: where judge and people agree nothing is asked of the proposer; trouble stops it" {
	prepare judge
	judged
	jq -c '.review.pass = true' said.jsonl >all
	mv all said.jsonl
	start_stub --reply '{"critique": "", "verdict": "PASS"}' --log log
	status_is 0 align
	[ ! -s example/build/run/round-1/ask.jsonl ]
	[ "$(wc -l <log)" -eq 240 ] # each row once
	[ "$(cat example/build/run/best)" = build/run/round-0 ]
	echo '{' >>said.jsonl
	touch -d '+2 seconds' said.jsonl
	run align
	[ "$status" -eq 2 ]
}
