load helper
load notes

# Models are played by two scripts: "fit" writes the years it was shown, "ask" answers with the
# reference, but in those years only.
models() {
	cat >fit <<'S'
#!/bin/bash
# fit -o DIR FILE
mkdir -p "$2"
jq -r '.messages[-1].content | fromjson | .due_date[:4]' "$3" | sort -u >"$2/years"
echo '{"step": 1, "loss": 0}'
S
	cat >ask <<'S'
#!/bin/bash
# ask -a DIR FILE
years=$(paste -sd, "$2/years")
jq -c --arg years "$years" '(.messages[-1].content | fromjson | .due_date[:4]) as $y
	| .output = .messages[-1].content | if $years / "," | index($y) then . else .output |= gsub($y; $years / "," | last) end
	| .messages |= .' "$3"
S
	chmod +x fit ask
}

# state - a deployed model of 2023.
state() {
	models
	mkdir -p state
	notes 400 1 2023 12 >state/train.jsonl
	notes 200 2 2023 12 >state/test.jsonl
	./fit -o state/model-0 state/train.jsonl >/dev/null
	ln -s model-0 state/model
}

# retrain ARGS...
retrain() {
	make -s -C "$ROOT/examples/retrain" STATE="$TMP/state" BASE=none FIT="$TMP/fit" ASK="$TMP/ask" "$@"
}

@test "retrain: no drift, nothing to do" {
	state
	./ask -a state/model <(notes 80 3 2023 12) >traffic.jsonl
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl"
	[[ $output == "No drift: nothing to do." ]]
	[ "$(readlink state/model)" = model-0 ]
}

@test "retrain: drift waits for people, then a better candidate is promoted and its rows join the reference" {
	state
	notes 120 3 2024 1 >right.jsonl
	./ask -a state/model right.jsonl | jq -c '.messages |= .[:-1]' >traffic.jsonl
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl"
	[[ $output == *"Drift at "*2024*"60 rows wait for review"* ]]
	[ "$(readlink state/model)" = model-0 ]
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl" LABELS="$TMP/right.jsonl"
	[[ $output == *"Promoted: "* ]]
	[ "$(readlink state/model)" != model-0 ]
	grep -q 2024 state/model/years
	[ "$(wc -l <state/train.jsonl)" -gt 440 ]
	[ "$(cat state/train.jsonl state/test.jsonl | wc -l)" -eq 720 ]
}

@test "retrain: a candidate that does not pass the gate changes nothing" {
	state
	notes 120 3 2024 1 >right.jsonl
	./ask -a state/model right.jsonl | jq -c '.messages |= .[:-1]' >traffic.jsonl
	# A fit that forgets 2023.
	sed -i 's/sort -u/sort -u | tail -n 1/' fit
	cp -rP state before
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl" LABELS="$TMP/right.jsonl"
	[[ $output == *"did not pass the gate"* ]]
	rm -rf state/run
	diff -r before state
}
