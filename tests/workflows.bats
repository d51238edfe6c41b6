#!/usr/bin/env bats
# The examples that are Makefiles over one decision: examples/decide and examples/prompt, with a
# stub in the model's place.

load helper

prepare() {
	mkdir -p data example
	jq -nc 'range(60)
		| {id: "t\(.)", messages: [{role: "user", content: "message \(.)"}, {role: "assistant", content: "billing"}]}' \
		>data/test.jsonl
	cp data/test.jsonl data/train.jsonl
	cp "$ROOT/examples/$1/"* example
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
