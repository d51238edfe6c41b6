#!/usr/bin/env bats
# Every program on the network under faults: each allocation, write, sync, open, rename, mapping and read of a run fails
# once, and the run is killed before each. What must hold then is what the manuals promise: a run that
# says nothing and ends well has done all of it; another tells why; a file holds what it held before or
# what it was to hold, never a part; and a run that was killed is done by the next. Which calls are
# tried, faults.bash says.

# shellcheck disable=SC2034,SC2154 # the loops' variables are for those they call
load faults
load hub
load serve

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
@test "ft-train --remote: no job is begun twice" {
	head -n 12 in.jsonl | jq -c '{messages}' >few.jsonl
	stub-finetune --port-file stub.port --log requests 3>&- >/dev/null 2>&1 &
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
# passed_on WHAT - asks ft-serve, which runs under a fault, three times. Who is answered has the answer, and
# what is written of it is whole but for a last line that a kill (WHAT s) cut.
passed_on() {
	local code
	rm -rf log
	: >serve.err
	"${around[@]}" ft-serve -l 127.0.0.1:0 -u "$STUB_URL" -o log 3>&- >serve.out 2>serve.err &
	SERVE_PID=$! SERVE='' heard=0 rc=0
	serve_listens 2>/dev/null || true # or the fault ended it
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
	local i kind
	start_stub
	for kind in $KINDS; do
		under "$kind" c 0
		passed_on c
		[ "$heard" = 3 ]
		counted "$kind"
		for i in "${points[@]}"; do
			under "$kind" f "$i"
			faults=$((faults + 1))
			served_well >why || no "$kind $i of $total fails: $(<why); status $rc: $(<serve.err)"
			[ "$kind" != alloc ] || continue
			under "$kind" s "$i"
			kills=$((kills + 1))
			passed_on s >why || no "killed before $kind $i of $total: $(<why)"
		done
		tried+="${#points[@]} of $total $kind, "
	done
	told
}
