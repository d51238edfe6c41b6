#!/usr/bin/env bats
# ft-prompt where every fifth of 500 requests meets a fault: all is answered that can be, the rest
# are error records, every id is there once and in order, and the server was asked exactly as often
# as that takes. Then the same under kill -9.

load helper

# What waits a second for each refusal has fewer rows unless FT_SLOW=1.
rows=500
few() {
	[ -n "${FT_SLOW:-}" ] || rows=100
}

# matrix DIRECTIVE ARGS... - 500 rows, every fifth with the directive, through ft-prompt into
# out.jsonl; status in $rc.
matrix() {
	local d=$1
	shift
	jq -nc --argjson rows $rows --arg d "$d" 'range($rows)
		| {id: "\(.)",
			messages: [{role: "user", content: ((if . % 5 == 0 then "stub{\($d)} " else "" end) + "row \(.)")}]}' >in.jsonl
	rc=0
	timeout 120 ft-prompt -m m -j 50 "$@" in.jsonl >out.jsonl 2>err.txt || rc=$?
	[ "$(jq -r .id out.jsonl)" = "$(seq 0 $((rows - 1)))" ]
}

requests() {
	curl -s "${STUB_URL%/v1}/stub/state" | jq .requests
}

# mends DIRECTIVE - the first request of each faulty row fails, its second is answered.
mends() {
	local before
	before=$(requests)
	matrix "$1;times=1" "${@:2}"
	[ "$rc" -eq 0 ] || { cat err.txt; return 1; }
	[ "$(jq -c '[.attempts, (.output | ltrimstr(" "))] == [(if (.id | tonumber) % 5 == 0 then 2 else 1 end),
			"row \(.id)"]' out.jsonl | sort -u)" = true ]
	[ $(($(requests) - before)) -eq $((rows * 6 / 5)) ]
}

# stays DIRECTIVE TYPE ATTEMPTS ARGS... - each faulty row ends as that error after so many attempts.
stays() {
	local before
	before=$(requests)
	matrix "$1" "${@:4}"
	[ "$rc" -eq 3 ] || { cat err.txt; return 1; }
	[ "$(jq -c 'if (.id | tonumber) % 5 == 0 then [.error.type, .attempts, has("output")] else empty end' out.jsonl | sort -u)" = \
		"[\"$2\",$3,false]" ] || { jq -c .error out.jsonl | sort | uniq -c; return 1; }
	[ "$(jq -c 'select((.id | tonumber) % 5 != 0) | .output == "row \(.id)"' out.jsonl | sort | uniq -c | tr -s ' ')" = ' 400 true' ]
	[ $(($(requests) - before)) -eq $((400 + 100 * $3)) ]
}

@test "429 with each form of Retry-After is answered at the second attempt" {
	start_stub
	mends 'status=429;retry-after=0.01'
	mends 'status=429;retry-after-ms=10'
	few
	mends 'status=429;retry-after-date=1'
	mends 'status=429'
}

@test "429 that asks for 90 s under a deadline of 5 s fails at once" {
	start_stub
	SECONDS=0
	stays 'status=429;retry-after=90' deadline 1 --deadline 5
	[ "$SECONDS" -lt 60 ]
}

@test "500 and 503 are answered at the second attempt, or given up after the last" {
	start_stub
	mends 'status=500;retry-after-ms=1'
	mends 'status=503;retry-after-ms=1'
	stays 'status=500;retry-after-ms=1' http 3 --retries 2
	stays 'status=503;should-retry=false' http 1
}

@test "connections dropped before or in the middle of an answer" {
	start_stub
	mends drop=before
	mends drop=middle
	stays drop=middle dropped 2 --retries 1
}

@test "garbage, cut JSON, HTML and a wrapped 503" {
	start_stub
	mends body=garbage
	mends body=truncated
	mends body=upstream
	stays body=html bad_answer 1 --retries 0
}

@test "a wrong content type is no fault" {
	start_stub
	matrix type=text/html
	[ "$rc" -eq 0 ]
	[ "$(jq -c .attempts out.jsonl | sort -u)" = 1 ]
}

@test "a slow drip and a hang cost --timeout each, never more than --deadline" {
	start_stub
	stays drip=1000 timeout 1 --timeout 2 --retries 0
	stays hang=1 timeout 2 --timeout 2 --retries 1
	stays hang=1 deadline 1 --timeout 2 --deadline 2.2
}

@test "a throttled run narrows its window and wins it back" {
	start_stub --delay 5
	# Every request of the first 40 texts is refused once: the window is halved, then all is
	# answered.
	jq -nc 'range(600)
		| {id: "\(.)",
			messages: [{role: "user", content: ((if . < 40 then "stub{status=429;retry-after-ms=20;times=1}" else "" end)
				+ " \(.)")}]}' >in.jsonl
	status_is 0 ft-prompt -m m -j 32 in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 599)" ]
	[ "$(requests)" -eq 640 ]
}

@test "a server that takes eight at once answers sixty-four jobs, mostly at the first attempt" {
	start_stub --delay 10 --limit 8
	jq -nc 'range(1000) | {id: "\(.)", messages: [{role: "user", content: "row \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -j 64 in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 999)" ]
	refused=$(curl -s "${STUB_URL%/v1}/stub/state" | jq .refused)
	echo "refused: $refused" >&2
	[ "$refused" -gt 0 ]
	[ "$refused" -lt 200 ]
}

@test "a server with a quota is asked at its pace: what it refuses holds the others back" {
	start_stub --quota 50
	jq -nc 'range(180) | {id: "\(.)", messages: [{role: "user", content: "row \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -m m --retries 2 in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 179)" ]
	refused=$(curl -s "${STUB_URL%/v1}/stub/state" | jq .refused)
	echo "refused: $refused" >&2
	[ "$refused" -gt 0 ]
	[ "$refused" -lt 90 ]
}

@test "an outage costs the records in hand, not the whole input" {
	start_stub
	jq -nc 'range(3000) | {id: "\(.)", messages: [{role: "user", content: "stub{status=503;retry-after=30} \(.)"}]}' >in.jsonl
	timeout 3 ft-prompt -m m -j 8 in.jsonl >out.jsonl 2>/dev/null || true
	[ "$(requests)" -ge 1 ]
	# Four that wait for each job, and the job itself.
	[ "$(requests)" -le 40 ]
}

@test "a retry that cannot begin for others is given up at its deadline" {
	start_stub
	# The first is refused late, so that the other one, which takes its place, still runs when
	# its deadline comes.
	printf '%s\n' '{"id":"a","messages":[{"role":"user","content":"stub{delay=700;status=500;retry-after-ms=300;times=1}"}]}' \
		'{"id":"b","messages":[{"role":"user","content":"stub{delay=9000} slow"}]}' >in.jsonl
	status_is 3 ft-prompt -m m -j 1 --deadline 3 --timeout 30 --unordered in.jsonl
	[ "$(jq -c 'select(.id == "a") | [.error.type, .error.status, .attempts]' <<<"$output")" = '["deadline",500,1]' ]
	[[ $(jq -r 'select(.id == "a") | .error.message' <<<"$output") == "HTTP 500: "*"--deadline 3" ]]
}

@test "errors of the server do not narrow the window" {
	start_stub --delay 500
	jq -nc 'range(60) | {id: "\(.)", messages: [{role: "user", content: "stub{status=500;retry-after-ms=1;times=1} \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -j 60 in.jsonl
	[ "$(curl -s "${STUB_URL%/v1}/stub/state" | jq .busiest)" -ge 50 ]
}

@test "--max-cost holds where answers are lost on the way" {
	start_stub
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01, "max_output_tokens": 40}}' >prices.json
	jq -nc 'range(200)
		| {id: "\(.)",
			messages: [{role: "user",
				content: ((if . % 3 == 0 then "stub{drop=middle;times=1}" elif . % 3 == 1
				then "stub{body=truncated;times=1}" else "" end) + " \(.)")}]}' >in.jsonl
	status_is 3 ft-prompt -m m --prices prices.json --max-cost 10 -j 20 in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 199)" ]
	[ "$(curl -s "${STUB_URL%/v1}/stub/state" | jq '.prompt_tokens * 0.001 + .completion_tokens * 0.01 <= 10
		and .answered > 15')" = true ]
}

@test "--rpm spaces requests out" {
	start_stub
	matrix type=text/plain
	head -n 30 in.jsonl >few.jsonl
	t0=${EPOCHREALTIME/./}
	status_is 0 ft-prompt -m m --rpm 150 few.jsonl
	t1=${EPOCHREALTIME/./}
	# 150 a minute give a burst of 15 and 2.5 a second after it: 15 more take 6 s.
	[ $((t1 - t0)) -gt 5500000 ]
}

@test "--tpm counts the tokens that answers took" {
	start_stub
	jq -nc 'range(16) | {id: "\(.)", messages: [{role: "user", content: "stub{tokens=1000} \(.)"}]}' >in.jsonl
	t0=${EPOCHREALTIME/./}
	status_is 0 ft-prompt -m m -j 1 --tpm 120000 in.jsonl
	t1=${EPOCHREALTIME/./}
	# A burst of 12,000 and 2,000 a second after it: the sixteenth may go out when 3,000 more
	# have come in.
	[ $((t1 - t0)) -gt 1500000 ]
	[ "$(requests)" -eq 16 ]
}

@test "the server's own x-ratelimit headers make everyone wait" {
	start_stub
	jq -nc 'range(3)
		| {id: "\(.)",
			messages: [{role: "user", content: (if . == 0 then "stub{remaining=0;reset=1.5}" else "x \(.)" end)}]}' >in.jsonl
	t0=${EPOCHREALTIME/./}
	status_is 0 ft-prompt -m m -j 1 in.jsonl
	t1=${EPOCHREALTIME/./}
	[ $((t1 - t0)) -gt 1400000 ]
}

# killed KILLS ROWS - runs and kills so many times, then once to the end.
killed() {
	local kills=$1 rows=$2 jobs=8 i before
	start_stub --delay 30
	jq -nc --argjson n "$rows" 'range($n) | {id: "\(.)", messages: [{role: "user", content: "row \(.)"}]}' >in.jsonl
	for i in $(seq "$kills"); do
		before=$(requests)
		ft-prompt -q -m m -j $jobs --cache c.db in.jsonl >part.jsonl 2>/dev/null 3>&- &
		# However slow the machine is, something is asked; then the kill comes at any
		# moment.
		while kill -0 $! 2>/dev/null && [ "$(requests)" -eq "$before" ]; do
			sleep 0.01
		done
		sleep "0.$(printf %03d $((RANDOM % 150)))"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		# Whatever the moment, what is written is whole but for the line that was begun.
		head -n "$(wc -l <part.jsonl)" part.jsonl | jq .id >/dev/null
	done
	status_is 0 ft-prompt -q -m m -j $jobs --cache c.db in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 $((rows - 1)))" ]
	[ "$(jq -r '.output == "row \(.id)"' <<<"$output" | sort -u)" = true ]
	[ "$(jq -r 'select(.cached) | 1' <<<"$output" | wc -l)" -gt 0 ]
	echo "requests: $(requests) for $rows rows and $kills kills" >&2
	[ "$(requests)" -ge "$rows" ]
	[ "$(requests)" -le $((rows + kills * jobs)) ]
}

@test "after kill -9 the same command gives all, in order, and asks again only what was in flight" {
	killed 6 150
}

@test "the same, a hundred times over 2,000 rows" {
	[ -n "${FT_SLOW:-}" ] || skip "slow (make check-slow)"
	killed 100 2000
}

@test "two processes share a cache" {
	start_stub --delay 2
	jq -nc 'range(300) | {id: "\(.)", messages: [{role: "user", content: "row \(.)"}]}' >in.jsonl
	tac in.jsonl >back.jsonl
	for i in 1 2 3; do
		ft-prompt -q -m m --cache shared.db in.jsonl >a$i.jsonl 3>&- &
		ft-prompt -q -m m --cache shared.db back.jsonl >b$i.jsonl 3>&- &
	done
	for job in $(jobs -p); do
		[ "$job" = "$STUB_PID" ] || wait "$job"
	done
	for f in a1 a2 a3 b1 b2 b3; do
		[ "$(jq -r 'select(.output) | .id' $f.jsonl | sort -n)" = "$(seq 0 299)" ]
	done
	status_is 0 ft-prompt -q -m m --cache shared.db in.jsonl
	[ "$(jq -c .cached <<<"$output" | sort -u)" = true ]
}

@test "SIGTERM half way: what was answered is written, the rest is counted, nothing hangs" {
	start_stub --delay 20
	jq -nc 'range(2000) | {id: "\(.)", messages: [{role: "user", content: "row \(.)"}]}' >in.jsonl
	ft-prompt -m m -j 4 --cache c.db in.jsonl >out.jsonl 2>err.txt 3>&- &
	pid=$!
	await eval '[ "$(wc -l <out.jsonl)" -gt 10 ]'
	kill -TERM $pid
	rc=0
	wait $pid || rc=$?
	[ "$rc" -eq 143 ]
	n=$(wc -l <out.jsonl)
	[ "$n" -gt 10 ]
	[ "$n" -lt 2000 ]
	[ "$(jq -r .id out.jsonl)" = "$(seq 0 $((n - 1)))" ]
	grep -q "$n rows" err.txt
}
