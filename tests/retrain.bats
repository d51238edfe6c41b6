# shellcheck disable=SC2154 # status_is and run set stderr
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

# log FILE - the records as ft-serve's log holds such calls, with a candidate in shadow, a call that failed
# and one that somebody liked.
log() {
	jq -c '. as $r | .messages as $m | {id, time: "2024-01-09T10:00:00.000Z", route: "payments", target: "big", session: "s\(.id)",
			messages: $m[:1], output, model: "big", latency: 0.1, usage: {total_tokens: 9}, routes_hash: "0123456789abcdef"}
		| ., (. + {shadow: true, model: "tuned", output: "not this"})' "$1"
	jq -c 'limit(1; .) | {id: "failed", route: "payments", messages: .messages[:1], model: "big", error: {type: "timeout"},
		routes_hash: "0123456789abcdef"}' "$1" | head -n 1
	jq -c '{id, feedback: {value: true}}' "$1" | head -n 1
}

@test "retrain: ft-serve's log is traffic; what was booked is learned, and the routes name what is promoted" {
	state
	# Rows that came from a log have no date of their own, and some carry what a log says of each call.
	sed -i -E 's/"created":"[^"]*",//' state/*.jsonl
	jq -c '. + {time: "2023-05-05T10:00:00.000Z", latency: 9, model: "old", usage: {total_tokens: 1}, cost: 3, routes_hash: "0"}' \
		state/train.jsonl >state/carried
	mv state/carried state/train.jsonl
	notes 120 3 2024 1 >right.jsonl
	./ask -a state/model right.jsonl >answered.jsonl
	mkdir log
	log <(head -n 70 answered.jsonl) >log/2024-01-09.jsonl
	log <(tail -n 50 answered.jsonl) >log/2024-01-10.jsonl
	# Without feedback people are waited for.
	status_is 0 retrain TRAFFIC="$TMP/log/*.jsonl"
	[[ $output == *"Drift at "*2024*"60 rows wait for review"* ]]
	[[ $output != *"missing in"* ]]
	[ "$(jq -s 'map(select(.output == "not this")) | length' state/run/traffic.jsonl)" -eq 0 ]
	[ "$(wc -l <state/run/traffic.jsonl)" -eq 120 ]
	# What was booked comes on another day than its calls.
	jq -c '{id, feedback: {}, ideal: .messages[-1].content}' right.jsonl >log/2024-01-11.jsonl
	jq -n '{routes: {payments: {targets: [{model: "big", url: "http://127.0.0.1:9/v1", weight: 95},
		{name: "tuned", model: "./old", weight: 5}], shadow: [{name: "tuned", model: "./old"}],
		fallback: [{model: "big"}]}}}' >routes.json
	cp routes.json before.json
	status_is 0 retrain clean all TRAFFIC="$TMP/log/*.jsonl" ROUTES="$TMP/routes.json" BASE=./none \
		RELOAD="touch $TMP/reloaded"
	[[ $output == *"Promoted: "* ]]
	[ -e reloaded ]
	cmp before.json routes.json.before
	jq -e --arg to "$(realpath state/model)" '.routes.payments | .targets[0].weight == 95 and (.targets[1] | .name == "tuned"
		and .weight == 5 and .adapter == $to and .model == "./none") and .shadow == []' routes.json
	grep -q 2024 state/model/years
	# What was booked is the reference of new rows; none of the log's book-keeping is in them.
	jq -es 'map(select(.messages[0].content | contains("2024")))
		| length > 20 and all((keys - ["id", "messages", "split"]) == [])' state/train.jsonl
}

@test "retrain: routes: a model of its own, a route by name, and what is refused stays as it was" {
	mkdir -p state/model-1
	echo '{}' >state/model-1/config.json
	cd "$ROOT/examples/retrain"
	promote() { make -s next-routes routes STATE="$TMP/state" BASE=none TO="$TMP/state/model-1" ROUTES="$TMP/routes.json" "$@"; }
	# Nobody of this machine yet: beside the others.
	jq -n '{routes: {a: {targets: [{model: "big", url: "http://127.0.0.1:9/v1", weight: 95}]},
		b: {targets: [{model: "big"}]}}, default: "b"}' \
		>"$TMP/routes.json"
	status_is 0 promote ROUTE=a WEIGHT=1
	jq -e --arg to "$TMP/state/model-1" '.routes.a.targets[1] == {model: $to, weight: 1}' "$TMP/routes.json"
	cp "$TMP/routes.json" "$TMP/kept"
	status_is 2 promote ROUTE=c
	[[ $stderr == *"no route is called c"* ]]
	jq '.routes.a.targets += [{model: "./other"}]' "$TMP/kept" >"$TMP/routes.json"
	cp "$TMP/routes.json" "$TMP/kept"
	status_is 2 promote ROUTE=a
	[[ $stderr == *"several models of this machine"* ]]
	# What ft-serve would refuse does not get into the file.
	jq 'del(.default)' "$TMP/kept" >"$TMP/routes.json"
	status_is 2 promote
	[[ $stderr == *"ROUTE="* ]]
	jq '.odd = 1 | .routes.a.targets |= .[:1]' "$TMP/kept" >"$TMP/routes.json"
	cp "$TMP/routes.json" "$TMP/kept"
	status_is 2 promote ROUTE=a
	cmp "$TMP/kept" "$TMP/routes.json"
}

@test "retrain: people's verdicts outlive clean, and count when the batch comes again" {
	need_terminal
	state
	notes 120 3 2024 1 >right.jsonl
	./ask -a state/model right.jsonl | jq -c '.messages |= .[:-1]' >traffic.jsonl
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl"
	# Somebody finds all sixty good; half of them are known from where they were kept before.
	keys=$(printf 'g%.0s' {1..60})q
	printf '%s' "$keys" |
		timeout 60 script -qec "ft-review --tty -o all.jsonl --as anna state/run/look.jsonl" /dev/null >screen.txt 2>&1
	[ "$(grep -c verdict all.jsonl)" -eq 60 ]
	head -n 30 all.jsonl >state/journal.jsonl
	tail -n 30 all.jsonl >state/run/journal.jsonl
	status_is 0 retrain clean TRAFFIC="$TMP/traffic.jsonl"
	[ ! -e state/run ]
	[ "$(grep -c verdict state/journal.jsonl)" -eq 60 ]
	status_is 0 retrain clean TRAFFIC="$TMP/traffic.jsonl"
	[ "$(grep -c verdict state/journal.jsonl)" -eq 60 ]
	status_is 0 retrain TRAFFIC="$TMP/traffic.jsonl"
	[[ $output != *"wait for review"* ]]
	[ "$(wc -l <state/run/labelled.jsonl)" -eq 60 ]
}
