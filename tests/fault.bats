#!/usr/bin/env bats
# Every program under faults: each allocation, write, sync, open, rename, mapping and read of a run fails
# once, and the run is killed before each. What must hold then is what the manuals promise: a run that
# says nothing and ends well has done all of it; another tells why; a file holds what it held before or
# what it was to hold, never a part; and a run that was killed is done by the next.
#
# FT_FAULT=all tries each call (make check-fault), FT_FAULT=N a slice of them that N moves on (.ci/run
# gives the day); without it the same few are tried.

# shellcheck disable=SC2154 # the loops' variables are for those they call
load helper
load hub
load model
load serve

KINDS="alloc write sync open rename map read"
[ -n "${FT_FAULT:-}" ] || KINDS="alloc write open rename"

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
	need_inject
	export OPENBLAS_NUM_THREADS=1 SOURCE_DATE_EPOCH=0
	plain=cat next=() tried=
	mkdir start
	jq -nc 'range(40) | {id: "r\(.)", messages: [{role: "user", content: "q \(.)"}, {role: "assistant", content: "{\"a\": \(. % 7)}"}],
			output: "{\"a\": 1}", model: "m"}' >in.jsonl
}

teardown() {
	stop "${SERVE_PID:-}"
	stop_stub
}

# no WORD... - says what is not as it should be.
no() {
	echo "$*"
	return 1
}

# points TOTAL - which of so many calls are tried.
points() {
	local few=1 from=${FT_FAULT:-5}
	[ "$from" != all ] || { seq "$1" && return; }
	[ -z "${FT_FAULT:-}" ] || few=3
	[ "$1" -gt "$few" ] || { seq "$1" && return; }
	for ((i = 0; i < few; i++)); do echo $((1 + (from * 7 + i * $1 / few) % $1)); done
}

# under KIND WHAT N - sets $around to what runs a command with the N-th call of a kind failing (WHAT f), or
# ended before it (s), or counts them into the file count (c).
under() {
	case $1$2 in
	allocc) around=(env LD_PRELOAD="$BUILD/tests/fault.so" FT_FAIL_COUNT="$TMP/count") ;;
	allocf) around=(env LD_PRELOAD="$BUILD/tests/fault.so" FT_FAIL_AT="$3") ;;
	*c) around=(inject -k "$1" -c "$TMP/count") ;;
	*) around=(inject -k "$1" "-$2" "$3") ;;
	esac
}

# in_work COMMAND... - runs it there; its status is $rc, its output in out and err.
in_work() {
	rc=0
	timeout -k 5 60 env -C work "$@" >out 2>err </dev/null || rc=$?
}

# anew COMMAND... - the same where work/ is as it was at the start.
anew() {
	: >requests
	rm -rf work
	cp -a start work
	in_work "$@"
}

# content FILE|DIR - what is in it, without what differs from run to run.
content() {
	local f
	[ -e "$1" ] || { echo none && return; }
	# what a run leaves for the next one to find has a name of its own
	find "$1" -type f ! -name '*.lock' ! -name '*.ft-??????' ! -name '.weights-*' | sort | while read -r f; do
		echo "${f#"$1"} $($plain <"$f" | md5sum)"
	done
}

# old_or_new - each of the targets is as it was, or as it was to be.
old_or_new() {
	local t now
	for t in "${targets[@]}"; do
		now=$(content "work/$t")
		[ "$now" = "$(content "start/$t")" ] || [ "$now" = "$(content "new/$t")" ] || no "$t is neither old nor new" || return 1
	done
}

all_new() {
	local t
	for t in "${targets[@]}"; do
		[ "$(content "work/$t")" = "$(content "new/$t")" ] || no "$t is not as it was to be" || return 1
	done
}

# left - the temporaries in the targets and beside them.
left() {
	find work -name '*.ft-??????'
}

# failed_well - of a run in which a call has failed.
failed_well() {
	[ "$rc" -le 4 ] || no "not ended by itself" || return 1
	if [ "$rc" = "$good" ]; then
		[ "$($plain <out)" = "$($plain <new.out)" ] || no "another output" || return 1
		all_new
		return
	fi
	# with -q the rows alone say that there was no answer
	[ -s err ] || [ "$rc" = 3 ] || no "no word of it" || return 1
	[ -s err ] || grep -q '"error":{' out || no "no word of it" || return 1
	old_or_new || return 1
	[ "$kind" = rename ] || [ -z "$(left)" ] || no "a temporary is left"
}

# done_again - after a kill the next run does it all, and clears away what the killed one has left.
done_again() {
	if [ ${#next[@]} -gt 0 ]; then in_work "${next[@]}"; else in_work "$@"; fi
	[ "$rc" = "$good" ] || no "the next run fails" || return 1
	all_new || return 1
	[ -n "${leaves:-}" ] || [ -z "$(left)" ] || no "a temporary is left"
}

# taken_up - the next run ends what one that failed or was killed has begun, and begins nothing again: a POST
# to $posted reached the server once.
taken_up() {
	local n
	done_again "$@" || return 1
	[ -n "${posted:-}" ] || return 0
	n=$(grep -cE "POST $posted( |\"|\$)" requests)
	[ "$n" = 1 ] || no "$n POSTs to $posted"
}

# hold TARGET... -- COMMAND... - tries the command, which writes the targets, under faults of all $KINDS.
hold() {
	local kind i total
	targets=()
	while [ "$1" != -- ]; do
		targets+=("$1")
		shift
	done
	shift
	anew "$@"
	good=$rc
	[ "$good" -le 1 ] || { cat err; return 1; }
	rm -rf new
	mv out new.out
	mv work new
	for kind in $KINDS; do
		under "$kind" c 0
		anew "${around[@]}" "$@"
		[ "$rc" = "$good" ] || no "counting calls of $kind: status $rc: $(<err)" || return 1
		total=$(($(<count)))
		for i in $(points "$total"); do
			under "$kind" f "$i"
			anew "${around[@]}" "$@"
			failed_well >why || no "$kind $i of $total fails: $(<why); status $rc: $(<err)" || return 1
			if [ -n "${posted:-}" ] && [ "$rc" != "$good" ]; then
				taken_up "$@" >why || no "after $kind $i of $total: $(<why); status $rc: $(<err)" || return 1
			fi
			[ "$kind" != alloc ] || continue
			under "$kind" s "$i"
			anew "${around[@]}" "$@"
			[ "$rc" = 137 ] || continue # it came to fewer calls
			old_or_new >why || no "killed before $kind $i of $total: $(<why)" || return 1
			taken_up "$@" >why || no "killed before $kind $i of $total: $(<why); status $rc: $(<err)" || return 1
		done
		tried+="$total of $kind, "
	done
	told
}

# told - of the whole, which takes its time, says how many calls it was.
told() {
	if [ "${FT_FAULT:-}" = all ]; then echo "# $BATS_TEST_DESCRIPTION: ${tried%, }" >&3; fi
	tried=
}

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

network() {
	start_stub
	plain=answers
	head -n 5 in.jsonl >few.jsonl
}
# answers - what of a record does not depend on the clock.
answers() {
	jq -c 'del(.latency, .latency_batch, .ttft, .request_id, .attempts)'
}
@test "ft-prompt --dry-run" {
	hold -- ft-prompt -m m -n "$TMP/in.jsonl"
}
@test "ft-prompt" {
	network
	hold -- ft-prompt -q -m m -j 1 --retries 0 --timeout 5 "$TMP/few.jsonl"
}
@test "ft-prompt --cache: what was asked for is answered, whatever becomes of the cache" {
	network
	hold -- ft-prompt -q -m m -j 1 --retries 0 --timeout 5 --cache c.db "$TMP/few.jsonl"
}
@test "ft-prompt --to-batch, --from-batch" {
	hold -- ft-prompt -m m --to-batch "$TMP/in.jsonl"
	jq -c '{custom_id: .id, response: {status_code: 200, body: {choices: [{message: {content: "x"}}]}}}' in.jsonl >results.jsonl
	hold -- ft-prompt -m m --from-batch "$TMP/results.jsonl" "$TMP/in.jsonl"
}
@test "ft-prompt --batch: no batch is begun twice" {
	start_stub --log requests
	plain=answers posted=/v1/batches
	head -n 3 in.jsonl >few.jsonl
	old_or_new() { [ ! -e work/st ] || jq -e . work/st >/dev/null || no "the state is no JSON"; }
	hold -- ft-prompt -q -m m --batch st --batch-poll 0.01 --retries 0 --timeout 5 "$TMP/few.jsonl"
}
@test "ft-prompt on a local model" {
	make_model m
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
	plain=steps KINDS=${KINDS#alloc }
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
@test "ft-train --remote: no job is begun twice" {
	head -n 12 in.jsonl | jq -c '{messages}' >few.jsonl
	stub-finetune --port-file stub.port --log requests 3>&- >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	OPENAI_BASE_URL=http://127.0.0.1:$(port_of stub.port)/v1
	export OPENAI_BASE_URL OPENAI_API_KEY=sk-test-key
	plain=jobs posted=/v1/fine_tuning/jobs
	# a row that was told before a kill may be told again; a table that could not be written is named, and not counted
	jobs() { sed -E 's/"(seconds_followed|job|files)":("[^"]*"|[-0-9.e]+),?//g; s/,}/}/' | sort -u; }
	begin=(ft-train -q -m m --remote openai --poll 0.01 -o out "$TMP/few.jsonl")
	next=("${begin[@]}" --resume)
	old_or_new() { [ ! -e work/out/remote.json ] || jq -e . work/out/remote.json >/dev/null || no "remote.json is no JSON"; }
	hold out/metrics.jsonl -- "${begin[@]}"
}
@test "ft-pull: a model's files are in the cache whole, or the next run fetches them" {
	mkdir m
	printf '{"model_type":"llama"}' >m/config.json
	printf '{}' >m/tokenizer.json
	head -c 100000 /dev/zero | tr '\0' w >m/model.safetensors
	hub org/m m config.json tokenizer.json model.safetensors
	stub-hub --port-file hub.port hub 3>&- >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	HF_ENDPOINT=http://127.0.0.1:$(port_of hub.port)
	export HF_ENDPOINT HF_HOME=home
	unset HF_TOKEN HF_HUB_CACHE
	# what is there under its name is whole
	old_or_new() {
		local f
		for f in $(cd new && find home -path '*snapshots*' \( -type f -o -type l \)); do
			[ ! -e "work/$f" ] || cmp "work/$f" "new/$f" || return 1
		done
	}
	leaves=yes # the name of a branch is written anew
	hold home -- ft-pull -q --retries 0 --timeout 5 org/m
}
@test "ft-review: scan and apply" {
	hold -- ft-review --scan --threads 1 "$TMP/in.jsonl"
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
	local total i kind
	need_terminal
	head -n 4 in.jsonl >few.jsonl
	for kind in $KINDS; do
		under "$kind" c 0
		"$1"
		[ "$(wc -l <work/j)" = 3 ]
		total=$(($(<count)))
		for i in $(points "$total"); do
			for what in f s; do
				[ "$kind$what" != allocs ] || continue
				under "$kind" "$what" "$i"
				"$1"
				kept_well >why || no "$kind $i of $total ($what): $(<why); status $rc: $(<err)"
			done
		done
		tried+="$total of $kind, "
	done
	told
}
@test "ft-review's page: what was acknowledged is in the journal, whatever fails or kills it" { keeps reviewed; }
@test "ft-review's terminal: the journal is whole, whatever fails or kills it" { keeps typed; }

# passed_on WHAT - asks ft-serve, which runs under a fault, three times. Who is answered has the answer, and
# what is written of it is whole but for a last line that a kill (WHAT s) cut.
passed_on() {
	local code
	rm -rf log
	: >serve.err
	"${around[@]}" ft-serve -l 127.0.0.1:0 -u "$STUB_URL" -o log 3>&- >serve.out 2>serve.err &
	SERVE_PID=$! SERVE='' heard=0 rc=0
	for _ in $(seq 3000); do
		SERVE=$(sed -n 's/.*listening at //p' serve.err)
		[ -z "$SERVE" ] || break
		kill -0 "$SERVE_PID" 2>/dev/null || break
		sleep 0.01
	done
	for _ in 1 2 3; do
		[ -n "$SERVE" ] || break
		code=$(curl -sS -m 30 -o said -w '%{http_code}' "$SERVE/v1/chat/completions" -H 'Content-Type: application/json' \
			-d '{"model":"m","messages":[{"role":"user","content":"q"}]}' 2>/dev/null) || code=none
		[ "$code" = 200 ] || continue
		jq -e '.choices[0].message.content' said >/dev/null || no "half an answer" || return 1
		heard=$((heard + 1))
	done
	kill -TERM "$SERVE_PID" 2>/dev/null || true
	wait "$SERVE_PID" || rc=$?
	SERVE_PID=
	[ -n "$(ls log 2>/dev/null)" ] || return 0
	cat log/*.jsonl >records
	[ "$1" != s ] || sed -i '$d' records
	jq -c . records >/dev/null || no "a record is no JSON"
}

# served_well - of a run in which a call has failed: it ends with a word, or loses one client's answer.
served_well() {
	passed_on f || return 1
	[ "$rc" -le 4 ] || [ "$rc" = 143 ] || no "not ended by itself" || return 1
	[ "$rc" != 2 ] || [ -s serve.err ] || no "no word of it" || return 1
	[ "$rc" = 2 ] || [ "$heard" -ge 2 ] || no "only $heard answers"
}

@test "ft-serve: a failed call ends it with a word or costs one answer, and no record is half" {
	local total i
	start_stub
	for kind in $KINDS; do
		under "$kind" c 0
		passed_on c
		[ "$heard" = 3 ]
		total=$(($(<count)))
		for i in $(points "$total"); do
			under "$kind" f "$i"
			served_well >why || no "$kind $i of $total fails: $(<why); status $rc: $(<serve.err)"
			[ "$kind" != alloc ] || continue
			under "$kind" s "$i"
			passed_on s >why || no "killed before $kind $i of $total: $(<why)"
		done
		tried+="$total of $kind, "
	done
	told
}
