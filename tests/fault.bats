#!/usr/bin/env bats
# Every program on files under faults: each allocation, write, sync, open, rename, mapping and read of a run fails
# once, and the run is killed before each. What must hold then is what the manuals promise: a run that
# says nothing and ends well has done all of it; another tells why; a file holds what it held before or
# what it was to hold, never a part; and a run that was killed is done by the next. Which calls are
# tried, faults.bash says.

# shellcheck disable=SC2034,SC2154 # the loops' variables are for those they call
load faults
load model

@test "ft-split" { hold -- ft-split -q "$TMP/in.jsonl"; }
@test "ft-split -o: the old set or the new one" {
	ft-split -q --seed 5 -o start/out in.jsonl
	hold out -- ft-split -q -o out "$TMP/in.jsonl"
}
@test "ft-split --check" {
	ft-split -q -o d in.jsonl
	hold page.html -- ft-split --check --json --html page.html "$TMP/d/train.jsonl" "$TMP/d/test.jsonl"
}
@test "ft-eval" { hold -- ft-eval -c exact -c json-fields -c jq:.output --json "$TMP/in.jsonl"; }
@test "ft-eval: letters beyond ASCII, and patterns" {
	jq -nc 'range(3) | {id: "r\(.)", messages: [{role: "user", content: "q"},
			{role: "assistant", content: "{\"A\": \"GRÖSSE \(.)\"}"}], output: "{\"a\": \"größe \(.)\"}"}' >words.jsonl
	hold -- ft-eval -c iexact -c normalized -c f1 -c 'regex:^(.|\n)*[0-9]"' --json "$TMP/words.jsonl"
}
@test "ft-eval --html, --junit" {
	 hold page.html junit.xml -- ft-eval -c exact --html page.html --junit junit.xml --require 'exact>=0' "$TMP/in.jsonl"
}
@test "ft-eval --profile" { hold -- ft-eval -c exact --profile "$TMP/in.jsonl"; }
@test "ft-drift" {
	 hold page.html -- ft-drift -r "$TMP/in.jsonl" --threads 1 --json --html page.html "$TMP/in.jsonl"
}
# taken - the rows that a state says were read: those of the windows that are closed, and of the open one.
taken() {
	[ -e work/st ] || { echo 0 && return; }
	echo $(($(head -n 1 work/st | jq .rows) + $(wc -l <work/st) - 1))
}
@test "ft-drift --state: a run that is ended or killed anywhere goes on with its next row" {
	jq -nc 'range(200) | {x: (. * 7 % 13), y: "w\(. % 3)"}' >reference.jsonl
	jq -nc 'range(70) | {x: (. * 5 % 13), y: "w\(. % 3)"}' >stream.jsonl
	watch=(ft-drift -q --threads 1 -r "$TMP/reference.jsonl" --window 30 --ert 100 --state st)
	old_or_new() { :; }
	failed_well() {
		[ "$rc" -le 4 ] || no "not ended by itself" || return 1
		[ "$rc" = "$good" ] || [ -s err ] || no "no word of it" || return 1
		done_again
	}
	# A verdict whose window was not closed behind it is given again.
	done_again() {
		cp out before.out
		tail -n "+$(($(taken) + 1))" stream.jsonl >rest.jsonl
		in_work "${watch[@]}" "$TMP/rest.jsonl"
		[ "$rc" -ne 2 ] || no "the next run fails: $(<err)" || return 1
		sed -i '/}$/!d' before.out
		cat before.out out | uniq | cmp - new.out || no "other windows" || return 1
		[ "$(taken)" = 70 ] || no "$(taken) rows are kept" || return 1
		[ "$kind" = rename ] || [ -z "$(left)" ] || no "a temporary is left"
	}
	hold -- "${watch[@]}" "$TMP/stream.jsonl"
}
@test "ft-drift --profile" { hold -- ft-drift --profile "$TMP/in.jsonl"; }
@test "ft-judge --agree" {
	jq -c '.judge = {pass: true} | .human = (.id != "r1")' in.jsonl >judged.jsonl
	hold -- ft-judge --agree .human --json "$TMP/judged.jsonl"
}

@test "ft-prompt on a local model" {
	make_model m
	jq '.pre_tokenizer.use_regex = true' m/tokenizer.json >words
	mv words m/tokenizer.json
	plain=answers
	head -n 2 in.jsonl >few.jsonl
	hold -- ft-prompt -q -m "$TMP/m" --max-tokens 3 --threads 1 "$TMP/few.jsonl"
}
@test "ft-export: a directory and GGUF" {
	make_model m
	make_model n 2
	ft-export -q -m ./n -o start/out >/dev/null
	hold out -- ft-export -q -m "$TMP/m" -o out
	hold x.gguf -- ft-export -q -m "$TMP/m" --format gguf -o x.gguf
}

# steps - metrics and ft.json without what depends on the clock and the machine.
steps() {
	sed -E 's/"(tokens_per_s|rss|seconds|joules|started|ended|date|bytes)": ?("[^"]*"|[-0-9.e]+|null),?//g'
}
@test "ft-train: a run that a fault ends says so, one that was killed is taken up" {
	plain=steps
	jq -n '{model_type: "llama", hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
		num_key_value_heads: 1, max_position_embeddings: 64, tie_word_embeddings: true}' >config.json
	head -n 6 in.jsonl >few.jsonl
	begin=(ft-train -q --scratch "$TMP/config.json" -o out --steps 2 --save-every 1 --threads 1 "$TMP/few.jsonl")
	next=("${begin[@]}" --resume)
	# an unfinished run is there to be taken up
	old_or_new() {
		[ ! -e work/out/ft.json ] || jq -e . work/out/ft.json >/dev/null || no "ft.json is no JSON" || return 1
		[ ! -e work/out/model.safetensors ] || cmp work/out/model.safetensors new/out/model.safetensors
	}
	hold out/model.safetensors out/metrics.jsonl -- "${begin[@]}"
}
@test "ft-review: scan and apply" {
	head -n 2 in.jsonl >few.jsonl
	jq -c '.messages[1].content = ("I cannot help with that before 2024-02-31.", "fine\ufffd")' few.jsonl >signs.jsonl
	hold -- ft-review --scan --threads 1 "$TMP/in.jsonl" "$TMP/signs.jsonl"
	: >in.journal
	hold -- ft-review -q --apply "$TMP/in.journal" "$TMP/in.jsonl"
}

# reviewed - judges three rows on the page of an ft-review that runs under a fault; sets $said to the keys of the
# decisions that were acknowledged.
reviewed() {
	local address shown code
	rm -rf work
	mkdir work
	"${around[@]}" ft-review -q -o work/j --as anna "$TMP/few.jsonl" 3>&- >address 2>err &
	SERVE_PID=$! rc=0 said=()
	for _ in $(seq 3000); do
		[ ! -s address ] || break
		kill -0 "$SERVE_PID" 2>/dev/null || break
		sleep 0.01
	done
	address=$(<address)
	rm -f jar
	page=(curl -sS -m 30 -c jar -b jar -H "Origin: ${address%/*}")
	if [ -n "$address" ]; then "${page[@]}" -o /dev/null "$address" 2>/dev/null || true; fi
	for _ in 1 2 3; do
		[ -n "$address" ] || break
		shown=$("${page[@]}" "${address%/*}/api/next" 2>/dev/null) || continue
		shown=$(jq -ce '.row | {row, key, hash, random, verdict: "good", new: null, why: ""}' <<<"$shown") || continue
		code=$("${page[@]}" -o /dev/null -w '%{http_code}' -d "$shown" "${address%/*}/api/decide" 2>/dev/null) || code=none
		[ "$code" != 200 ] || said+=("$(jq -r .key <<<"$shown")")
	done
	kill -TERM "$SERVE_PID" 2>/dev/null || true
	wait "$SERVE_PID" || rc=$?
	SERVE_PID=
}
# typed - the same in a terminal, where nothing is acknowledged that a script could read.
typed() {
	local command
	rm -rf work
	mkdir work
	printf -v command '%q ' "${around[@]}" ft-review --tty -q -o work/j --as anna "$TMP/few.jsonl"
	said=() rc=0
	printf ggbq | timeout 60 script -qec "$command" /dev/null >screen 2>&1 || rc=$?
	cp screen err
}
# kept_well - what was acknowledged stands in the journal, and the next run reads it.
kept_well() {
	local key
	[ "$rc" -le 4 ] || [ "$rc" = 137 ] || [ "$rc" = 143 ] || no "not ended by itself" || return 1
	[ "$rc" != 2 ] || [ -s err ] || no "no word of it" || return 1
	for key in "${said[@]}"; do
		jq -Rr 'fromjson? | .key' work/j | grep -qxF "$key" || no "a decision is lost" || return 1
	done
	[ ! -e work/j ] || printf q | script -qec "ft-review --tty -q -o work/j --as anna $TMP/few.jsonl" /dev/null >after 2>&1 ||
		no "the next run fails: $(<after)" || return 1
	[ ! -e work/j ] || jq -c . work/j >/dev/null || no "the journal is not whole"
}
# keeps FUNCTION - so is the journal of each run that a fault hits.
keeps() {
	local i kind what
	need_terminal
	head -n 4 in.jsonl >few.jsonl
	for kind in $KINDS; do
		under "$kind" c 0
		"$1"
		[ "$(wc -l <work/j)" = 3 ]
		counted "$kind"
		for i in "${points[@]}"; do
			for what in f s; do
				[ "$kind$what" != allocs ] || continue
				under "$kind" "$what" "$i"
				"$1"
				if [ "$what" = f ]; then faults=$((faults + 1)); else kills=$((kills + 1)); fi
				kept_well >why || no "$kind $i of $total ($what): $(<why); status $rc: $(<err)"
			done
		done
		tried+="${#points[@]} of $total $kind, "
	done
	told
}
@test "ft-review's page: what was acknowledged is in the journal, whatever fails or kills it" { keeps reviewed; }
@test "ft-review's terminal: the journal is whole, whatever fails or kills it" { keeps typed; }
