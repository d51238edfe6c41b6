#!/usr/bin/env bats
# ft-prompt against a server that misbehaves: what is sent, what is added, what is repeated, what is
# reported.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

# ask TEXT ARGS... - one record with that user turn through ft-prompt; the output line is in
# $output.
ask() {
	local text=$1
	shift
	jq -nc --arg t "$text" '{id: "x", messages: [{role: "user", content: $t}]}' >ask.jsonl
	run --separate-stderr timeout 60 ft-prompt -m m "$@" ask.jsonl
}

# rows N [TEXT] - N records with ids 1..N.
rows() {
	jq -nc --argjson n "$1" --arg t "${2:-question}" 'range(1; $n + 1)
		| {id: "\(.)", messages: [{role: "user", content: "\($t) \(.)"}, {role: "assistant", content: "ref"}]}'
}

# refute COMMAND... - fails where the command succeeds (a bare ! would not end a test).
refute() {
	if "$@"; then return 1; fi
}

state() {
	curl -s "${STUB_URL%/v1}/stub/state" | jq ".$1"
}

@test "an answer is added and every other byte stays" {
	start_stub
	printf '%s\n' '{ "big": 12345678901234567890, "id":"a" ,"x":1e999, "messages": [ {"role":"user","content":"h\u0069"} ] }' >in.jsonl
	status_is 0 ft-prompt -m m in.jsonl
	[[ $output == "$(sed 's/ }$//' in.jsonl)"', "output": "hi", '* ]]
	[ "$(jq -c '[.output, .model, .finish_reason, .usage.total_tokens, .attempts, .cost]' <<<"$output")" = \
		'["hi","m","stop",2,1,null]' ]
	[[ $(jq '.latency | type' <<<"$output") == '"number"' ]]
}

@test "what is sent is the record's own text, without the reference and without weight" {
	start_stub --log log
	printf '{"messages":[%s,%s,%s,%s],"tools":[{"n":12345678901234567890}],"tool_choice":"auto"}\n' \
		'{"role":"system","content":"s"}' '{"role":"assistant","content":"x","weight":0}' \
		'{"role":"user","content":"é \u00e9"}' '{"role":"assistant","content":"ref"}' >in.jsonl
	status_is 0 ft-prompt -m m -T 0.5 --max-tokens 7 --seed 3 --stop A --stop B --extra '{"top_k":5,"temperature":1e0}' in.jsonl
	grep -qF '"messages":[{"role":"system","content":"s"},{"role":"assistant","content":"x"},{"role":"user","content":"é \u00e9"}]' log
	grep -qF '"tools":[{"n":12345678901234567890}],"tool_choice":"auto"' log
	grep -qF '"max_tokens":7,"seed":3,"stop":["A","B"]' log
	grep -qF '"top_k":5,"temperature":1e0' log
	refute grep -q '"temperature":0.5' log
}

@test "an earlier answer is replaced whole" {
	start_stub
	echo '{"id":"a","messages":[{"role":"user","content":"hi"}],"error":{"type":"http"},"ttft":1,"tool_calls":[],"output":"old"}' \
		>in.jsonl
	status_is 0 ft-prompt -m m in.jsonl
	[ "$(jq -c '[.output, has("error", "ttft", "tool_calls")]' <<<"$output")" = '["hi",false,false,false]' ]
}

@test "-s replaces or adds the system turn, -t makes the user turn" {
	start_stub --log log
	echo '{"id":"a","note":"pay & go","messages":[{"role":"system","content":"old"},{"role":"user","content":"u"}]}' >in.jsonl
	echo '{"id":"b","note":"n2","messages":[{"role":"user","content":"u"}]}' >>in.jsonl
	status_is 0 ft-prompt -m m -j 1 -s new in.jsonl
	status_is 0 ft-prompt -m m -j 1 -t 'N: {{note}} \{{' in.jsonl
	[ "$(jq -c '[.body.messages[] | [.role, .content]]' log)" = '[["system","new"],["user","u"]]
[["system","new"],["user","u"]]
[["system","old"],["user","N: pay & go {{"]]
[["user","N: n2 {{"]]' ]
	echo 'from a file' >system.txt
	status_is 0 ft-prompt -m m -n -s @system.txt in.jsonl
	[ "$(jq -r '.body.messages[0].content' <<<"$output" | head -n 1)" = "from a file" ]
}

@test "a missing path names record and path, and the other records are answered" {
	start_stub
	printf '%s\n' '{"id":"a","q":"1"}' '{"id":"b"}' '{"id":"c","q":"3"}' >in.jsonl
	status_is 3 ft-prompt -m m -t '{{q}}' in.jsonl
	[ "$(jq -c '[.id, .output, .error.type]' <<<"$output")" = '["a","1",null]
["b",null,"template"]
["c","3",null]' ]
	[[ $(jq -r '.error.message // empty' <<<"$output") == *in.jsonl:2:*.q* ]]
	status_is 0 ft-prompt -m m -t '{{q}}' --max-errors 1 in.jsonl
	status_is 2 ft-prompt -m m -t '{{q' in.jsonl
}

@test "-N writes a line for each sample, in order" {
	start_stub
	rows 3 >in.jsonl
	status_is 0 ft-prompt -m m -N 3 --seed 10 in.jsonl
	[ "$(jq -c '[.id, .sample]' <<<"$output" | tr -d '\n')" = '["1",0]["1",1]["1",2]["2",0]["2",1]["2",2]["3",0]["3",1]["3",2]' ]
}

@test "order is that of the input though answers come in another" {
	start_stub
	jq -nc 'range(40) | {id: "\(.)", messages: [{role: "user", content: "stub{delay=\((40 - .) * 5)} \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -j 40 in.jsonl
	[ "$(jq -r .id <<<"$output")" = "$(seq 0 39)" ]
	ft-prompt -m m -q -j 40 --unordered in.jsonl >free.jsonl
	[ "$(jq -r .id free.jsonl | sort -n)" = "$(seq 0 39)" ]
	[ "$(jq -r .id free.jsonl)" != "$(seq 0 39)" ]
}

@test "at most --jobs are in flight" {
	start_stub --delay 100
	rows 60 >in.jsonl
	status_is 0 ft-prompt -m m -j 7 in.jsonl
	[ "$(state busiest)" -eq 7 ]
}

@test "what may get better is repeated" {
	start_stub
	for d in 'status=408' 'status=409' 'status=429;retry-after-ms=20' 'status=429;retry-after=0.02' 'status=429;retry-after-date=1' \
		'status=500;retry-after-ms=1' 'status=503;retry-after-ms=1' 'status=400;should-retry=true;retry-after-ms=1' \
		drop=before drop=middle body=garbage body=html body=truncated body=upstream; do
		ask "stub{$d;times=1} $d"
		[ "$status" -eq 0 ] || { echo "$d: $output $stderr"; false; }
		[ "$(jq -c '[.output, .attempts]' <<<"$output")" = "[\" $d\",2]" ] || { echo "$output"; false; }
	done
}

@test "what stays wrong ends as an error record after --retries, with status 3" {
	start_stub
	ask 'stub{status=500;retry-after-ms=1}' --retries 3
	[ "$status" -eq 3 ]
	[ "$(jq -c '[.error.type, .error.status, .attempts, has("output")]' <<<"$output")" = '["http",500,4,false]' ]
	[ "$(state requests)" -eq 4 ]
	ask 'stub{status=500}' --retries 0
	[ "$(jq .attempts <<<"$output")" = 1 ]
}

@test "other 4xx fail at once" {
	start_stub
	for s in 400 401 403 404 413 422; do
		ask "stub{status=$s} $s"
		[ "$status" -eq 3 ]
		[ "$(jq -c '[.error.status, .attempts]' <<<"$output")" = "[$s,1]" ]
	done
	ask 'stub{status=503;should-retry=false}'
	[ "$(jq .attempts <<<"$output")" = 1 ]
}

@test "a used up quota is final and ends the run early; so does a key that is refused at once" {
	start_stub
	rows 40 "stub{status=429;file=$PWD/quota.json}" >in.jsonl
	for error in '"type": "insufficient_quota", "code": "insufficient_quota", "message": "no more"' \
		'"code": "credit_balance_exhausted", "message": "x"' '"code": 402, "message": "x"' \
		'"code": "1113", "message": "Insufficient balance or no resource package."' \
		'"type": "invalid_request_error", "message": "Your credit balance is too low."' \
		'"type": "billing_error", "message": "x"' '"type": "credit_limit", "message": "Credit limit exceeded"' \
		'"message": "You have exceeded your monthly included credits for Inference Providers."'; do
		echo "{\"error\": {$error}}" >quota.json
		before=$(state requests)
		status_is 3 ft-prompt -m m -j 4 in.jsonl
		[ "$(jq -sc 'map([.error.type, .error.status]) | [length] + unique' <<<"$output")" = '[40,["quota",429]]' ]
		[ $(($(state requests) - before)) -le 4 ]
		[[ $stderr == *'quota 429: 40'* ]]
	done
	echo '{"code": "exhausted", "error": "Your team has used all available credits or reached its monthly spending limit."}' >quota.json
	ask "stub{status=429;file=$PWD/quota.json}"
	[ "$(jq -c '[.error.type, .attempts]' <<<"$output")" = '["quota",1]' ]
	echo '{"error": {"code": "insufficient_quota", "message": "the minute is full"}}' >quota.json
	ask "stub{status=429;retry-after-ms=1;file=$PWD/quota.json;times=1} later"
	[ "$(jq -c '[.output, .attempts]' <<<"$output")" = '[" later",2]' ]
	ask 'stub{status=402}'
	[ "$(jq -c '[.error.type, .error.status, .attempts]' <<<"$output")" = '["quota",402,1]' ]
	stop_stub
	start_stub --key right
	rows 40 >in.jsonl
	OPENAI_API_KEY=wrong status_is 3 ft-prompt -m m -j 4 in.jsonl
	[ "$(jq -sc 'map([.error.type, .error.status]) | [length] + unique' <<<"$output")" = '[40,["auth",401]]' ]
	[ "$(state requests)" -le 4 ]
}

@test "a wait that would pass the deadline is not begun" {
	start_stub
	ask 'stub{status=429;retry-after=90}' --deadline 5
	[ "$status" -eq 3 ]
	[ "$(jq -c '[.error.type, .error.status]' <<<"$output")" = '["deadline",429]' ]
	[[ $(jq -r .error.message <<<"$output") == *"90 s"*"--deadline 5"* ]]
}

@test "a long wait in which nothing is asked is told of once, with its reason" {
	start_stub
	rows 30 'stub{status=429;retry-after=40} q' >in.jsonl
	ft-prompt -m m -j 4 in.jsonl >out 2>said &
	pid=$!
	await grep -q 'nothing can be asked' said
	kill -KILL $pid
	wait $pid || true
	[ "$(grep -cE 'nothing can be asked for the next (39|40) s .HTTP 429' said)" -eq 1 ]
	# With -q nothing is said.
	ft-prompt -q -m m -j 4 --deadline 50 in.jsonl >out 2>said &
	pid=$!
	await eval '[ "$(state requests)" -ge 8 ]'
	kill -KILL $pid
	wait $pid || true
	[ ! -s said ]
}

@test "a limit that is reset behind the deadline ends the records that wait for it" {
	start_stub
	{
		rows 1 'stub{remaining=0;reset=3600} q'
		rows 4
	} >in.jsonl
	status_is 3 timeout 30 ft-prompt -m m -j 1 --deadline 5 in.jsonl
	[ "$(jq -sc 'map(.error.type)' <<<"$output")" = '[null,"deadline","deadline","deadline","deadline"]' ]
	[[ $(jq -r '.error.message // empty' <<<"$output") == *"the server's limit is reset in"*"--deadline 5"* ]]
	[ "$(state requests)" -eq 1 ]
}

@test "a server that hangs or drips is given up after --timeout" {
	start_stub
	ask 'stub{hang=1}' --timeout 0.3 --retries 1
	[ "$(jq -c '[.error.type, .attempts]' <<<"$output")" = '["timeout",2]' ]
	ask 'stub{drip=100}' --timeout 0.3 --retries 0
	[ "$(jq -c '[.error.type, .attempts]' <<<"$output")" = '["timeout",1]' ]
}

@test "no connection, no name, no TLS: an error record each" {
	start_stub
	OPENAI_BASE_URL=http://127.0.0.1:9/v1 ask hi --retries 0
	[ "$status" -eq 3 ]
	[ "$(jq -r .error.type <<<"$output")" = connect ]
	OPENAI_BASE_URL=http://no-such-host.invalid/v1 ask hi
	[ "$status" -eq 3 ]
	[[ $(jq -r '.error | .type + .message' <<<"$output") == connect*no-such-host.invalid* ]]
	OPENAI_BASE_URL=${STUB_URL/http:/https:} ask hi
	[ "$status" -eq 3 ]
	[ "$(jq -c '[.error.type, .attempts]' <<<"$output")" = '["tls",1]' ]
}

@test "odd answers: null, empty, refusal, tools, cut off, error in a 200, huge" {
	start_stub
	ask 'stub{body=null}'
	[ "$(jq -r .error.type <<<"$output")" = empty ]
	ask 'stub{body=empty}'
	[ "$(jq -r .error.type <<<"$output")" = bad_answer ]
	ask 'stub{body=refusal}'
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.output, .refusal]' <<<"$output")" = '["","I will not."]' ]
	ask 'stub{body=tool}'
	[ "$status" -eq 0 ]
	[ "$(jq -r '.tool_calls[0].function.arguments' <<<"$output")" = '{"q": 12345678901234567890}' ]
	ask 'stub{body=length} cut'
	[ "$(jq -c '[.output, .finish_reason]' <<<"$output")" = '[" cut","length"]' ]
	ask 'stub{body=error}'
	[ "$(jq -c '[.error.type, .error.message, .attempts]' <<<"$output")" = '["api","it went wrong upstream",1]' ]
	ask 'stub{size=10000000}'
	[ "$(jq '.output | length' <<<"$output")" -eq 10000000 ]
	ask 'stub{size=20000000}' # more than an answer may have
	[ "$(jq -c '[.error.message, has("output")]' <<<"$output")" = '["the answer is larger than 16 MB",false]' ]
	ask 'stub{type=text/plain} still json'
	[ "$(jq -r .output <<<"$output")" = ' still json' ]
}

@test "the key reaches the server and nobody else" {
	start_stub --key sk-secret-123456 --log log
	other=$STUB_PID
	export OPENAI_API_KEY=sk-secret-123456
	rows 3 >in.jsonl
	status_is 0 ft-prompt -m m --cache cache.db in.jsonl
	ask "stub{redirect=http://localhost:${STUB_URL#http://127.0.0.1:}/chat/completions}"
	[ "$status" -eq 3 ]
	[ "$(jq -r .error.type <<<"$output")" = redirect ]
	[ "$(jq -r .key log | sort -u)" = bearer ]
	[ "$(wc -l <log)" -eq 4 ]
	ask 'stub{status=400;echo=1}'
	[[ $(jq -r .error.message <<<"$output") == *"****"* ]]
	[[ "$output$stderr" != *sk-secret* ]]
	for more in '' --stream '--cache cache.db'; do
		# shellcheck disable=SC2086
		ask 'stub{echo=1}' $more
		[ "$status" -eq 0 ]
		[[ "$output$stderr" != *sk-secret* ]]
	done
	OPENAI_API_KEY=sk-wrong-987654 ask hi
	[ "$(jq -c '[.error.type, .error.status]' <<<"$output")" = '["auth",401]' ]
	[[ "$output$stderr" != *sk-wrong* ]]
	refute grep -qr sk-secret-123456 cache.db*
	kill "$other"
}

@test "the key comes from the environment or a file; without one the variable is named" {
	start_stub --key sk-from-file
	echo sk-from-file >key.txt
	ask hi --key-file key.txt
	[ "$status" -eq 0 ]
	unset OPENAI_API_KEY
	ask hi
	[[ $(jq -r .error.message <<<"$output") == *OPENAI_API_KEY* ]]
	unset OPENAI_BASE_URL
	ask hi
	[ "$status" -eq 2 ]
	[[ $stderr == *OPENAI_API_KEY*--key-file* ]]
	: >empty.txt
	ask hi --key-file empty.txt
	[ "$status" -eq 2 ]
}

@test "a directory of the model's name stops before anything is sent" {
	start_stub
	mkdir model
	ask hi -m model
	[ "$status" -eq 2 ]
	[[ $stderr == *./model* ]]
	[ "$(state requests)" -eq 0 ]
}

@test "schemas and extras that are indented make no request of two lines" {
	echo '{"id": 1, "messages": [{"role": "user", "content": "a"}]}' >in.jsonl
	printf '{\n "type":\n "object"}\n' >schema.json
	printf '{\n "x": 1}\n' >extra.json
	ft-prompt -q -m m -n --schema schema.json --extra @extra.json in.jsonl >asked
	[ "$(wc -l <asked)" -eq 1 ]
	jq -e '.body.x == 1' asked
	ft-prompt -q -m m --to-batch --schema schema.json --extra @extra.json in.jsonl >asked
	[ "$(wc -l <asked)" -eq 1 ]
	jq -e '.body.x == 1' asked
}

@test "--dry-run sends nothing and needs no key" {
	start_stub
	unset OPENAI_API_KEY
	rows 2 >in.jsonl
	status_is 0 ft-prompt -m m -n in.jsonl
	[ "$(jq -c '[.id, .body.model, .body.messages[0].content]' <<<"$output")" = '["1","m","question 1"]
["2","m","question 2"]' ]
	[ "$(state requests)" -eq 0 ]
}

@test "--stream gives the same answer and the time to its first token" {
	start_stub
	ask 'a longer text with é and 漢字 to cut'
	plain=$(jq -c '[.output, .finish_reason, .usage.completion_tokens]' <<<"$output")
	ask 'a longer text with é and 漢字 to cut' --stream
	[ "$(jq -c '[.output, .finish_reason, .usage.completion_tokens]' <<<"$output")" = "$plain" ]
	[ "$(jq '.ttft > 0 and .ttft <= .latency' <<<"$output")" = true ]
	ask 'stub{drop=middle;times=1} broken off' --stream
	[ "$(jq -c '[.output, .attempts]' <<<"$output")" = '[" broken off",2]' ]
}

# both NAME - asks for the answers in NAME.json and in NAME.sse, which must give the same record, in $one; so must a stream that was
# not asked for.
both() {
	local less='del(.messages, .latency, .ttft, .request_id)'
	ask "stub{file=$PWD/$1.json}" "${@:2}"
	one=$(jq -cS "$less" <<<"$output")
	ask "stub{file=$PWD/$1.sse;type=text/event-stream}" --stream "${@:2}"
	[ "$(jq -cS "$less" <<<"$output")" = "$one" ] || { echo "$output $one"; false; }
	ask "stub{file=$PWD/$1.sse;type=text/event-stream}" "${@:2}"
	[ "$(jq -cS "$less" <<<"$output")" = "$one" ] || { echo "$output $one"; false; }
}

@test "what a model does not take is left out or renamed: one more request a run, said once, in the cache's key" {
	rows 40 >in.jsonl
	how=(-m m -T 0.2 --top-p 0.9 --stop END --max-tokens 20 --reasoning-effort low -j 16)
	start_stub --log log --fault refuse=temperature,max_tokens,stop,top_p
	status_is 0 ft-prompt "${how[@]}" --cache c.db in.jsonl
	[ "$(jq -r .output <<<"$output" | grep -c question)" -eq 40 ]
	# One for each of the four that it refuses.
	[ "$(state requests)" -eq 44 ]
	[ "$(jq -s 'map(.attempts) | [min, max]' <<<"$output" | jq -c .)" = '[1,5]' ]
	for what in 'without temperature' 'with max_completion_tokens for max_tokens' 'without stop' 'without top_p'; do
		[ "$(grep -c "m is asked $what from here on" <<<"$stderr")" -eq 1 ]
	done
	grep -qF '"max_completion_tokens":20,"reasoning_effort":"low"}' log
	# The same again asks nothing and says why; what was never asked of this cache is another question.
	status_is 0 ft-prompt "${how[@]}" --cache c.db in.jsonl
	[ "$(state requests)" -eq 44 ]
	[ "$(jq -r .cached <<<"$output" | sort | uniq -c | tr -s ' ')" = ' 40 true' ]
	[[ $stderr == *"as an earlier run with this cache found"* ]]
	status_is 0 ft-prompt -m m --max-tokens 20 --reasoning-effort low --cache c.db in.jsonl
	[ "$(state requests)" -eq 44 ]
	status_is 0 ft-prompt -m m --reasoning-effort low --cache c.db in.jsonl
	[ "$(state requests)" -eq 84 ]
	stop_stub
	# What the user wrote for this server stays; a number out of its range is no such thing; nor are two refusals of one limit.
	start_stub --fault refuse=temperature,max_tokens,max_completion_tokens
	status_is 3 ft-prompt -m m --extra '{"temperature":1}' -q in.jsonl
	[ "$(jq -c '[.error.type, .error.status, .attempts]' <<<"$output" | sort -u)" = '["http",400,1]' ]
	before=$(state requests)
	status_is 3 ft-prompt -m m --max-tokens 9 in.jsonl
	[ "$(jq -c '.error.status' <<<"$output" | sort -u)" = 400 ]
	[ "$(state requests)" -le $((before + 41)) ]
	status_is 0 ft-prompt -m m -T none in.jsonl
	[ "$stderr" = "${stderr/from here on/}" ]
	status_is 2 ft-prompt -m m -T cold in.jsonl
	[[ $stderr == *"not a number, nor none"* ]]
	stop_stub
	start_stub --log alog --fault refuse=temperature,top_p
	export ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=$STUB_URL
	for effort in '"output_config":{"effort":"high"}' '"thinking":{"type":"disabled"}'; do
		[[ $effort == *high* ]] && level=high || level=none
		status_is 0 ft-prompt -m m --api anthropic -T 0 --top-p 0.9 --reasoning-effort $level in.jsonl
		[ "$(jq -r .output <<<"$output" | grep -c question)" -eq 40 ]
		grep -qF "$effort" alog
	done
	[ "$(state requests)" -eq 84 ]
}

@test "what is said of a refused parameter quotes the server in one line and without the key" {
	echo '{"error":{"message":"Unsupported parameter: '"'temperature'"', key sk-test-key\n\u001b[31mred",
		"param":"temperature"}}' >refuse.json
	start_stub --fault "status=400;file=$PWD/refuse.json;times=1"
	rows 1 >in.jsonl
	status_is 0 ft-prompt -m m -T 0 in.jsonl
	[ "$(grep -c 'is asked without temperature' <<<"$stderr")" -eq 1 ]
	[[ $stderr != *sk-test-key* ]]
	[[ $stderr != *$'\e'* ]]
	stop_stub
	start_stub --fault "status=429;retry-after=50;echo=1"
	ft-prompt -m m in.jsonl >out 2>said &
	pid=$!
	await [ -s said ]
	kill -KILL $pid
	wait $pid || true
	grep -q 'nothing can be asked' said
	run ! grep -q sk-test-key said
}

@test "a model that refuses only on the tenth row: the rest is asked without, and it is said that nine were not" {
	start_stub
	{
		rows 9
		rows 5 'stub{refuse=temperature} late'
	} | jq -c '.id = "\(input_line_number)"' >in.jsonl
	status_is 0 ft-prompt -m m -T 0 -j 1 in.jsonl
	[ "$(wc -l <<<"$output")" -eq 14 ]
	[ "$(state requests)" -eq 15 ]
	[[ $stderr == *"without temperature from here on"*"; the 9 answers before were given otherwise"* ]]
}

@test "a model that is not there, and a schema that the provider refuses, end the run early with one sentence" {
	rows 200 >in.jsonl
	echo '{"error":{"message":"The model `m` does not exist or you do not have access to it.","code":"model_not_found"}}' >model.json
	echo '{"type":"error","error":{"type":"not_found_error","message":"model: m not found"}}' >other.json
	echo '{"error":"model '"'m'"' not found"}' >third.json
	for name in model other third; do
		start_stub --fault "status=404;file=$PWD/$name.json"
		status_is 3 ft-prompt -m m -j 8 in.jsonl
		[ "$(state requests)" -le 8 ]
		[ "$(jq -c '[.error.type, .error.status]' <<<"$output" | sort | uniq -c | tr -s ' ')" = ' 200 ["http",404]' ]
		[ "$(grep -c 'http 404: 200' <<<"$stderr")" -eq 1 ]
		stop_stub
	done
	echo '{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}' >schema.json
	echo '{"error":{"message":"Invalid schema for response_format '"'answer'"': ...",
		"param":"response_format","code":null}}' >refuse.json
	for stream in "" --stream; do
		start_stub --fault "status=400;file=$PWD/refuse.json"
		status_is 3 ft-prompt -m m --schema schema.json -j 8 $stream in.jsonl
		[ "$(state requests)" -le 8 ]
		[ "$(jq -c '[.error.type, .error.status]' <<<"$output" | sort -u)" = '["schema",400]' ]
		[[ $stderr == *"the provider refuses the schema of --schema"* ]]
		stop_stub
	done
	# After an answer it may be a passing fault of one of many servers: it ends where a whole window fails in a row.
	start_stub
	{
		rows 1
		rows 199 "stub{status=404;file=$PWD/model.json} gone"
	} | jq -c '.id = "\(input_line_number)"' >late.jsonl
	status_is 3 ft-prompt -m m -j 4 late.jsonl
	[ "$(wc -l <<<"$output")" -eq 200 ]
	[ "$(state requests)" -le 12 ]
}

@test "an answer gives the same record streamed and not, whatever the server's habits" {
	start_stub
	{
		printf '\xef\xbb\xbf'
		echo '{"model":"m","choices":[{"message":{"content":"😀!","reasoning":"hm"},"finish_reason":"stop"}]}'
	} >text.json
	printf '\xef\xbb\xbf: wait\r\rdata:{"model":"m","choices":\r' >text.sse
	printf 'data:%s\r\r' '[{"delta":{"reasoning":"hm","content":"\ud83d"}}]}' \
		'{"choices":[{"delta":{"content":[{"type":"text","text":"\ude00!"}]}}]}' \
		'{"choices":[{"message":{},"finish_reason":"stop"}]}' >>text.sse
	both text
	[ "$(jq -c '[.output, .reasoning, .finish_reason]' <<<"$one")" = '["😀!","hm","stop"]' ]

	call() { printf '{"index":0,"id":"%s","function":{"name":"get","arguments":"%s"}}' "$@"; }
	printf '{"choices":[{"message":{"content":null,"tool_calls":[%s,%s]},"finish_reason":"tool_calls"}]}' \
		"$(call a 1)" "$(call b 2)" >calls.json
	printf 'data: {"choices":[{"delta":{"tool_calls":[%s]}}]}\n\n' "$(call a 1)" "$(call b 2)" >calls.sse
	printf 'data: {"choices":[{"delta":{},"finish_reason":"tool_calls"}]}\n\ndata: [DONE]\n\n' >>calls.sse
	both calls
	[ "$(jq -c '[.tool_calls[] | [.id, .function.name, .function.arguments]]' <<<"$one")" = '[["a","get","1"],["b","get","2"]]' ]

	block='{"type":"tool_use","id":"t","name":"get","input":{"x":1}}'
	echo '{"content":['"$block"'],"stop_reason":"tool_use","usage":{"output_tokens":2}}' >tool.json
	printf 'data: %s\n\n' '{"type":"message_start","message":{"content":[]}}' \
		'{"type":"content_block_start","index":0,"content_block":'"$block}" \
		'{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}}' \
		'{"type":"message_stop"}' >tool.sse
	ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=$STUB_URL both tool --api anthropic
	[ "$(jq -c '.tool_calls[0].function.arguments' <<<"$one")" = '"{\"x\":1}"' ]
}

@test "an event that is not understood is an error, and no cache keeps it" {
	start_stub
	for event in 'data: {"answer":"i"}' 'data: {"choices":[{"delta":{"content":7}}]}' 'data: oops' 'oops, no answer' 'data: 1' \
		$'data: {"choices":[{"delta":{"content":"\xc3"}}]}'; do
		printf '%s\n\n' 'data: {"choices":[{"delta":{"content":"h"}}]}' "$event" \
			'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}' >odd.sse
		ask "stub{file=$PWD/odd.sse;type=text/event-stream}" --stream --retries 0 --cache odd.db
		[ "$status" -eq 3 ]
		[ "$(jq -c '[.error.type, .error.output[:1], .cached]' <<<"$output")" = '["bad_answer","h",null]' ]
	done
	[ "$(state requests)" -eq 6 ]
}

@test "reasoning without an answer, a provider that breaks off, status 201, an error in an array" {
	start_stub
	echo '{"choices":[{"message":{"reasoning_content":"hm","content":null},"finish_reason":"stop"}]}' >thought.json
	printf 'data: %s\n\n' '{"choices":[{"delta":{"role":"assistant","content":""}}]}' \
		'{"choices":[{"delta":{"reasoning_content":"hm"}}]}' '{"choices":[{"delta":{},"finish_reason":"stop"}]}' >thought.sse
	both thought
	[ "$(jq -c '[.error.type, .reasoning, .output]' <<<"$one")" = '["empty","hm",null]' ]
	why='"finish_reason":"error","error":{"message":"no","code":502}'
	echo '{"choices":[{"message":{"content":"part"},'"$why}]}" >error.json
	printf 'data: %s\n\n' '{"choices":[{"delta":{"content":"part"},'"$why}]}" >error.sse
	both error --retries 1
	[ "$(jq -c '[.error.type, .error.status, .error.output, .attempts]' <<<"$one")" = '["api",502,"part",2]' ]
	echo '[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]' >array.json
	ask "stub{file=$PWD/array.json}" --retries 1
	[ "$(jq -c '[.error.type, .error.status, .error.message, .attempts]' <<<"$output")" = '["api",503,"busy",2]' ]
	echo '{"choices":[{"message":{"content":"made"},"finish_reason":"stop"}]}' >made.json
	ask "stub{status=201;file=$PWD/made.json}"
	[ "$(jq -c '[.output, .error]' <<<"$output")" = '["made",null]' ]
}

@test "--strip-reasoning takes <think> out of the output, for the schema too, and leaves the cache as it was" {
	start_stub
	ask 'stub{say=<think> hm </think> 4} x' --cache c.db
	[ "$(jq -c '[.output, .reasoning]' <<<"$output")" = '["<think> hm </think> 4","hm"]' ]
	ask 'stub{say=<think> hm </think> 4} x' --cache c.db --strip-reasoning
	[ "$(jq -c '[.output, .reasoning, .cached]' <<<"$output")" = '["4","hm",true]' ]
	ask 'stub{say=<think> hm </think> 5} x' --cache c.db --strip-reasoning
	ask 'stub{say=<think> hm </think> 5} x' --cache c.db
	[ "$(jq -c '[.output, .reasoning, .cached]' <<<"$output")" = '["<think> hm </think> 5","hm",true]' ]
	ask 'stub{say=hm</think>4} x' --strip-reasoning
	[ "$(jq -c '[.output, .reasoning]' <<<"$output")" = '["4","hm"]' ]
	ask 'stub{say=say <think> as </think> you like} x' --strip-reasoning
	[ "$(jq -c '[.output, .reasoning]' <<<"$output")" = '["say <think> as </think> you like",null]' ]
	for say in '<think>hm</think>' '<think>hm'; do
		ask "stub{say=$say} x" --strip-reasoning
		[ "$(jq -c '[.error.type, .reasoning, .output]' <<<"$output")" = '["empty","hm",null]' ]
	done
	echo '{"choices":[{"message":{"content":"<think>hm</think>[1]"},"finish_reason":"stop"}]}' >list.json
	echo '{"type":"array"}' >schema.json
	ask "stub{file=$PWD/list.json}" --schema schema.json --strip-reasoning
	[ "$(jq -r .output <<<"$output")" = '[1]' ]
	ask "stub{file=$PWD/list.json}" --schema schema.json
	[ "$(jq -r .error.type <<<"$output")" = schema ]
}

@test "Anthropic's dialect looks the same in the record" {
	start_stub --key sk-ant --log log
	export ANTHROPIC_API_KEY=sk-ant ANTHROPIC_BASE_URL=$STUB_URL
	called='[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}]'
	printf '{"id":"a","messages":[%s,%s,%s,%s,%s],"tools":[%s]}\n' \
		'{"role":"system","content":"be brief"}' \
		'{"role":"user","content":"hi"}' \
		'{"role":"assistant","content":null,"tool_calls":'"$called}" \
		'{"role":"tool","tool_call_id":"t1","content":"42"}' \
		'{"role":"user","content":"so?"}' \
		'{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}' >in.jsonl
	status_is 0 ft-prompt -m claude --api anthropic --max-tokens 9 in.jsonl
	[ "$(jq -c '[.output, .finish_reason, .model, .usage.input_tokens > 0]' <<<"$output")" = '["so?","stop","claude",true]' ]
	[ "$(jq -c .body log)" = "$(printf '{"model":"claude","max_tokens":9,"system":"be brief","messages":[%s,%s,%s,%s],"tools":[%s]}' \
		'{"role":"user","content":"hi"}' \
		'{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]}' \
		'{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"42"}]}' \
		'{"role":"user","content":"so?"}' \
		'{"name":"f","description":"d","input_schema":{"type":"object"}}')" ]
	[ "$(jq -r .key log)" = x-api-key ]
	[[ $(jq -r .request log) == "POST /v1/messages "* ]]
	ask 'stub{body=tool}' --api anthropic
	[ "$(jq -c '.tool_calls[0].function' <<<"$output")" = '{"name":"look_up","arguments":"{\"q\": 12345678901234567890}"}' ]
	ask 'streamed words' --api anthropic --stream
	[ "$(jq -c '[.output, .finish_reason, .ttft > 0]' <<<"$output")" = '["streamed words","stop",true]' ]
	echo '{"type":"object","properties":{"due":{"type":"string"}},"required":["due"]}' >schema.json
	ask 'when' --api anthropic --schema schema.json
	[ "$(jq -r .output <<<"$output")" = '{"due":"when"}' ]
}

@test "a cache answers what was answered before, and nothing else" {
	start_stub
	rows 20 >in.jsonl
	status_is 0 ft-prompt -m m --cache c.db in.jsonl
	first=$(jq -c '[.id, .output, .usage]' <<<"$output")
	status_is 0 ft-prompt -m m --cache c.db in.jsonl
	[ "$(jq -c '[.id, .output, .usage]' <<<"$output")" = "$first" ]
	[ "$(jq -c .cached <<<"$output" | sort -u)" = true ]
	[ "$(state requests)" -eq 20 ]
	FT_CACHE=c.db status_is 0 ft-prompt -m m -T 1 in.jsonl
	[ "$(state requests)" -eq 40 ]
	ask 'stub{body=length}' --cache c.db
	ask 'stub{body=length}' --cache c.db
	[ "$(state requests)" -eq 42 ]
	status_is 2 ft-prompt -m m --cache '' in.jsonl
	[[ $stderr == *"--cache needs the name of a file"* ]]
	[ "$(state requests)" -eq 42 ]
	sqlite3 other.db 'create table t (x)' 2>/dev/null || skip "no sqlite3 shell"
	ask hi --cache other.db
	[ "$status" -eq 2 ]
	[[ $stderr == *"no cache of ft"* ]]
}

@test "indented JSON that an old cache holds makes no record of two lines" {
	start_stub
	sqlite3 :memory: '' || skip "no sqlite3 shell"
	ask 'stub{body=tool}' --cache c.db
	whole=$(jq -cS 'del(.cached, .attempts)' <<<"$output")
	sqlite3 c.db 'select answer from answers' | jq . >indented
	[ "$(wc -l <indented)" -gt 10 ]
	sqlite3 c.db "update answers set answer = cast(readfile('indented') as text)"
	ask 'stub{body=tool}' --cache c.db
	[ "$(wc -l <<<"$output")" -eq 1 ]
	[ "$(jq .cached <<<"$output")" = true ]
	[ "$(jq -cS 'del(.cached, .attempts)' <<<"$output")" = "$whole" ]
}

@test "with a cache, equal questions in hand are asked once; all take the answer, or the error" {
	start_stub --delay 100
	jq -nc 'range(40) | {id: "\(.)", n: ., messages: [{role: "user", content: "question \(. % 4)"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -T 1 -j 40 --cache c.db in.jsonl
	[ "$(jq -c '[.id, .output == "question \(.n % 4)"]' <<<"$output")" = "$(seq 0 39 | sed 's/.*/["&",true]/')" ]
	[ "$(jq -c 'select(.cached) | .attempts' <<<"$output" | sort | uniq -c | tr -s ' ')" = ' 36 null' ]
	[ "$(state requests)" -eq 4 ]
	[[ $stderr == *"40 answers (36 from the cache), 0 errors, 4 requests"* ]]
	# Without a cache each is asked.
	status_is 0 ft-prompt -m m -T 1 -j 40 in.jsonl
	[ "$(state requests)" -eq 44 ]
	jq -nc 'range(3) | {id: "\(.)", messages: [{role: "user", content: "stub{status=400}"}]}' >in.jsonl
	status_is 3 ft-prompt -m m --cache c.db in.jsonl
	[ "$(jq -c '[.error.type, .error.status, has("output"), has("cached")]' <<<"$output" | sort -u)" = '["http",400,false,false]' ]
	[ "$(state requests)" -eq 45 ]
	jq -nc 'range(3) | {id: "\(.)", messages: [{role: "user", content: "stub{body=length}cut"}]}' >in.jsonl
	status_is 0 ft-prompt -m m --cache c.db in.jsonl
	[ "$(jq -c '[.output, .finish_reason]' <<<"$output" | sort -u)" = '["cut","length"]' ]
	[ "$(state requests)" -eq 46 ]
}

@test "headers of one's own go along, from a file too, and win over ours; none of them is shown" {
	start_stub --key gateway-secret --log log
	unset OPENAI_API_KEY
	echo '{"id":"a","messages":[{"role":"user","content":"hi"}]}' >in.jsonl
	printf 'X-Title: a run\n\napi-key: gateway-secret\n' >headers.txt
	status_is 0 ft-prompt -m m -H @headers.txt -H 'content-type: application/json; charset=utf-8' in.jsonl
	status_is 0 ft-prompt -m m -H @headers.txt --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(jq -r .key log | sort -u)" = api-key ]
	for bad in 'no colon, a secret' ': x' 'a b: c' @none.txt; do
		status_is 2 ft-prompt -m m --header "$bad" in.jsonl
		[[ $stderr == *--header* ]]
		[[ $stderr != *secret* ]]
	done
}

@test "--max-cost is never passed; unknown prices are null" {
	start_stub
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01, "max_output_tokens": 50}}' >prices.json
	rows 40 >in.jsonl
	status_is 3 ft-prompt -m m --prices prices.json --max-cost 1 -j 4 in.jsonl
	[ "$(jq -s '[.[].cost // 0] | add <= 1' <<<"$output")" = true ]
	[ "$(jq -r '.error.type // "ok"' <<<"$output" | sort -u)" = 'max_cost
ok' ]
	[ "$(curl -s "${STUB_URL%/v1}/stub/state" | jq '.prompt_tokens * 0.001 + .completion_tokens * 0.01 <= 1
		and .answered > 10')" = true ]
	status_is 2 ft-prompt -m other --prices prices.json --max-cost 2 in.jsonl
	[[ $stderr == *"price of other"* ]]
	status_is 2 ft-prompt -m m --prices prices.json --max-cost 2 --extra '{"model": "other"}' in.jsonl
	[[ $stderr == *"not by --extra"* ]]
	# Without a limit it is what --extra names that is paid for.
	jq -n '{m: {input_cost_per_token: 0.001, output_cost_per_token: 0.01}, dear: {input_cost_per_token: 1, output_cost_per_token: 1,
		input_cost_per_token_batches: 0.5, output_cost_per_token_batches: 0.5}}' >both.json
	rows 1 hi >one.jsonl
	dear=(-m m --prices both.json --extra '{"model": "dear"}')
	status_is 0 ft-prompt "${dear[@]}" one.jsonl
	[ "$(jq '.cost == .usage.total_tokens and .cost > 0' <<<"$output")" = true ]
	status_is 0 ft-prompt "${dear[@]}" --batch st.json --batch-poll 0.05 one.jsonl
	[ "$(jq '.cost == .usage.total_tokens / 2 and .cost > 0' <<<"$output")" = true ]
	status_is 0 ft-prompt "${dear[@]}" --max-tokens 7 -n one.jsonl
	bytes=$(jq -c .body <<<"$output" | tr -d '\n' | wc -c)
	[[ $stderr == *"at most \$$((bytes / 4 + 7)).0000 "* ]]
	status_is 0 ft-prompt -m m --prices both.json --extra '{"model": "new"}' one.jsonl
	[[ $stderr == *"price of new is not in"* ]]
	status_is 0 ft-prompt -m other --prices prices.json in.jsonl
	[ "$(jq -c .cost <<<"$output" | sort -u)" = null ]
	[[ $stderr == *"price of other is not in"* ]]
	[[ $stderr == *"cost: unknown"* ]]
}

@test "--max-cost is never passed, however the provider counts; cost is what it bills" {
	# The prices that the stub bills at. It reasons beyond --max-tokens as it likes; OpenRouter's half again stands in no file.
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01, "cache_read_input_token_cost": 0.0001,
		"cache_creation_input_token_cost": 0.00125}}' >prices.json
	rows 25 'a question of some length, as people ask' >in.jsonl
	for kind in openai 'openai;cached=9' 'anthropic;cached=400;written=90' xai 'xai;cached=5;hidden=300' 'deepseek;cached=8' \
		openrouter gemini 'gemini;hidden=200'; do
		start_stub --fault "usage=$kind;reasoning=40;tokens=8;delay=5"
		export ANTHROPIC_API_KEY=k ANTHROPIC_BASE_URL=$STUB_URL
		[[ $kind == anthropic* ]] && api=anthropic || api=openai
		for how in "" --stream; do
			before=$(state billed)
			status_is 3 ft-prompt -m m --api "$api" --prices prices.json --max-tokens 10 --max-cost 5 -j 4 $how in.jsonl
			billed=$(jq -n "$(state billed) - $before")
			[ "$(jq -n "$billed <= 5 and $billed > 3")" = true ]
			[ "$(jq -s "([.[].cost // 0] | add) - $billed | fabs < 1e-9" <<<"$output")" = true ]
			[ "$(jq -r '.error.type // "ok"' <<<"$output" | sort -u | paste -sd ' ')" = 'max_cost ok' ]
			[[ $kind == xai || $kind == openrouter ]] || break
		done
		stop_stub
	done
}

@test "what a spent --max-cost refuses is refused at once, and counts that contradict each other cost nobody knows what" {
	start_stub --fault 'usage=odd'
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01, "max_output_tokens": 9}}' >prices.json
	rows 400 >in.jsonl
	# A quarter of a second for each row would be 100 s.
	run --separate-stderr timeout 50 ft-prompt -m m --prices prices.json --max-cost 1 -j 1 in.jsonl
	[ "$status" -eq 3 ]
	[[ $stderr == *'contradict each other'* ]]
	[ "$(jq -rc '[.cost, .error.type]' <<<"$output" | sort -u | paste -sd ' ')" = '[null,"max_cost"] [null,null]' ]
	[ "$(jq -n "$(state billed) <= 1 and $(state answered) >= 2")" = true ]
}

@test "what a spent --max-cost refuses waits neither for --rpm nor for the server's limits" {
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01, "max_output_tokens": 9}}' >prices.json
	rows 200 >in.jsonl
	# One a minute: the second would wait for 60 s, longer than the run may last.
	start_stub
	status_is 3 timeout 40 ft-prompt -q -m m --prices prices.json --max-cost 0.185 --rpm 1 in.jsonl
	[ "$(jq -r '.error.type // "ok"' <<<"$output" | sort | uniq -c | tr -s ' ' | paste -sd ' ')" = ' 199 max_cost  1 ok' ]
	stop_stub
	start_stub --fault 'remaining=0;reset=55'
	status_is 3 timeout 40 ft-prompt -q -m m --prices prices.json --max-cost 0.185 in.jsonl
	[ "$(jq -r '.error.type // "ok"' <<<"$output" | sort | uniq -c | tr -s ' ' | paste -sd ' ')" = ' 199 max_cost  1 ok' ]
}

@test "a cache that takes no more, as on a full disk, keeps no answer from being written, and is told of once" {
	start_stub
	jq -nc 'range(60) | {id: "\(.)", messages: [{role: "user", content: ("a question \(.) " * 300)}]}' >in.jsonl
	ft-prompt -q -m m in.jsonl >whole.jsonl
	# A ceiling on the size of files stands in for the disk; pipes have none.
	(
		trap "" XFSZ
		ulimit -f 150
		ft-prompt -m m --cache c.db in.jsonl 2>err
	) | cat >out.jsonl
	cmp <(jq -r .output out.jsonl) <(jq -r .output whole.jsonl)
	[ "$(grep -c 'cache c.db:' err)" -eq 1 ]
	grep -q 'paid for again' err
	# What was kept is found again, the rest is asked.
	ft-prompt -q -m m --cache c.db in.jsonl >out.jsonl
	jq -es 'map(select(.cached)) | length > 0 and length < 60' out.jsonl
	cmp <(jq -r .output out.jsonl) <(jq -r .output whole.jsonl)
}

@test "--dry-run foresees tokens and cost" {
	start_stub
	echo '{"m": {"input_cost_per_token": 0.001, "output_cost_per_token": 0.01}}' >prices.json
	rows 2 >in.jsonl
	status_is 0 ft-prompt -m m -n --prices prices.json --max-tokens 10 in.jsonl
	bytes=$(jq -c .body <<<"$output" | tr -d '\n' | wc -c)
	[[ $stderr == *"2 requests with about $((bytes / 4)) tokens in, at most 20 out"* ]]
	[[ $stderr == *"at most \$0.2"* ]]
	status_is 0 ft-prompt -m m -n in.jsonl
	[[ $stderr == *"cost: unknown"* ]]
}

@test "a record is answered before the next one is there" {
	start_stub
	mkfifo pipe
	ft-prompt -q -m m <pipe >out.jsonl 3>&- &
	pid=$!
	exec 9>pipe
	rows 1 >&9
	await [ -s out.jsonl ]
	[ "$(jq -r .output out.jsonl)" = 'question 1' ]
	exec 9>&-
	wait "$pid"
}

pool() {
	jq -nc '{p1: ["where is my parcel, it is late", "delivery"], p2: ["I was charged twice for the same invoice", "billing"],
		p3: ["cannot log in", "account"], p4: ["charged twice again", "billing!"], p5: ["how do I close it", "account"],
		p6: ["the courier never came", "delivery"]}
		| to_entries[] | {id: .key, messages: (.value | [{role: "user", content: .[0]}, {role: "assistant", content: .[1]}])}
		| if .id == "p1" then .messages |= [{role: "system", content: "no"}] + . else . end
		| if .id == "p4" then del(.messages[1]) | .ideal = ["billing!", "b"] else . end' >pool.jsonl
}

turns() {
	jq -c '[.body.messages[].content]' <<<"$output"
}

@test "examples go between the system turn and the question: first, random, nearest" {
	start_stub
	pool
	asked='"charged twice \"AND\" for the invoice"'
	twice='"I was charged twice for the same invoice","billing"'
	echo '{"id":"q","messages":[{"role":"system","content":"S"},{"role":"user","content":'"$asked}]}" >in.jsonl
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 2 in.jsonl
	[ "$(turns)" = '["S","where is my parcel, it is late","delivery",'"$twice,$asked]" ]
	[ "$(jq -c '[.body.messages[].role]' <<<"$output")" = '["system","user","assistant","user","assistant","user"]' ]
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 2 --select bm25 in.jsonl
	[ "$(turns)" = '["S","charged twice again","billing!",'"$twice,$asked]" ]
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 3 --select random --seed 1 in.jsonl
	first=$(turns)
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 3 --select random --seed 1 pool.jsonl in.jsonl
	[ "$(turns | tail -n 1)" = "$first" ]
	for s in 2 3 4 5; do ft-prompt -m m -n -e pool.jsonl -k 3 --select random --seed $s in.jsonl | jq -c .body.messages; done |
		sort -u >others
	[ "$(wc -l <others)" -gt 1 ]
}

@test "a record is never its own example, nor is a near-duplicate where asked" {
	start_stub
	pool
	for how in first random bm25; do
		status_is 0 ft-prompt -m m -n -e pool.jsonl -k 5 --select $how pool.jsonl
		[ "$(jq -c '.body.messages | [.[] | select(.role == "user") | .content]
			| length == (unique | length)' <<<"$output" | sort -u)" = true ]
		[ "$(jq -c '.body.messages | length >= 11' <<<"$output" | sort -u)" = true ]
	done
	# Another id, the same input: still itself.
	echo '{"id":"q","messages":[{"role":"user","content":"cannot log in"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 9 in.jsonl
	[ "$(turns | grep -o 'cannot log in' | wc -l)" -eq 1 ]
	echo '{"id":"q","messages":[{"role":"user","content":"I was charged twice for that same invoice"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 9 --avoid-near 0.3 in.jsonl
	refute grep -q 'for the same invoice' <<<"$output"
	grep -q 'charged twice again' <<<"$output"
}

@test "a template makes the examples' turns too; a pool without references is refused" {
	start_stub
	pool
	echo '{"id":"q","messages":[{"role":"user","content":"hm"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -n -e pool.jsonl -k 1 -t '<{{.messages[-1].content}}>' in.jsonl
	[ "$(turns)" = '["<delivery>","delivery","<hm>"]' ]
	status_is 2 ft-prompt -m m -n -e in.jsonl in.jsonl
	[[ $stderr == *in.jsonl:1:*reference* ]]
	status_is 2 ft-prompt -m m -n -e pool.jsonl -t '{{nope}}' in.jsonl
	[[ $stderr == *pool.jsonl:1:*.nope* ]]
}

@test "--context puts the nearest documents where the template says" {
	start_stub
	printf '%s\n' '{"text":"Invoices: 30 days."}' '{"text":"A parcel takes three days."}' '{"text":"Passwords expire."}' \
		'{"text":"Parcel and courier: see tracking."}' >docs.jsonl
	echo '{"id":"q","messages":[{"role":"user","content":"where is the parcel"}]}' >in.jsonl
	status_is 0 ft-prompt -m m -n --context docs.jsonl --context-k 2 -t 'D: {{context}}
Q: {{.messages[0].content}}' in.jsonl
	[ "$(jq -r '.body.messages[0].content' <<<"$output")" = 'D: A parcel takes three days.

Parcel and courier: see tracking.
Q: where is the parcel' ]
	status_is 2 ft-prompt -m m -n --context docs.jsonl -t 'no place' in.jsonl
	[[ $stderr == *"{{context}}"* ]]
	echo '{"title":"x"}' >>docs.jsonl
	status_is 2 ft-prompt -m m -n --context docs.jsonl -t '{{context}}' in.jsonl
	[[ $stderr == *docs.jsonl:5:* ]]
}

@test "--to-batch and --from-batch: results in any order are joined by custom_id" {
	start_stub
	rows 3 >in.jsonl
	echo '{"messages":[{"role":"user","content":"same"}]}' >>in.jsonl
	echo '{"messages":[{"role":"user","content":"same"}]}' >>in.jsonl
	status_is 0 ft-prompt -m m -T 0 --to-batch in.jsonl
	[ "$(jq -c '[.method, .url, .body.model, .body.temperature]' <<<"$output" | sort -u)" = '["POST","/v1/chat/completions","m",0]' ]
	ids=$(jq -r .custom_id <<<"$output")
	[ "$(head -n 3 <<<"$ids" | tr '\n' ' ')" = '1 2 3 ' ]
	[[ $(tail -n 1 <<<"$ids") == "$(sed -n 4p <<<"$ids")#2" ]]
	jq -c '{custom_id, response: {status_code: 200, request_id: "r",
				body: {model: "m-1", choices: [{message: {content: "A \(.custom_id)"}, finish_reason: "stop"}],
				usage: {prompt_tokens: 10, completion_tokens: 2}}}, error: null}' <<<"$output" | sed 2d | tac >results.jsonl
	jq -n '{m: {input_cost_per_token: 9, output_cost_per_token: 9, input_cost_per_token_batches: 0.5,
		output_cost_per_token_batches: 1}}' >prices.json
	status_is 3 ft-prompt -m m --from-batch results.jsonl --prices prices.json in.jsonl
	[ "$(jq -c '[.output, .cost, .error.type]' <<<"$output" | head -n 3)" = '["A 1",7,null]
[null,null,"batch"]
["A 3",7,null]' ]
	[[ $(jq -r .output <<<"$output" | tail -n 1) == "A "*"#2" ]]
	echo '{"type": "object"}' >schema.json
	status_is 3 ft-prompt -q -m m --from-batch results.jsonl --schema schema.json in.jsonl
	[ "$(jq -r .error.type <<<"$output" | sort | uniq -c | tr -s ' ' | tr '\n' ' ')" = ' 1 batch  4 schema ' ]
	[ "$(state requests)" -eq 0 ]
	rows 1 >two.jsonl
	rows 1 >>two.jsonl
	status_is 2 ft-prompt -m m --to-batch two.jsonl
	[[ $stderr == *two.jsonl:2:*"two records"* ]]
	status_is 0 ft-prompt -m m --to-batch -N 2 in.jsonl
	[ "$(jq -r .custom_id <<<"$output" | head -n 2 | tr '\n' ' ')" = '1/0 1/1 ' ]
}

@test "of several results to a request an answer wins over an error, in whatever order of files" {
	start_stub
	rows 3 >in.jsonl
	good() { printf '{"custom_id":"%s","response":{"status_code":200,"body":{"choices":[{"message":{"content":"%s"}}]}}}\n' "$@"; }
	bad() { printf '{"custom_id":"%s","response":{"status_code":500,"body":{"error":{"message":"%s"}}}}\n' "$@"; }
	{
		good 1 first
		bad 2 failed
		printf '{"custom_id":"3","response":null,"error":{"code":"batch_expired","message":"expired"}}\n'
	} >a.out
	{
		bad 1 later
		good 2 second
		bad 3 again
	} >b.out
	for order in "a b" "b a"; do
		status_is 3 ft-prompt -m m --from-batch "${order% *}.out" --from-batch "${order#* }.out" in.jsonl
		[ "$(jq -c '[.output, .error.type]' <<<"$output" | paste -sd ' ')" = '["first",null] ["second",null] [null,"batch"]' ]
	done
	good 1 newer >c.out
	: >nothing.out # a batch without errors has an empty file of them
	status_is 3 ft-prompt -m m --from-batch a.out --from-batch nothing.out --from-batch c.out in.jsonl
	[ "$(jq -r .output <<<"$output" | head -n 1)" = newer ]
	# Anthropic's form
	printf '{"custom_id":"%s","result":{"type":"%s"%s}}\n' 1 succeeded ',"message":{"content":[{"type":"text","text":"yes"}]}' \
		1 errored ',"error":{"type":"error","error":{"type":"api_error","message":"no"}}' 2 expired '' >d.out
	ANTHROPIC_API_KEY=k status_is 3 ft-prompt -m m --api anthropic -u "$STUB_URL" --from-batch d.out in.jsonl
	[ "$(jq -r .output <<<"$output" | head -n 1)" = yes ]
}

@test "a usage that no counter holds is no usage, and no sum of such is shown" {
	rows 3 >in.jsonl
	for n in 9223372036854775807 9223372036854775808 -9223372036854775808 1e300; do
		jq -c '{custom_id: .id, response: {status_code: 200, body: {choices: [{message: {content: "x"}}],
			usage: {prompt_tokens: "N", completion_tokens: "N", total_tokens: "N"}}}}' in.jsonl |
			sed "s/\"N\"/$n/g" >results.jsonl
		status_is 0 ft-prompt -m m --from-batch results.jsonl in.jsonl
		[[ $stderr == *"tokens: 0 in, 0 out; unknown for 3 answers"* ]]
	done
}

@test "a batch body that is a string, a BOM and an error in an array are read; text that is no JSON is told as the server's" {
	start_stub
	rows 4 >in.jsonl
	{
		printf '\xef\xbb\xbf'
		jq -nc '{custom_id: "1", response: {status_code: 200, body: ({choices: [{message: {content: "said"}}]} | tojson)}}'
		jq -nc '{custom_id: "2", response: {status_code: 400, body: [{error: {code: 400, message: "no such field"}}]}}'
		jq -nc '{custom_id: "3", response: {status_code: 200, body: "<html>busy</html>"}}'
		jq -nc '{custom_id: "4", response: {status_code: 200, body: [{error: {code: 503, message: "later"}}]}}'
	} >out.jsonl
	status_is 3 ft-prompt -m m --from-batch out.jsonl in.jsonl
	[ "$(jq -rc '.output // [.error.status, .error.message]' <<<"$output")" = 'said
[400,"no such field"]
[null,"the server'"'"'s body is text, and no JSON: <html>busy</html>"]
[null,"later"]' ]
}

@test "--label and a hash of the prompt stand in each answer, and ft-eval tells prompts apart by them" {
	start_stub
	rows 5 | jq -c '.messages[1].content = (.messages[0].content | ascii_upcase)' >in.jsonl
	status_is 0 ft-prompt -m m --label 'v "1"' --cache c.db in.jsonl
	cp <(printf '%s\n' "$output") one.jsonl
	[ "$(jq -r .prompt_label one.jsonl | sort -u)" = 'v "1"' ]
	status_is 0 ft-prompt -m m -t '{{messages[1].content}}' --label v2 in.jsonl
	cp <(printf '%s\n' "$output") two.jsonl
	hashes=$(jq -r .prompt_hash one.jsonl two.jsonl | sort -u)
	[ "$(grep -cE '^[0-9a-f]{16}$' <<<"$hashes")" -eq 2 ]
	# No part of what is asked; and an earlier label goes where none is given.
	status_is 0 ft-prompt -m m --cache c.db one.jsonl
	[ "$(jq -c '[.cached, has("prompt_label"), .prompt_hash]' <<<"$output" | sort -u)" = \
		"[true,false,\"$(jq -r .prompt_hash one.jsonl | head -n 1)\"]" ]
	status_is 0 ft-prompt -m m --to-batch in.jsonl
	[[ $output != *prompt_ha* ]]
	cat one.jsonl two.jsonl >both.jsonl
	status_is 2 ft-eval --compare model both.jsonl
	[[ $stderr == *"occurs twice"*"--label"*"--baseline-file"* ]]
	for path in prompt_label prompt_hash; do
		status_is 0 ft-eval --json --compare "$path" both.jsonl
		[ "$(jq -c 'select(.group) | .metrics.exact.mean' <<<"$output" | paste -sd ' ')" = '0 1' ]
		[ "$(jq -c 'select(.diff) | [.diff, .wins]' <<<"$output")" = '[1,5]' ]
	done
	status_is 0 ft-eval --json --baseline-file one.jsonl two.jsonl
	# What makes the prompt makes the hash: examples by their bytes, documents, how many.
	hash() {
		status_is 0 ft-prompt -q -m m "$@" in.jsonl
		jq -r .prompt_hash <<<"$output" | head -n 1
	}
	jq -c '{id: ("e" + .id), messages}' in.jsonl >pool.jsonl
	{
		hash -s a
		hash -s b
		hash -t '{{id}}'
		hash -e pool.jsonl
		hash -e pool.jsonl -k 2
		hash -e pool.jsonl --select bm25
		jq -c '.more = 1' pool.jsonl >pool2.jsonl
		hash -e pool2.jsonl
	} >hashes
	[ "$(sort -u hashes | wc -l)" -eq 7 ]
	[ "$(hash -s a)" = "$(head -n 1 hashes)" ]
	[ "$(hash -e pool.jsonl -T 1)" = "$(sed -n 4p hashes)" ]
	[ "$(hash -e <(cat pool.jsonl))" = null ]
}

@test "Anthropic's batches: ids that it would refuse are sent as hashes, and joined again" {
	printf '%s\n' '{"id":"ok-1_A","messages":[{"role":"user","content":"a"}]}' \
		'{"id":"per diem/2","messages":[{"role":"user","content":"b"}]}' >in.jsonl
	status_is 0 ft-prompt -m claude --api anthropic --to-batch -N 2 in.jsonl
	[ "$(jq -r '.custom_id | test("^[a-zA-Z0-9_-]{1,64}$")' <<<"$output" | sort -u)" = true ]
	[ "$(jq -r .custom_id <<<"$output" | sort -u | wc -l)" -eq 4 ]
	jq -c '{custom_id, result: {type: "succeeded", message: {content: [{type: "text", text: "to \(.params.messages[0].content)"}],
				stop_reason: "end_turn", model: "claude", usage: {input_tokens: 1, output_tokens: 2}}}}' <<<"$output" |
		tac >results.jsonl
	status_is 0 ft-prompt -m claude --api anthropic --from-batch results.jsonl -N 2 in.jsonl
	[ "$(jq -c '[.id, .sample, .output]' <<<"$output" | tr -d '\n')" = \
		'["ok-1_A",0,"to a"]["ok-1_A",1,"to a"]["per diem/2",0,"to b"]["per diem/2",1,"to b"]' ]
	ANTHROPIC_API_KEY=k status_is 2 ft-prompt -m claude --api anthropic --batch st.json in.jsonl
	[[ $stderr == *"--to-batch and --from-batch"* ]]
	OPENAI_API_KEY=k status_is 2 ft-prompt -m m --stream --batch st.json in.jsonl
	[[ $stderr == *"--stream"* ]]
}

@test "Azure: a key for it never goes to OpenAI's address; its files and batches have Azure's paths" {
	echo '{"id":"a","messages":[{"role":"user","content":"hi"}]}' >in.jsonl
	AZURE_OPENAI_API_KEY=k status_is 2 ft-prompt -m gpt --api azure in.jsonl
	[[ $stderr == *AZURE_OPENAI_ENDPOINT* ]]
	start_stub --key az-key --log log
	unset OPENAI_BASE_URL OPENAI_API_KEY
	export AZURE_OPENAI_API_KEY=az-key AZURE_OPENAI_ENDPOINT=${STUB_URL%/v1}
	status_is 0 ft-prompt -m gpt --api azure in.jsonl
	status_is 0 ft-prompt -m gpt --api azure --api-version 2 --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(jq -r .key log | sort -u)" = api-key ]
	diff - <(jq -r '.request | split(" ")[1]' log | sed 's/-[0-9]*?/-N?/; s,-[0-9]*/,-N/,' | sort -u) <<-'END'
	/openai/batches/batch-N?api-version=2
	/openai/batches?api-version=2
	/openai/deployments/gpt/chat/completions?api-version=2024-10-21
	/openai/files/file-N/content?api-version=2
	/openai/files?api-version=2
	END
}

@test "--batch uploads, waits, fetches and joins; killed anywhere, it starts no batch twice" {
	start_stub --log log
	rows 4 >in.jsonl
	echo '{"id":"bad","messages":[{"role":"user","content":"stub{status=400}"}]}' >>in.jsonl
	status_is 3 ft-prompt -m m --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(jq -r '.output // .error.type' <<<"$output" | tr '\n' ' ')" = 'question 1 question 2 question 3 question 4 batch ' ]
	[ "$(grep -c 'POST /v1/batches' log)" -eq 1 ]
	# Again: nothing is asked anew.
	status_is 3 ft-prompt -m m --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(grep -c 'POST /v1/batches' log)" -eq 1 ]
	# Died before the batch's id was written down: it is found by its file.
	jq -c '.parts[0] |= (.batch = "" | .output = "" | .creating = true | .done = false)' st.json >x
	mv x st.json
	status_is 3 ft-prompt -m m --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(grep -c 'POST /v1/batches' log)" -eq 1 ]
	[ "$(jq -r '.output // .error.type' <<<"$output" | head -n 1)" = 'question 1' ]
	# Died in the middle of waiting.
	rm st.json
	timeout -s KILL 3 ft-prompt -m m --batch st.json --batch-poll 60 in.jsonl >/dev/null || true
	[ "$(jq -r '.parts[0].batch' st.json)" != "" ]
	status_is 3 ft-prompt -m m --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(grep -c 'POST /v1/batches' log)" -eq 2 ]
	rows 2 >other.jsonl
	status_is 2 ft-prompt -m m --batch st.json other.jsonl
	[[ $stderr == *"other requests"* ]]
	# Two at once: the second is told so, and nothing of the first is lost.
	ft-prompt -q -m m --batch two.json --batch-poll 1 other.jsonl >first.jsonl 3>&- &
	pid=$!
	await [ -s two.json ]
	status_is 2 ft-prompt -m m --batch two.json --batch-poll 1 other.jsonl
	[[ $stderr == *"in use by another process"* ]]
	wait $pid
	[ "$(wc -l <first.jsonl)" -eq 2 ]
	[ "$(grep -c 'POST /v1/batches' log)" -eq 3 ]
}

@test "a batch whose state is never one that is known ends with a sentence, and is looked at again by the same command" {
	rows 2 >in.jsonl
	for word in dreaming ''; do
		start_stub --fault "batch-state=$word" --log log
		status_is 2 timeout 60 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
		[[ $stderr == *"its state is \"$word\""* ]]
		stop_stub
		rm -f st.json*
	done
	start_stub --fault "batch-state=dreaming" --log log
	status_is 2 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
	port=${STUB_URL##*:}
	stop_stub
	start_stub --port "${port%/v1}" --log log2
	# The server has forgotten it; that it is asked for it, and for no new one, is what counts.
	status_is 2 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
	grep -q 'GET /v1/batches/batch-' log2
	run ! grep -q POST log2
}

@test "what a provider calls its files and batches becomes no other path, and is never cut short" {
	rows 2 >in.jsonl
	long=$(printf 'b%.0s' $(seq 300))
	for id in ../../../etc/x .. 'a b' 'x?y=1' 'a%2fb' "$(printf 'c%.0s' $(seq 1100))"; do
		for what in batch file; do
			start_stub --fault "$what-id=$id" --log log
			status_is 2 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
			[[ $stderr == *"is no id"* ]]
			run ! grep -q 'GET /v1/[^b]' log
			run ! grep -q 'GET /v1/batches/' log
			stop_stub
			rm -f st.json* log
		done
	done
	# One of 300 letters is asked for whole, also by a run that finds it in the state.
	start_stub --fault "batch-id=$long" --log log
	status_is 2 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
	[ "$(jq -r '.parts[0].batch' st.json)" = "$long" ]
	grep -q "GET /v1/batches/${long}[^b]" log
	# A state that somebody wrote is read as carefully.
	jq -c '.parts[0].batch = "../files/file-1/content"' st.json >x
	mv x st.json
	rm log
	status_is 2 ft-prompt -q -m m --batch st.json --batch-poll 0.01 in.jsonl
	[[ $stderr == *"st.json: batch: "*"is no id"* ]]
}

@test "two answers with one custom_id are named, an answer beside an error is not" {
	rows 3 >in.jsonl
	answer() {
		jq -nc --arg id "$1" --arg t "$2" '
			{finish_reason: "stop", message: {role: "assistant", content: $t}}
			| {object: "chat.completion", model: "m", choices: [.]}
			| {custom_id: $id, response: {status_code: 200, request_id: "r", body: .}}'
	}
	{
		answer 1 first
		answer 2 second
		answer 2 other
		jq -nc '{custom_id: "3", response: null, error: {code: "batch_expired", message: "late"}}'
		answer 3 third
	} >out
	status_is 0 ft-prompt -m m --from-batch out in.jsonl
	[ "$(jq -r .output <<<"$output" | paste -sd ' ')" = 'first other third' ]
	[[ $stderr == *"1 answer of the batch came to requests that had one already, the first to 2;"* ]]
	sed -i 3d out
	status_is 0 ft-prompt -m m --from-batch out in.jsonl
	[[ $stderr != *already* ]]
}

@test "--schema is sent, and an answer that does not match is an error that keeps it" {
	start_stub --log log
	jq -nc '{type: "object", properties: {due: {type: "string"}, n: {type: "integer", minimum: 2}}, required: ["due"],
		additionalProperties: false}' >schema.json
	ask 'tomorrow' --schema schema.json
	[ "$status" -eq 0 ]
	[ "$(jq -r .output <<<"$output")" = '{"due":"tomorrow","n":2}' ]
	[ "$(jq -c '.body.response_format.json_schema.schema' log)" = "$(cat schema.json)" ]
	ask 'stub{say={"due":1}' --schema schema.json --cache c.db
	[ "$status" -eq 3 ]
	[ "$(jq -c '[.error.type, .error.output, has("output")]' <<<"$output")" = '["schema","{\"due\":1",false]' ]
	ask 'stub{say=[]}' --schema schema.json
	[[ $(jq -r .error.message <<<"$output") == *"does not match the schema"* ]]
	echo '{"$ref":"http://x/y"}' >bad.json
	ask hi --schema bad.json
	[ "$status" -eq 2 ]
	[[ $stderr == *bad.json*http://x/y* ]]
}

@test "a schema that is not strict is sent as such with one sentence, or made strict; its nulls do not reach the record" {
	start_stub --log log --reply '{"name":"x","age":null,"tags":[{"t":"y","n":null}],"note":null}'
	echo '{"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},"note":{"type":["string","null"]},
		"tags":{"type":"array","items":{"type":"object","properties":{"t":{"type":"string"},"n":{"type":"number"}},
			"required":["t"]}}},
		"required":["name"]}' >schema.json
	rows 3 >in.jsonl
	status_is 3 ft-prompt -m m --schema schema.json in.jsonl
	[ "$(grep -c 'sent with strict false' <<<"$stderr")" -eq 1 ]
	[[ $stderr == *"#/properties/age may be left out"*"--strict-schema makes it strict"* ]]
	[ "$(jq -r .error.type <<<"$output" | sort -u)" = schema ]
	grep -qF '"strict":false' log
	for how in "" --stream; do
		# shellcheck disable=SC2086 # an option or none
		status_is 0 ft-prompt -m m --schema schema.json --strict-schema --cache c$how.db $how in.jsonl
		[[ $stderr != *strict* ]]
		[ "$(jq -r .output <<<"$output" | sort -u)" = '{"name":"x","tags":[{"t":"y"}],"note":null}' ]
		# shellcheck disable=SC2086 # an option or none
		status_is 0 ft-prompt -m m --schema schema.json --strict-schema --cache c$how.db $how in.jsonl
		[ "$(jq -c '[.cached, .output]' <<<"$output" | sort -u)" = \
			'[true,"{\"name\":\"x\",\"tags\":[{\"t\":\"y\"}],\"note\":null}"]' ]
	done
	[ "$(grep -cF '"strict":true' log)" -eq 6 ]
	[ "$(grep -oE '"required":\["name","age","note","tags"\],"additionalProperties":false' log | wc -l)" -eq 6 ]
	# In the Responses API too; a strict one is sent as it is, without a word.
	status_is 0 ft-prompt -n -m m --api responses --schema schema.json --strict-schema in.jsonl
	[ "$(jq -c '.body.text.format | [.strict, .schema.required]' <<<"$output" | sort -u)" = '[true,["name","age","note","tags"]]' ]
	echo '{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}' >strict.json
	status_is 0 ft-prompt -n -m m --schema strict.json in.jsonl
	[[ $stderr != *strict* ]]
	[ "$(jq -c .body.response_format.json_schema.schema <<<"$output" | sort -u)" = "$(cat strict.json)" ]
	echo '{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"number"}}},"required":["m"]}' >map.json
	status_is 2 ft-prompt -m m --schema map.json --strict-schema in.jsonl
	[[ $stderr == *"map.json cannot be made strict: #/properties/m is an object of any members"* ]]
	status_is 0 ft-prompt -n -m m --schema map.json in.jsonl
	[ "$(jq -c .body.response_format.json_schema.strict <<<"$output" | sort -u)" = false ]
	[[ $stderr == *"answers are checked here"* ]]
	[[ $stderr != *"makes it strict"* ]]
	status_is 2 ft-prompt -m m --strict-schema in.jsonl
	ANTHROPIC_API_KEY=k status_is 0 ft-prompt -n -m m --api anthropic --schema schema.json in.jsonl
	[[ $stderr != *strict* ]]
}

@test "ways that exclude each other, and options of another way, are refused" {
	echo '{"id":"1"}' >in.jsonl
	while read -r option others; do
		# shellcheck disable=SC2086
		status_is 2 ft-prompt -m m $others in.jsonl
		[[ $stderr == *"${option//./ }"* ]]
	done <<-EOF
		--to-batch.does.not.go.with.--dry-run --to-batch -n
		--from-batch.does.not.go.with.--to-batch --to-batch --from-batch r
		--batch.does.not.go.with.--from-batch --batch s --from-batch r
		--batch.does.not.go.with.--dry-run --batch s -n
		--batch-poll.goes.with.--batch --batch-poll 30
		--unmerged.goes.with.--adapter --unmerged
	EOF
}
