#!/usr/bin/env bats
# Every allocation of a small run is failed once: the program must end by itself, with an answer or
# with status 2 and a message, and must not crash or leave half a file. make check-fault fails each
# one, check every seventh.

load helper

make_rows() {
	[ -f "$BUILD/tests/fault.so" ] || skip "no fault.so here"
	[ -z "${FT_SANITIZED:-}" ] || skip "the sanitizers have allocators of their own"
	jq -nc 'range(4) | {id: "r\(.)", messages: [{role: "user", content: "q \(.)"}, {role: "assistant", content: "{\"a\": \(.)}"}],
			output: "{\"a\": 1}", model: "m"}' >in.jsonl
}

# fail_each COMMAND... - runs the command with its 1st, (1+step)-th, ... allocation failed.
fail_each() {
	local step=7 total i rc
	[ -z "${FT_FAULT:-}" ] || step=1
	[ -f in.jsonl ] || make_rows
	LD_PRELOAD=$BUILD/tests/fault.so FT_FAIL_COUNT=$TMP/count "$@" in.jsonl >/dev/null 2>&1 || true
	total=$(cat count)
	[ "$total" -gt 5 ] || { echo "only $total allocations seen"; return 1; }
	for ((i = 1; i <= total; i += step)); do
		rc=0
		LD_PRELOAD=$BUILD/tests/fault.so FT_FAIL_AT=$i timeout 20 "$@" in.jsonl >out.txt 2>err.txt || rc=$?
		[ "$rc" -le 4 ] || { echo "allocation $i of $total of $*: status $rc: $(cat err.txt)"; return 1; }
		[ "$rc" -ne 2 ] || [ -s err.txt ] || { echo "allocation $i of $total of $*: status 2 without a word"; return 1; }
	done
}

@test "ft-split survives each failed allocation" { fail_each ft-split; }
@test "ft-split -d survives each failed allocation and leaves no half set" {
	fail_each ft-split -d out
	[ -z "$(find . -name '*.ft-??????')" ]
}
@test "ft-eval survives each failed allocation" { fail_each ft-eval -c exact -c json-fields; }
@test "ft-drift survives each failed allocation" { fail_each ft-drift -r in.jsonl; }
@test "ft-judge --agree survives each failed allocation" {
	make_rows
	jq -c '.judge = {pass: true} | .human = (.id != "r1")' in.jsonl >judged.jsonl
	mv judged.jsonl in.jsonl
	fail_each ft-judge --agree .human
}
