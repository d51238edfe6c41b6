#!/usr/bin/env bats
# ft-serve between a client and the test server: what passes, what is written down, who is asked, and what
# neither a full disk nor a hanging candidate nor a hostile client may do.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load serve

# start_second ARGS... - a second test server; sets STUB2_PID, STUB2_URL.
start_second() {
	rm -f stub2.port # or the last one's would be read
	stub-chat "$@" --port-file stub2.port 3>&- >stub2.log 2>&1 &
	STUB2_PID=$!
	STUB2_URL=http://127.0.0.1:$(port_of stub2.port)/v1
}

teardown() {
	stop "${SERVE_PID:-}"
	stop "${STUB2_PID:-}"
	stop_stub
}

# body TEXT [MEMBERS] - a chat request whose last turn is the text.
body() {
	jq -nc --arg t "$1" --argjson m "${2:-{\}}" '{model: "m", messages: [{role: "user", content: $t}]} + $m'
}

# ask TEXT [MEMBERS [CURL OPTION...]] - asks through ft-serve.
ask() {
	curl -sS -m "$(patience 60)" "${@:3}" "$SERVE/v1/chat/completions" \
		-H 'Content-Type: application/json' -d "$(body "$1" "${2:-{\}}")"
}

# has_lines N PATTERN - whether the files of this pattern have N lines or more.
has_lines() {
	# shellcheck disable=SC2086 # a pattern
	[ "$(cat $2 | wc -l)" -ge "$1" ]
}

# wait_for N PATTERN - waits until the files of this pattern, which may not be there yet, have N lines.
wait_for() {
	await has_lines "$@"
}

# ended PID STATUS - waits for a process in the background, which ends with this status.
ended() {
	local status=0
	wait "$1" || status=$?
	[ "$status" -eq "$2" ]
}

metric() {
	curl -sS "$SERVE/metrics" | awk -v m="ft_serve_$1" '$1 == m { print $2 }'
}

in_flight() {
	[ "$(metric in_flight)" = "$1" ]
}

routes() {
	jq -n --arg a "${STUB_URL:-}" --arg b "${STUB2_URL:-}" "$1" >routes.json
}

# --- passing on ---

@test "a client gets what the target sent, byte for byte, and a record is written" {
	start_stub --log "$TMP/stub.jsonl"
	start_serve -u "$STUB_URL" -o log
	local said f
	for said in plain 'stub{body=tool}' 'stub{status=429;remaining=7;reset=3}' 'stub{body=refusal}' \
		'stub{status=429;retry-after=7}' 'stub{status=500}' 'stub{body=html}' 'stub{body=garbage}' 'stub{size=300000}'; do
		body "$said" >request
		for stream in false true; do
			jq -c ".stream = $stream" request >request.json
			curl -sS -D direct.head -o direct "$STUB_URL/chat/completions" -d @request.json
			curl -sS -D through.head -o through "$SERVE/v1/chat/completions" -d @request.json
			# the server counts its answers
			sed -i 's/chatcmpl-[0-9]*//' direct through
			cmp direct through
			[ "$(awk 'NR == 1 { print $2 }' direct.head)" = "$(awk 'NR == 1 { print $2 }' through.head)" ]
			[ "$(grep -ci '^x-request-id: req-' direct.head)" -eq "$(grep -ci '^x-request-id: req-' through.head)" ]
			for f in direct through; do
				sed '1d; s/\r$//; s/^[^:]*/\L&/' $f.head |
					grep -vE "^(date|connection|content-length|x-request-id|x-ft-[a-z]*):|^$" | sort >$f.headers
			done
			cmp direct.headers through.headers
			[[ $said != *remaining* ]] || cp through.headers ratelimit.headers
		done
	done
	grep -q '^x-ratelimit-remaining-requests:' ratelimit.headers
	[ "$(jq -s 'length' log/*.jsonl)" -eq 18 ]
	# what the target was asked is what the client sent, byte for byte
	[ "$(jq -c 'select(.n % 2 == 1) | .body' stub.jsonl)" = "$(jq -c 'select(.n % 2 == 0) | .body' stub.jsonl)" ]
}

@test "records hold what was asked and what was answered, streamed or whole" {
	start_stub
	start_serve -u "$STUB_URL" -o log --sticky metadata.conversation_id
	local members='{"temperature": 0, "metadata": {"conversation_id": "c7", "team": "x"},
		"tools": [{"type": "function", "function": {"name": "f"}}]}'
	ask 'hello there' "$members" -o whole -D head
	ask 'hello there' "$(jq -c '.stream = true' <<<"$members")" -o streamed
	jq -e -s 'length == 2' log/*.jsonl
	jq -e -s 'all(.output == "hello there" and .model == "m" and .finish_reason == "stop" and .session == "c7" and .tags.team == "x"
		and .params.temperature == 0 and .tools[0].function.name == "f" and .messages[0].content == "hello there"
		and .latency > 0 and .cost == null and .usage.total_tokens > 0)' log/*.jsonl
	jq -e -s '.[0].ttft == null and .[1].ttft > 0 and .[0].id != .[1].id' log/*.jsonl
	[ "$(sed -n 's/^x-ft-record: \([^\r]*\).*/\1/p' head)" = "$(head -n 1 log/*.jsonl | jq -r .id)" ]
	[ "$(stat -c %a log/*.jsonl)" = 600 ]
	# the log is a file of records as others of ft read them
	ft-eval -c finish log/*.jsonl >scores
}

@test "several choices are a record each" {
	start_stub
	jq -nc '{id: "x", object: "chat.completion", model: "m", choices: [range(3)
		| {index: ., finish_reason: "stop", message: {role: "assistant", content: "answer \(.)"}}],
		usage: {prompt_tokens: 1, completion_tokens: 9, total_tokens: 10}}' >three.json
	start_serve -u "$STUB_URL" -o log
	ask "stub{file=$TMP/three.json}" '{"n": 3}' -o answer
	cmp answer three.json
	[ "$(jq -c '[.sample, .output]' log/*.jsonl | paste -sd' ')" = '[0,"answer 0"] [1,"answer 1"] [2,"answer 2"]' ]
	[ "$(jq -s 'map(.id) | unique | length' log/*.jsonl)" -eq 1 ]
}

@test "the first event of a stream comes at once, not with the last" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	ask 'one two three stub{drip=4}' '{"stream": true}' -N -o slow &
	local client=$!
	await [ -s slow ]
	kill -0 "$client"
	[ "$(cat log/*.jsonl 2>/dev/null | wc -l)" -eq 0 ]
	wait "$client"
	grep -q 'data: \[DONE\]' slow
	[ "$(jq -r .output log/*.jsonl)" = 'one two three ' ]
}

@test "other paths pass through, and are no records" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	[ "$(curl -sS -F purpose=batch -F 'file=@serve.err;type=application/jsonl' "$SERVE/v1/files" | jq -r .object)" = file ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$SERVE/v1/no/such")" = 404 ]
	[ "$(curl -sS "$SERVE/v1/no/such")" = "$(curl -sS "$STUB_URL/no/such")" ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' -X DELETE "$SERVE/v1/files/none")" != 000 ]
	[ "$(curl -sS -I -o /dev/null -w '%{http_code}' "$SERVE/v1/models")" != 000 ]
	[ "$(cat log/*.jsonl 2>/dev/null | wc -l)" -eq 0 ]
}

@test "a target that breaks off leaves the client what came, an error event, and a record that says so" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	ask 'it goes so far stub{drop=middle}' '{"stream": true}' -N -o cut
	grep -q '"content":"it' cut
	[ "$(grep '^data: ' cut | tail -n 1 | sed 's/^data: //' | jq -r .error.code)" = dropped ]
	run ! ask 'it goes so far stub{drop=middle}' '{}' -o cut
	[ "$(ask 'stub{drop=before}' '{}' -w '%{http_code}' -o cut)" = 502 ]
	jq -e -s 'length == 3 and all(.error.type == "dropped")' log/*.jsonl
}

@test "a target that cannot be reached, or hangs, is an error in the client's dialect" {
	start_stub
	start_serve -u "$STUB_URL" -o log --timeout 0.3
	[ "$(ask 'stub{hang=1}' '{}' -w '%{http_code}' -o hung)" = 504 ]
	[ "$(jq -r .error.code hung)" = timeout ]
	[ "$(curl -sS -o hung -w '%{http_code}' "$SERVE/v1/messages" -d "$(body 'stub{hang=1}' '{"max_tokens": 9}')")" = 504 ]
	[ "$(jq -r '.type, .error.type' hung | paste -sd' ')" = "error api_error" ]
	stop_stub
	[ "$(ask hello '{}' -w '%{http_code}' -o gone)" = 502 ]
	[ "$(jq -r .error.code gone)" = no_connect ]
	[ "$(jq -r .error.type log/*.jsonl | paste -sd' ')" = "timeout timeout no_connect" ]
}

@test "a client that goes away ends the call at the target" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	body "a long tale $(seq -s ' ' 3000) stub{drip=50}" '{"stream": true}' >request
	curl -sSN "$SERVE/v1/chat/completions" -d @request -o tale 3>&- &
	await [ -s tale ]
	kill $!
	wait_for 1 'log/*.jsonl'
	[ "$(jq -r .error.type log/*.jsonl)" = client_gone ]
	await in_flight 0
	body 'stub{hang=1}' >request
	curl -sS "$SERVE/v1/chat/completions" -d @request -o none 3>&- &
	await in_flight 1
	kill $!
	wait_for 2 'log/*.jsonl'
	[ ! -e none ]
	[ "$(tail -n 1 log/*.jsonl | jq -r .error.type)" = client_gone ]
	[ "$(metric clients_gone_total)" -eq 2 ]
	[ "$(metric in_flight)" -eq 0 ]
}

@test "what came of an answer before it broke off is in its record, in every dialect" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	local path body
	while read -r path body; do
		curl -sSN "$SERVE/v1/$path" -o /dev/null -d "{\"model\": \"m\", \"stream\": true, $body}"
	done <<'END'
chat/completions "messages": [{"role": "user", "content": "it goes so far stub{drop=middle}"}]
chat/completions "n": 2, "messages": [{"role": "user", "content": "it goes so far stub{drop=middle}"}]
messages "max_tokens": 9, "messages": [{"role": "user", "content": "it goes so far stub{drop=middle}"}]
responses "input": "it goes so far stub{drop=middle}"
END
	jq -es 'map(select(.sample != 1)) | length == 4
		and all(.error.type == "dropped" and (.error.output | startswith("it go")))' log/*.jsonl
	# the same where it is the client that goes
	body "one $(seq -s ' ' 3000) stub{drip=1}" '{"stream": true}' >request
	curl -sSN "$SERVE/v1/chat/completions" -d @request -o tale 3>&- &
	local client=$!
	await eval '[ "$(grep -c "^data: " tale)" -gt 2 ]'
	kill "$client"
	wait_for 6 'log/*.jsonl'
	tail -n 1 log/*.jsonl | jq -e '.error.type == "client_gone" and (.error.output | startswith("one"))'
}

@test "nothing of a request vanishes on the way to its record" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	curl -sS "$SERVE/v1/responses" -o /dev/null -d '{"model": "m", "prompt": {"id": "p1", "variables": {"a": "b"}}, "instructions": [1],
		"tool_choice": {"type": "web_search"}, "tools": [{"type": "web_search_preview"}, {"type": "web_search"}],
		"input": [{"role": "oracle", "content": "x"}, {"role": "user", "content": [
			{"type": "input_image", "image_url": "http://x/y.png", "detail": "high"}]}]}'
	curl -sS "$SERVE/v1/messages" -o /dev/null -d '{"model": "m", "max_tokens": 3, "messages": [{"role": "oracle", "content": "x"},
			{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "is_error": true, "content": "no"}]}],
		"tool_choice": {"type": "auto", "disable_parallel_tool_use": true}, "tools": [{"name": "f", "input_schema": {},
			"input_examples": [{}], "cache_control": {"type": "ephemeral"}}]}'
	ask hello '{"system": "s", "input": "i", "instructions": "x"}' -o /dev/null
	[ "$(jq -c '.params, .left_out, .messages[0].role' log/*.jsonl | paste -sd' ')" = "$(paste -sd' ' - <<'END'
{"prompt":{"id":"p1","variables":{"a":"b"}},"instructions":[1]}
"web_search_preview,web_search,tool_choice"
"oracle"
{"max_tokens":3,"parallel_tool_calls":false}
"is_error,input_examples"
"oracle"
{"system":"s","input":"i","instructions":"x"}
null
"user"
END
)" ]
	[ "$(head -n 1 log/*.jsonl | jq -r '.messages[1].content[0].image_url.detail')" = high ]
}

@test "the messages of a thread are no question to Anthropic" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	curl -sS "$SERVE/v1/threads/t1/messages" -o /dev/null -d '{"role": "user", "content": "keep this"}'
	ask hello '{}' -o /dev/null
	[ "$(jq -r .output log/*.jsonl)" = hello ]
}

@test "Anthropic's messages pass and are records like any" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	local members='{"max_tokens": 50, "system": "Be brief.", "tools": [{"name": "f", "input_schema": {"type": "object"}}]}'
	curl -sS "$SERVE/v1/messages" -d "$(body 'how are you' "$members")" -o whole
	curl -sSN "$SERVE/v1/messages" -d "$(body 'how are you' "$(jq -c '.stream = true' <<<"$members")")" -o streamed
	curl -sS "$STUB_URL/messages" -d "$(body 'how are you' "$members")" | sed 's/"id":"[^"]*"//' >direct
	sed 's/"id":"[^"]*"//' whole | cmp - direct
	jq -e -s 'length == 2 and all(.output == "how are you" and .messages[0] == {role: "system", content: "Be brief."}
		and .messages[1].content == "how are you" and .tools[0].function.name == "f" and .params.max_tokens == 50)' log/*.jsonl
}

@test "turns of tools in other dialects are written as OpenAI's" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	curl -sS "$SERVE/v1/messages" -o /dev/null -d '{"model": "m", "max_tokens": 9, "messages": [
		{"role": "user", "content": [{"type": "text", "text": "look"}, {"type": "image",
			"source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
		{"role": "assistant", "content": [{"type": "text", "text": "so"},
			{"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}}]},
		{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "42"},
			{"type": "text", "text": "and?"}]}]}'
	[ "$(jq -c '.messages | map(.role), .[1].tool_calls[0].function, .[2].tool_call_id,
		.[0].content[1].image_url.url' log/*.jsonl | paste -sd' ')" = \
		'["user","assistant","tool","user"] {"name":"f","arguments":"{\"a\": 1}"} "t1" "data:image/png;base64,AAAA"' ]
	curl -sS "$SERVE/v1/responses" -o /dev/null -d '{"model": "m", "instructions": "Be brief.", "input": [
		{"role": "user", "content": [{"type": "input_text", "text": "look"}]},
		{"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
		{"type": "function_call_output", "call_id": "c1", "output": "42"}, {"type": "item_reference", "id": "r1"}],
		"tools": [{"type": "function", "name": "f", "parameters": {}}, {"type": "web_search"}],
		"text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}}}}'
	[ "$(tail -n 1 log/*.jsonl | jq -c '(.messages | map(.role)), .messages[2].tool_calls[0].id, .messages[3].content,
		.tools[0].function.name, .response_format.json_schema.name, .left_out' | paste -sd' ')" = \
		'["system","user","assistant","tool"] "c1" "42" "f" "n" "item_reference,web_search"' ]
}

# --- what is kept out ---

@test "a call that its client keeps out of the log is not in it, and is counted" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	ask secret '{"store": false}' -o /dev/null -D head-1
	ask secret '{}' -o /dev/null -H 'x-ft-log: no' -D head-2
	ask open '{"store": true}' -o /dev/null -D head-3
	# none is promised a record that is not there
	run ! grep -qi x-ft-record head-1 head-2
	grep -qi '^x-ft-record: ' head-3
	[ "$(jq -r .output log/*.jsonl)" = open ]
	[ "$(metric kept_out_total)" -eq 2 ]
}

@test "keys stand in no record and no message, whoever sends them back" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	local key=sk-proj-abcdef0123456789
	curl -sS "$SERVE/v1/chat/completions" -H "Authorization: Bearer $key" -d "$(body 'stub{echo=1}')" -o echoed
	grep -q "$key" echoed
	curl -sS "$SERVE/v1/chat/completions" -H "Authorization: Bearer $key" -d "$(body 'stub{status=401;echo=1}')" -o echoed
	curl -sS "$SERVE/v1/messages" -H "x-api-key: $key" -d "$(body "my key is $key" '{"max_tokens": 9}')" -o /dev/null
	# whatever the header is called
	local header
	for header in x-goog-api-key ocp-apim-subscription-key x-amz-security-token X-My-Secret Cookie; do
		curl -sS "$SERVE/v1/chat/completions" -H "$header: $key" -d "$(body "it is $key")" -o /dev/null
	done
	stop_serve
	[ "$(cat log/*.jsonl | wc -l)" -eq 8 ]
	run ! grep -rF "$key" log serve.err serve.out
}

@test "personal data are in no file, wherever they stand and however a stream was cut" {
	start_stub
	start_serve -u "$STUB_URL" -o log --redact mail,phone,card,iban,key
	local mail=jane.doe@example.org card=4111111111111111 iban=DE89370400440532013000 phone='+49 30 901820' text
	text="$mail $card $iban $phone"
	ask "$text" '{}' -o answer
	grep -q "$mail" answer
	ask "$text" '{"stream": true}' -o /dev/null
	ask "$text stub{drip=1}" '{"stream": true, "logprobs": true}' -o /dev/null
	run ! ask "$text stub{drop=middle}" '{}' -o /dev/null
	ask "$text stub{status=400}" "$(jq -nc --arg t "$text" '{metadata: {note: $t, ($t): 1}, user: $t,
		tools: [{type: "function", function: {name: "f", description: $t}}], stop: [$t]}')" -o /dev/null
	ask "x" "$(jq -nc --arg t "$mail" '{messages: [{role: "assistant", content: null, tool_calls: [{id: "1", type: "function",
		function: {name: "f", arguments: ({to: $t} | tojson | sub("@"; "\\u0040"))}}]},
		{role: "user", content: [{type: "text", text: $t}]}]}')" -o /dev/null
	ask x "$(jq -nc --arg t "$mail" '{model: $t}')" -o /dev/null
	curl -sS "$SERVE/v1/feedback" -d "$(jq -nc --arg t "$text" '{record: "r", value: true, comment: $t, ideal: $t}')"
	wait_for 8 'log/*.jsonl'
	for text in "$mail" 'u0040example' "$card" "$iban" "901820"; do
		run ! grep -rF "$text" log serve.err serve.out
	done
	jq -e -s '.[0].output == "[mail] [card] [iban] [phone]" and .[0].redacted.mail == 2 and .[0].redacted.card == 2' log/*.jsonl
}

@test "a pattern of one's own is taken out, and named" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}], redact: [{regex: "INV-[0-9]+", as: "invoice"}, "mail"]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask 'pay INV-20391 to a@b.example' '{}' -o /dev/null
	[ "$(jq -r '.output, .redacted.invoice' log/*.jsonl | paste -sd'|')" = 'pay [invoice] to [mail]|2' ]
}

@test "a pattern of one's own that backtracks, or finds much, keeps nobody waiting for long" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}],
		redact: [{regex: "(a+)+b"}, {regex: "INV-[0-9]", as: "invoice"}]}}, default: "r"}'
	start_serve -r routes.json -o log
	# The first took a minute: as many steps as one place is given, at each of the places.
	jq -nc '{model: "m", messages: [{role: "user", content: (("a" * 17 + "c") * 50000)},
		{role: "user", content: ("INV-1 " * 200000)}]}' >body
	curl -sS -m "$(patience 30)" "$SERVE/v1/chat/completions" -H 'Content-Type: application/json' -d @body -o answer
	ask short '{}' -m 30 -o /dev/null
	# What is not decided counts as found, to the end of the text.
	jq -se '.[0].messages[0].content | endswith("[redacted]") and length < 900000' log/*.jsonl
	jq -se '.[0].messages[1].content == ("[invoice] " * 200000) and .[0].redacted.invoice >= 200000' log/*.jsonl
	jq -se '.[1].messages[0].content == "short"' log/*.jsonl
}

# --- who may call ---

@test "with keys only those who have one may call, and it goes no further" {
	start_stub --log "$TMP/stub.jsonl"
	printf '# those who may\nft-0123456789abcdef billing\nft-fedcba9876543210\n' >keys
	UPSTREAM=sk-upstream-0123456789
	export UPSTREAM
	routes '{routes: {r: {targets: [{model: "m", url: $a, key: "$UPSTREAM"}]}}, default: "r", keys: "keys"}'
	start_serve -r routes.json -o log
	[ "$(ask hello '{}' -o refused -w '%{http_code}')" = 401 ]
	[ "$(jq -r .error.code refused)" = invalid_api_key ]
	[ "$(ask hello '{}' -o refused -w '%{http_code}' -H 'Authorization: Bearer ft-0123456789abcdee')" = 401 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer ft-0123456789abcdef')" = 200 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'x-api-key: ft-fedcba9876543210')" = 200 ]
	[ "$(jq -rc .client log/*.jsonl | paste -sd' ')" = 'billing null' ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$SERVE/metrics")" = 401 ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$SERVE/health")" = 200 ]
	run ! grep -rE 'ft-0123|ft-fedc|sk-upstream' log serve.err
}

@test "a client's key goes to the host that the routes name for it, not to others" {
	start_stub --key sk-client-0123456789
	start_second --key sk-client-0123456789
	routes '{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{model: "n", url: $b}]}}, default: "r"}'
	status_is 2 ft-serve --routes-hash -r routes.json
	[[ $stderr == *"two hosts"*key* ]]
	routes '{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{model: "n", url: $b, key: "none"}]}}, default: "r"}'
	start_serve -r routes.json -o log
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer sk-client-0123456789')" = 200 ]
	# the other host refuses, for no key came
	[ "$(ask 'stub{status=500}' '{}' -o /dev/null -w '%{http_code}' -H 'Authorization: Bearer sk-client-0123456789')" = 401 ]
}

@test "listening beyond loopback needs keys" {
	status_is 2 ft-serve -l 0.0.0.0:0 -u http://127.0.0.1:9/v1
	[[ $stderr == *loopback*--keys* ]]
	printf 'short\n' >keys
	status_is 2 ft-serve -l 0.0.0.0:0 -u http://127.0.0.1:9/v1 --keys keys
	[[ $stderr == *"keys: line 1"*16* ]]
}

@test "a page of another site cannot call" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: https://example.org')" = 403 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: http://localhost.example.org')" = 403 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: http://localhost:5173@example.org')" = 403 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: http://127.0.0.1:5173.example.org')" = 403 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: http://[::1]:')" = 403 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: HTTP://LocalHost')" = 200 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}' -H 'Origin: http://localhost:5173')" = 200 ]
}

@test "a name that was led to this machine is no name of the server, unless it was told so" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	local port=${SERVE##*:} host path
	# what a page that rebinds its name sends, with the port or behind a proxy, and what is no name at all
	for host in evil.example "evil.example:$port" 127.0.0.1.evil.example localhost.evil.example localhost@evil.example "local host"; do
		for path in metrics health v1/models; do
			[ "$(curl -sS -o said -w '%{http_code}' -H "Host: $host" "$SERVE/$path")" = 403 ]
			jq -e '.error.code == "host" and (.error.message | contains("--host"))' said
		done
		[ "$(ask hello '{}' -o said -w '%{http_code}' -H "Host: $host")" = 403 ]
	done
	[ ! -e log ] || [ -z "$(cat log/*.jsonl)" ]
	# a tunnel's port, a proxy's default, addresses, names under localhost, HTTP/1.0 without any
	for host in localhost:9000 127.0.0.1 LOCALHOST app.localhost:3000 192.168.1.7:8080 '[::1]' 'localhost.'; do
		[ "$(ask hello '{}' -o said -w '%{http_code}' -H "Host: $host")" = 200 ]
	done
	[ "$(curl -sS --http1.0 -o said -w '%{http_code}' -H Host: "$SERVE/health")" = 200 ]
	stop_serve
	start_serve -u "$STUB_URL" -o log --host llm.example.org --host llm
	for host in llm.example.org LLM.Example.Org:8443 llm localhost; do
		[ "$(ask hello '{}' -o said -w '%{http_code}' -H "Host: $host")" = 200 ]
	done
	[ "$(ask hello '{}' -o said -w '%{http_code}' -H 'Host: llm.example.org' -H 'Origin: https://llm.example.org')" = 200 ]
	[ "$(ask hello '{}' -o said -w '%{http_code}' -H 'Host: evil.example' -H 'Origin: https://llm.example.org')" = 403 ]
	[ "$(ask hello '{}' -o said -w '%{http_code}' -H 'Host: llm.example.org' -H 'Origin: https://evil.example')" = 403 ]
	stop_serve
	# keys, which no such page has, stand for all of it
	echo 0123456789abcdef >keys
	start_serve -u "$STUB_URL" -o log --keys keys
	[ "$(curl -sS -o said -w '%{http_code}' -H 'Host: evil.example' "$SERVE/metrics")" = 401 ]
	[ "$(ask hello '{}' -o said -w '%{http_code}' -H 'Host: llm.example.org' -H 'x-ft-key: 0123456789abcdef')" = 200 ]
}

# --- routes ---

@test "a routes file that cannot mean anything is refused in words" {
	STUB_URL=http://127.0.0.1:9/v1
	local want file
	while IFS='|' read -r want file; do
		routes "$file"
		status_is 2 ft-serve --routes-hash -r routes.json
		[[ $stderr == *"$want"* ]] || { echo "$file: $stderr"; return 1; }
	done <<'LIST'
"colour" is none of its members|{routes: {r: {targets: [{model: "m", url: $a}], colour: 1}}}
"wieght" is none of its members|{routes: {r: {targets: [{model: "m", url: $a, wieght: 1}]}}}
"listen" is none of its members|{routes: {r: {targets: [{model: "m", url: $a}]}}, listen: 1}
stands there twice|{routes: {r: {targets: [{model: "m", url: $a}, {model: "m", url: $a}]}}}
two targets are called m|{routes: {r: {targets: [{model: "m", url: $a}]}, s: {targets: [{model: "m", url: "http://127.0.0.1:8/v1"}]}}}
all weights are 0|{routes: {r: {targets: [{model: "m", url: $a, weight: 0}, {model: "n", url: $a, weight: 0}]}}}
must be a number from 0|{routes: {r: {targets: [{model: "m", url: $a, weight: -1}]}}}
must be a number from 0 to 1|{routes: {r: {targets: [{model: "m", url: $a}], shadow: [{model: "n", url: $a, share: 1.5}]}}}
a circle|{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{route: "s"}]}, s: {targets: [{model: "m"}], fallback: [{route: "r"}]}}}
a circle|{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{route: "r"}]}}}
none of that name|{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{route: "x"}]}}}
has no "url"|{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{model: "x"}]}}}
needs a "url"|{routes: {r: {targets: [{model: "gpt-nothing"}]}}}
must be http|{routes: {r: {targets: [{model: "m", url: "ftp://x/v1"}]}}}
must be http|{routes: {r: {targets: [{model: "m", url: "http://user:pass@x/v1"}]}}}
do not stand in this file|{routes: {r: {targets: [{model: "m", url: $a, key: "sk-abc"}]}}}
NO_SUCH_KEY is not set|{routes: {r: {targets: [{model: "m", url: $a, key: "$NO_SUCH_KEY"}]}}}
must be the name of a route|{routes: {r: {targets: [{model: "m", url: $a}]}}, default: "s"}
is none of mail, phone|{routes: {r: {targets: [{model: "m", url: $a}], redact: ["name"]}}}
regex:|{routes: {r: {targets: [{model: "m", url: $a}], redact: [{regex: "("}]}}}
with a route or more|{routes: {}}
must be a list with a target|{routes: {r: {targets: []}}}
LIST
	local route='"r": {"targets": [{"model": "m", "url": "http://x"}]}'
	echo "{\"routes\": {$route, $route}}" >routes.json
	status_is 2 ft-serve --routes-hash -r routes.json
	[[ $stderr == *"stands twice"* ]]
	printf '{"routes"' >routes.json
	status_is 2 ft-serve --routes-hash -r routes.json
	[[ $stderr == *"routes.json: invalid JSON"* ]]
}

@test "a request goes to its route's target by the model's name of that target" {
	start_stub --log "$TMP/stub.jsonl"
	routes '{routes: {payments: {targets: [{model: "big", url: $a, weight: 1}, {model: "small", url: $a, weight: 0}]},
		other: {targets: [{model: "small", url: $a}]}}}'
	start_serve -r routes.json -o log
	ask hello '{"model": "payments"}' -o /dev/null -D head
	ask hello '{"model": "other"}' -o /dev/null
	[ "$(ask hello '{"model": "none"}' -o refused -w '%{http_code}')" = 404 ]
	[ "$(jq -r .error.code refused)" = model_not_found ]
	[ "$(jq -r .body.model stub.jsonl | paste -sd' ')" = 'big small' ]
	[ "$(jq -c '[.route, .target, .model, .routes_hash]' log/*.jsonl | head -n 1)" = \
		"[\"payments\",\"big\",\"big\",\"$(ft-serve --routes-hash -r routes.json)\"]" ]
	grep -q '^x-ft-target: big' head
	[ "$(curl -sS "$SERVE/v1/models" | jq -r '.data[].id' | paste -sd' ')" = 'payments other' ]
	[ "$(curl -sS "$SERVE/v1/models/other" | jq -r .id)" = other ]
}

@test "another target stands in for one that is down, overloaded or failing, before the first byte" {
	start_stub --fault 'status=503'
	start_second
	routes '{routes: {r: {targets: [{model: "first", url: $a}, {model: "dead", url: "http://127.0.0.1:1/v1", weight: 0}],
		fallback: [{model: "dead"}, {model: "last", url: $b, key: "none"}]}}, default: "r"}'
	sed -i 's|"url": "http://127.0.0.1:1/v1"|"url": "http://127.0.0.1:1/v1", "key": "none"|' routes.json
	start_serve -r routes.json -o log
	ask hello '{}' -o answer -D head
	[ "$(jq -r '.choices[0].message.content' answer)" = hello ]
	grep -q '^x-ft-target: last' head
	jq -e '.fallback == "first" and .target == "last" and .output == "hello"' log/*.jsonl
	ask hello '{"stream": true}' -o answer
	grep -q 'data: \[DONE\]' answer
	curl -sS "$SERVE/metrics" >metrics
	grep -q '^ft_serve_fallbacks_total{route="r",target="first"} 2' metrics
}

@test "a target that fails again and again is left alone for a while" {
	start_stub --fault 'status=500' --log "$TMP/stub.jsonl"
	start_second
	routes '{routes: {r: {targets: [{model: "m", url: $a}], fallback: [{model: "n", url: $b, key: "none"}]}}, default: "r"}'
	start_serve -r routes.json -o log
	for _ in $(seq 12); do
		ask hello '{}' -o /dev/null
	done
	[ "$(wc -l <stub.jsonl)" -eq 5 ]
	jq -e -s 'length == 12 and all(.target == "n" and .fallback == "m")' log/*.jsonl
	[ "$(curl -sS "$SERVE/health" | jq -r '.targets[0].state')" = "left alone" ]
}

@test "SIGHUP reads the routes again; a bad file is refused and the old one stays" {
	start_stub
	routes '{routes: {r: {targets: [{model: "a", url: $a, weight: 1}, {model: "b", url: $a, weight: 0}]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask hello '{}' -o /dev/null
	jq '.routes.r.targets[0].weight = 0 | .routes.r.targets[1].weight = 1' routes.json >next
	mv next routes.json
	kill -HUP "$SERVE_PID"
	await grep -q 'in force' serve.err
	ask hello '{}' -o /dev/null
	echo '{"routes": 1}' >routes.json
	kill -HUP "$SERVE_PID"
	await grep -q 'stay as they are' serve.err
	grep -q 'stay as they are: routes.json: routes: must be an object' serve.err
	ask hello '{}' -o /dev/null
	[ "$(jq -r .target log/*.jsonl | paste -sd' ')" = 'a b b' ]
	[ "$(jq -r .routes_hash log/*.jsonl | uniq | wc -l)" -eq 2 ]
	[ "$(metric reloads_total)" -eq 1 ]
	[ "$(metric reloads_refused_total)" -eq 1 ]
}

@test "a local model that does not load is named, and the others serve" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}, {model: "./none", weight: 0}]},
		s: {targets: [{model: "./none"}]}}, default: "r"}'
	start_serve -r routes.json -o log
	grep -q '\./none: cannot be served' serve.err
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(ask hello '{"model": "s"}' -o refused -w '%{http_code}')" = 503 ]
	[ "$(jq -r .error.code refused)" = not_loaded ]
}

@test "texts that a target no longer needs are taken out before it is asked" {
	start_stub --log "$TMP/stub.jsonl"
	printf 'You are careful.\nAnswer in JSON.\n' >system.txt
	routes '{routes: {r: {targets: [{model: "m", url: $a, prune: ["@system.txt", "Thank you!"]}]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask x "$(jq -nc --rawfile s system.txt '{messages: [{role: "system", content: "\($s)Now:"},
		{role: "user", content: [{type: "text", text: "Hi. Thank you!"}]}]}')" \
		-o /dev/null
	[ "$(jq -c '.body.messages | [.[0].content, .[1].content[0].text]' stub.jsonl)" = '["\nNow:","Hi. "]' ]
	ask x '{"messages": [{"role": "user", "content": "You are careful. Thank you!"}]}' -o /dev/null
	[ "$(metric unpruned_total)" -eq 1 ]
	grep -q 'm: 1 of the texts to prune' serve.err
	# the record holds what the client asked
	[ "$(head -n 1 log/*.jsonl | jq -r '.messages[1].content[0].text')" = 'Hi. Thank you!' ]
}

@test "a model is served only to requests that are pruned as its training rows were" {
	printf 'You are careful. Answer yes or no.\n' >system.txt
	jq -nc --rawfile s system.txt 'range(20) | {messages: [{role: "system", content: "\($s)Now."},
		{role: "user", content: "question \(.)"}, {role: "assistant", content: "yes"}]}' >in.jsonl
	jq -n '{model_type: "llama", hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2,
		num_key_value_heads: 1, max_position_embeddings: 256}' >config.json
	ft-train -q --scratch config.json --steps 1 --prune @system.txt -o tuned in.jsonl >/dev/null
	# rows from which the text was taken by other means are the same to the model
	ft-train -q --scratch config.json --steps 1 --dry-run --prune @system.txt in.jsonl >pruned
	jq -c --rawfile s system.txt '.messages[0].content |= sub("^" + ($s | rtrimstr("\n")); "")' in.jsonl >less.jsonl
	ft-train -q --scratch config.json --steps 1 --dry-run less.jsonl | cmp - pruned
	run ! cmp -s <(ft-train -q --scratch config.json --steps 1 --dry-run in.jsonl) pruned
	jq -nc '{messages: [{role: "user", content: "other"}, {role: "assistant", content: "no"}]}' >>in.jsonl
	status_is 0 ft-train --scratch config.json --steps 1 --dry-run --prune @system.txt in.jsonl
	[[ $stderr == *"1 rows are without one of the texts to prune"* ]]
	STUB_URL=http://127.0.0.1:9/v1
	routes '{routes: {r: {targets: [{model: "./tuned"}, {model: "m", url: $a, weight: 0}]}}, default: "r"}'
	start_serve -r routes.json -o log
	grep -q 'trained with other pruning' serve.err
	stop_serve
	routes '{routes: {r: {targets: [{model: "./tuned", prune: ["@system.txt"]}]}}, default: "r"}'
	start_serve -r routes.json -o log
	[ "$(ask hello '{"max_tokens": 2}' -o /dev/null -w '%{http_code}')" = 200 ]
}

@test "--check asks each target once and says which does not answer" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}, {model: "n", url: "http://127.0.0.1:1/v1", weight: 0, key: "none"}]}}}'
	status_is 1 ft-serve --check -r routes.json
	[[ $(head -n 1 <<<"$output") == "m: answers, "* ]]
	[[ $(tail -n 1 <<<"$output") == "n: does not answer: "* ]]
	routes '{routes: {r: {targets: [{model: "m", url: $a}]}}}'
	status_is 0 ft-serve --check -r routes.json
}

# --- shadows ---

@test "a candidate is asked the same beside, as a second record of the same id" {
	start_stub --log "$TMP/stub.jsonl"
	routes '{routes: {r: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $a, share: 1}]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask hello '{}' -o answer
	ask again '{"stream": true}' -o answer
	ask secret '{"store": false}' -o /dev/null
	wait_for 4 'log/*.jsonl'
	jq -e -s 'length == 4 and (group_by(.id) | length == 2 and all(map(.model) | sort == ["cand", "main"]))
		and all(.output == .messages[0].content)
		and (map(select(.shadow)) | length == 2 and all(.model == "cand"))' log/*.jsonl
	ft-eval -c finish --compare .model --baseline main log/*.jsonl >compared
}

@test "a candidate that hangs delays nobody; what finds no place is counted" {
	start_stub
	start_second --fault hang=1
	routes '{routes: {r: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $b, key: "none"}]}}, default: "r"}'
	start_serve -r routes.json -o log --shadow-queue 3 --shadow-jobs 2 --shadow-deadline 60 --drain 0.2
	for i in $(seq 10); do
		[ "$(ask "hello $i" '{}' -o answer -w '%{http_code}')" = 200 ]
	done
	curl -sS "$SERVE/metrics" >metrics
	# two are asked and three wait; the others are dropped
	[ "$(sed -n 's/.*shadows_total.*outcome="dropped"} //p' metrics)" -eq 5 ]
	[ "$(jq -s 'map(select(.shadow | not)) | length' log/*.jsonl)" -eq 10 ]
	stop_serve
	start_serve -r routes.json -o due --shadow-jobs 2 --shadow-deadline 0.3
	ask hello '{}' -o answer
	ask hello '{}' -o answer
	wait_for 4 'due/*.jsonl'
	[ "$(jq -r 'select(.shadow) | .error.type' due/*.jsonl | sort -u)" = deadline ]
}

@test "clients of a route with a candidate that hangs wait as long as those of one without" {
	local blocks=12 b
	[ -z "${FT_SLOW:-}" ] || blocks=200
	start_stub --delay 3
	start_second --fault hang=1
	routes '{routes: {plain: {targets: [{model: "main", url: $a}]},
		shadowed: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $b, key: "none"}]}}, default: "plain"}'
	start_serve -r routes.json -o log --shadow-queue 50 --shadow-jobs 4 --shadow-deadline 2
	# The machine has its moods: short blocks in turn, in chance's order, and what is compared are blocks.
	for b in $(seq $blocks); do
		jq -nc --argjson b "$b" 'range(50) | {block: $b, messages: [{role: "user", content: "Question \(.)"}]}' >rows
		for route in $(shuf -e plain shadowed --random-source=<(yes "$b")); do
			ft-prompt -q -u "$SERVE/v1" -m "$route" -j 4 rows >>"$route.jsonl"
		done
	done
	[ "$(jq -s 'map(select(.output)) | length' shadowed.jsonl)" -eq $((blocks * 50)) ]
	ft-drift -r plain.jsonl --path .latency:number --cluster .block --min-effect 0 --alpha 0.001 --json shadowed.jsonl >drift
	curl -sS "$SERVE/metrics" >metrics
	[ "$(sed -n 's/.*shadows_total.*"shadowed".*outcome="dropped"} //p' metrics)" -ge $((blocks * 20)) ]
}

@test "a shadow at another host sees nothing that the log would not" {
	start_stub --log "$TMP/stub.jsonl"
	start_second --log "$TMP/second.jsonl"
	routes '{routes: {r: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $b, key: "none"}],
		redact: ["mail"]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask 'write to jane@example.org' '{}' -o answer -H 'Authorization: Bearer sk-client-0123456789'
	wait_for 2 'log/*.jsonl'
	grep -q jane@example.org stub.jsonl
	run ! grep jane second.jsonl
	[ "$(jq -r '.key, .body.messages[0].content' second.jsonl | paste -sd'|')" = 'none|write to [mail]' ]
}

# --- feedback ---

@test "feedback is a record of its own, and --join puts it beside its call" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	ask one '{}' -o /dev/null -D head
	ask two '{}' -o /dev/null
	local id
	id=$(sed -n 's/^x-ft-record: \([^\r]*\).*/\1/p' head)
	curl -sSf "$SERVE/v1/feedback" -d "{\"record\": \"$id\", \"value\": false}"
	curl -sSf "$SERVE/v1/feedback" -d "{\"record\": \"$id\", \"comment\": \"no\", \"ideal\": \"eins\"}"
	curl -sSf "$SERVE/v1/feedback" -d '{"record": "unknown", "value": 0.5}'
	local bad
	for bad in '{"value": true}' '{"record": "x"}' '{"record": "x", "value": "good"}' '{"record": "x", "value": 1, "more": 1}' 'x' \
		'{"record": "x", "ideal": [1]}'; do
		[ "$(curl -sS -o /dev/null -w '%{http_code}' "$SERVE/v1/feedback" -d "$bad")" = 400 ]
	done
	status_is 0 ft-serve --join log/*.jsonl
	[ "$(jq -c '[.output, .feedback.value, .feedback.comment, .ideal]' <<<"$output" | paste -sd' ')" = \
		'["one",false,"no","eins"] ["two",null,null,null]' ]
	[[ $stderr == *"1 of the feedback"* ]]
	# from a pipe too, and every other byte as it was
	cat log/*.jsonl | ft-serve --join 2>/dev/null | jq -c 'del(.feedback, .ideal)' >joined
	[ "$(cat joined)" = "$(jq -c 'select(.feedback | not)' log/*.jsonl)" ]
	status_is 0 ft-eval -c exact <(ft-serve --join log/*.jsonl 2>/dev/null | head -n 1)
}

# --- the log ---

@test "records go to standard output where no directory is given; its reader may be slow or gone" {
	start_stub
	start_serve -u "$STUB_URL"
	ask hello '{}' -o /dev/null
	[ "$(jq -r .output serve.out)" = hello ]
	stop_serve
	# a reader that takes nothing for a while, then everything
	mkfifo pipe
	: >serve.err
	ft-serve -l 127.0.0.1:0 -u "$STUB_URL" 3>&- >pipe 2>serve.err &
	SERVE_PID=$!
	exec 8<pipe
	serve_listens
	for i in 1 2 3 4; do
		[ "$(ask "hello $i stub{size=60000}" '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	done
	timeout "$(patience 60)" head -n 4 <&8 >got
	[ "$(jq -r '.messages[0].content[:7]' got | paste -sd' ')" = 'hello 1 hello 2 hello 3 hello 4' ]
	exec 8<&-
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(metric records_lost_total)" -ge 1 ]
	grep -q 'records are lost' serve.err
}

@test "a full disk stops no call, is said once and counted; --log-must turns that round" {
	start_stub
	: >serve.err
	ft-serve -l 127.0.0.1:0 -u "$STUB_URL" 3>&- >/dev/full 2>serve.err &
	SERVE_PID=$!
	serve_listens
	for _ in 1 2 3; do
		[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	done
	[ "$(metric records_lost_total)" -eq 3 ]
	[ "$(grep -c 'records are lost' serve.err)" -eq 1 ]
	stop_serve
	# a limit on the size of files is a disk that fills up: lines stay whole
	: >serve.err
	(trap '' XFSZ; ulimit -f 2; exec ft-serve -l 127.0.0.1:0 -u "$STUB_URL" -o log --log-must 3>&- 2>serve.err) &
	SERVE_PID=$!
	serve_listens
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(ask 'large stub{size=3000}' '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(ask hello '{}' -o refused -w '%{http_code}')" = 503 ]
	[ "$(jq -r .error.code refused)" = log_failing ]
	[ "$(curl -sS -o /dev/null -w '%{http_code}' "$SERVE/health")" = 503 ]
	[ "$(jq -r .output log/*.jsonl)" = hello ]
}

@test "a log directory that vanishes is made again, and what a kill cut is taken away" {
	start_stub
	start_serve -u "$STUB_URL" -o log/deep
	ask one '{}' -o /dev/null
	rm -r log
	ask two '{}' -o /dev/null
	[ "$(jq -r .output log/deep/*.jsonl)" = two ]
	mv log/deep aside
	ask three '{}' -o /dev/null
	[ "$(jq -r .output log/deep/*.jsonl)" = three ]
	kill -KILL "$SERVE_PID"
	wait "$SERVE_PID" || true
	printf '{"id": "cut' >>"$(echo log/deep/*.jsonl)"
	start_serve -u "$STUB_URL" -o log/deep
	ask four '{}' -o /dev/null
	[ "$(jq -r .output log/deep/*.jsonl | paste -sd' ')" = 'three four' ]
}

@test "--keep-days removes old files, and only those that are its own" {
	mkdir log
	touch log/2020-01-01.jsonl log/2020-02-31.jsonl log/other.jsonl log/2020-01-01.jsonl.gz log/2999-01-01.jsonl
	start_stub
	start_serve -u "$STUB_URL" -o log --keep-days 30
	ask one '{}' -o /dev/null
	await [ ! -e log/2020-01-01.jsonl ]
	[ "$(cd log && echo *)" = "2020-01-01.jsonl.gz 2020-02-31.jsonl $(date -u +%F).jsonl 2999-01-01.jsonl other.jsonl" ]
}

@test "after kill -9 under load every call that a client saw the end of is in the log once" {
	start_stub --delay 2
	local round i workers rounds=2
	[ -z "${FT_SLOW:-}" ] || rounds=100
	for round in $(seq $rounds); do
		start_serve -u "$STUB_URL" -o log
		workers=()
		for i in 1 2 3 4; do
			(
				n=0 streams=(true false)
				while ask "r$round w$i n$n" "{\"stream\": ${streams[n % 2]}}" -o "answer.$round.$i" 2>/dev/null; do
					if grep -q 'DONE\|"finish_reason":"stop"' "answer.$round.$i"; then
						echo "r$round w$i n$n" >>"seen.$round.$i"
					fi
					n=$((n + 1))
				done
			) 3>&- &
			workers+=($!)
		done
		for i in 1 2 3 4; do
			wait_for 5 "seen.$round.$i"
		done
		kill -KILL "$SERVE_PID"
		wait "${workers[@]}"
	done
	cat seen.* | sort >seen
	# nothing but whole lines, but for the last that a kill may have cut
	jq -Rr 'fromjson? | select(.error | not) | .messages[0].content' log/*.jsonl | sort >logged
	[ "$(wc -l <seen)" -ge $((rounds * 20)) ]
	[ -z "$(uniq -d logged)" ]
	[ -z "$(comm -23 seen logged)" ]
}

@test "SIGTERM lets calls end, within the time it has" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	ask 'slowly stub{delay=700}' '{}' -o answer &
	local client=$!
	await in_flight 1
	stop_serve
	wait "$client"
	[ "$(jq -r '.choices[0].message.content' answer)" = 'slowly ' ]
	[ "$(jq -r .output log/*.jsonl)" = 'slowly ' ]
	start_serve -u "$STUB_URL" -o late --drain 0.2
	ask 'stub{hang=1}' '{}' -o answer 2>/dev/null &
	client=$!
	await in_flight 1
	stop_serve
	wait "$client"
	[ "$(jq -r .error.code answer)" = ending ]
	[ "$(jq -r .error.type late/*.jsonl)" = interrupted ]
	# an answer that was begun ends in an event that says so
	printf 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"choices": [{"delta": {"content": "half"}}]}\n\n' >half
	start_serve -u "$STUB_URL" -o begun --drain 0.2
	ask 'stub{raw=half;stay=1}' '{"stream": true}' -N -o answer &
	client=$!
	for _ in $(seq 500); do
		grep -q half answer && break
		sleep 0.01
	done
	stop_serve
	wait "$client"
	[ "$(sed -n 's/^data: //p' answer | jq -rs '.[0].choices[0].delta.content, .[-1].error.code' | paste -sd'|')" = 'half|interrupted' ]
	jq -se '.[0].error.output == "half" and .[0].error.type == "interrupted"' begun/*.jsonl
}

@test "SIGTERM waits for clients, and not as long for candidates" {
	start_stub
	start_second --fault hang=1
	routes '{routes: {r: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $b, key: "none"}]}}, default: "r"}'
	start_serve -r routes.json -o log --drain 120 --shadow-jobs 1
	ask one '{}' -o answer
	ask two '{}' -o answer
	kill -TERM "$SERVE_PID"
	# five seconds; the drain's 120 when it waited for them as for calls
	timeout "$(patience 60)" tail --pid="$SERVE_PID" -f /dev/null
	wait "$SERVE_PID" || [ $? -eq 143 ]
	SERVE_PID=
	grep -q '2 calls of shadows were not waited for' serve.err
	[ "$(jq -s 'map(select(.output)) | length' log/*.jsonl)" -eq 2 ]
	# one that answers in a moment has it
	stop "$STUB2_PID"
	start_second --fault delay=500
	routes '{routes: {r: {targets: [{model: "main", url: $a}], shadow: [{model: "cand", url: $b, key: "none"}]}}, default: "r"}'
	start_serve -r routes.json -o soon
	ask one '{}' -o answer
	stop_serve
	[ "$(jq -s 'map(select(.shadow and .output)) | length' soon/*.jsonl)" -eq 1 ]
	run ! grep -q 'not waited for' serve.err
}

# --- hostile clients ---

@test "requests that are too large, or none, are refused without harm" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}]}}, default: "r"}'
	start_serve -r routes.json -o log --body-max 64K --header-max 8K --memory 1M
	head -c 100000 /dev/zero | tr '\0' x >large
	[ "$(curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -d @large)" = 413 ]
	[ "$(curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -H 'Transfer-Encoding: chunked' -d @large)" = 413 ]
	[ "$(curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -d '{"model": ')" = 400 ]
	[ "$(jq -r .error.code refused)" = invalid_json ]
	[ "$(curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -d '[1]')" = 400 ]
	[ "$(curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -d '{"model": "r", "model": "r"}')" = 400 ]
	run curl -sS -o refused -w '%{http_code}' "$SERVE/v1/chat/completions" -H "x-long: $(head -c 60000 large)" -d '{}'
	[[ $output == 431 || $output == 400 || $output == 413 || $status -ne 0 ]]
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(metric in_flight)" -eq 0 ]
}

# said BYTES - sends them as they are; prints the answer's first line, or nothing where there is none.
said() {
	local fd line=
	exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
	# shellcheck disable=SC2059 # the bytes are the format
	printf "$1" >&"$fd"
	read -r -t 2 -u "$fd" line || true
	exec {fd}>&-
	printf '%s\n' "${line%$'\r'}"
}

@test "HTTP that lies about its length, or is none, is refused or waits for the rest, and harms nobody" {
	start_stub
	start_serve -u "$STUB_URL" -o log --idle 1
	local bytes want first to='POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n' ok
	ok='{"model": "m", "messages": [{"role": "user", "content": "hi"}]}'
	# answered, to see that such an exchange works
	[[ $(said "${to}Content-Length: ${#ok}\r\n\r\n$ok") == *" 200 "* ]]
	while IFS='|' read -r want bytes; do
		first=$(said "${bytes/TO /$to}")
		[[ -z $first || $first == "HTTP/1.1 $want"* ]] || { echo "$bytes: $first"; return 1; }
	done <<'LIST'
4|GET
505|POST / HTTP/9.9\r\n\r\n
4|\x01\x02\r\n\r\n
4|TO Content-Length: -5\r\n\r\n
4|TO Content-Length: 99999999999999999999\r\n\r\n{}
4|TO Content-Length: 0x10\r\n\r\n{}
4|TO Content-Length: 50\r\n\r\n{}
4|TO Content-Length: 2\r\nContent-Length: 50\r\n\r\n{}
4|TO Transfer-Encoding: chunked\r\n\r\nzz\r\n
4|TO Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}
4|TO Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n2\r\n{}\r\n0\r\n\r\n
4|TO Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n
LIST
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	# what was told of a length that is too short is another request, and none of the first
	[ "$(jq -s 'map(select(.output)) | length' log/*.jsonl)" -eq 2 ]
	await in_flight 0
	[ "$(metric in_flight)" -eq 0 ]
}

@test "a client that sends a byte at a time gets its answer, and holds up nobody" {
	start_stub
	start_serve -u "$STUB_URL" -o log --idle 1
	local fd i request line
	request=$(body 'by and by')
	request=$(printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' "${#request}" "$request")
	exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
	for ((i = 0; i < ${#request}; i++)); do
		printf '%s' "${request:i:1}" >&"$fd"
		[ $((i % 40)) -ne 20 ] || [ "$(ask "beside $i" '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	done
	read -r -t 5 -u "$fd" line
	[[ $line == *" 200 "* ]]
	exec {fd}>&-
	[ "$(jq -r .output log/*.jsonl | tail -n 1)" = 'by and by' ]
	# one that stops in the middle is let go
	exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
	printf '%s' "${request:0:60}" >&"$fd"
	read -r -t 10 -u "$fd" line || [ $? -eq 1 ]
	exec {fd}>&-
}

@test "a target that hangs in the middle, closes between chunks or lies about its length is told from a whole answer" {
	start_stub
	start_serve -u "$STUB_URL" -o log --timeout 2
	local event='data: {"model": "m", "choices": [{"index": 0, "delta": {"content": "so far"}}]}\n\n' head whole
	head='HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n'
	whole='{"model": "m", "choices": [{"message": {"content": "so far"}, "finish_reason": "stop"}]}'
	local name more stream want bytes
	while IFS='|' read -r name more stream want bytes; do
		bytes=${bytes/HEAD /$head} bytes=${bytes/EVENT/$event} bytes=${bytes/WHOLE/$whole}
		bytes=${bytes/SIZE/$(printf '%x' $((${#event} - 2)))} bytes=${bytes/LENGTH/${#whole}}
		# shellcheck disable=SC2059 # the bytes are the format
		printf "$bytes" >"$name"
		rm -f got log/*.jsonl
		ask "stub{raw=$TMP/$name$more}" "{\"stream\": $stream}" -N -o got -w '%{http_code}' >code || true
		wait_for 1 'log/*.jsonl'
		[ "$(jq -r '.error.type // "whole"' log/*.jsonl)" = "$want" ] || { echo "$name: $(cat log/*.jsonl)"; return 1; }
		[ "$stream" = false ] || grep -q 'so far' got
		[ "$stream" = false ] || [ "$want" = whole ] || [ "$(jq -r .error.output log/*.jsonl)" = 'so far' ]
		# an event of the dialect ends what the target did not
		[ "$stream" = false ] || [ "$want" = whole ] ||
			[ "$(tail -n 2 got | sed -n 's/^data: //p' | jq -r .error.code)" = "$want" ]
	done <<'LIST'
hangs|;stay=1|true|timeout|HEAD \r\nEVENT
closes||true|dropped|HEAD Transfer-Encoding: chunked\r\n\r\nSIZE\r\nEVENT\r\n
no-chunk||true|dropped|HEAD Transfer-Encoding: chunked\r\n\r\nSIZE\r\nEVENT\r\nnonsense\r\n
ends||true|dropped|HEAD \r\nEVENT
shorter||false|dropped|HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nWHOLE
longer||false|bad_answer|HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nWHOLE
whole||false|whole|HTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\nWHOLE
to-the-end||false|whole|HTTP/1.0 200 OK\r\n\r\nWHOLE
no-http||false|broken|this is no HTTP at all\r\n\r\n
no-head||false|broken|HTTP/1.1 200 OK\r\nContent-
LIST
}

# many N BYTES - N header lines of so many bytes.
many() {
	seq "$1" | sed "s/.*/X-Header: $(head -c "$(($2 - 12))" /dev/zero | tr '\0' h)\r/"
}

@test "headers of a target that are too many, too long, before or behind its answer end the call in words" {
	start_stub
	start_serve -u "$STUB_URL" -o log --header-max 64K
	local ok='HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n' whole before
	whole='{"choices": [{"message": {"content": "whole"}, "finish_reason": "stop"}]}'
	{ printf "$ok"; many 1 120000; printf 'Content-Length: 2\r\n\r\n{}'; } >line
	{ printf "$ok"; many 300 1000; printf 'Content-Length: 2\r\n\r\n{}'; } >lines
	{ printf 'HTTP/1.1 100 Continue\r\n'; many 1 1000; printf '\r\n'; } >interim
	for _ in $(seq 300); do cat interim; done >before
	# what can be read but not passed on, and what can
	{ printf "$ok"; many 90 1000; printf 'Content-Length: %d\r\n\r\n%s' ${#whole} "$whole"; } >unfit
	{ printf "$ok"; many 60 1000; printf 'Content-Length: %d\r\n\r\n%s' ${#whole} "$whole"; } >fit
	local name want said
	while IFS='|' read -r name want said; do
		[ "$(ask "stub{raw=$TMP/$name}" '{}' -o got -w '%{http_code}')" = "$want" ]
		[[ $(cat got) == *"$said"* ]] || { echo "$name: $(cat got)"; return 1; }
	done <<'LIST'
line|502|a line of the answer's headers is longer than 100 KB
lines|502|the answer's headers are larger than 256 KB
before|502|the answer's headers are larger than 256 KB
unfit|502|its headers are larger than can be passed on (--header-max)
fit|200|whole
LIST
	# trailers: libcurl keeps each
	before=$(awk '/VmHWM/ { print $2 }' "/proc/$SERVE_PID/status")
	{ printf "${ok}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"; many 40000 1000; } >trailers
	ask "stub{raw=$TMP/trailers}" '{}' -o got || true
	wait_for 6 'log/*.jsonl'
	[[ $(tail -n 1 log/*.jsonl | jq -r .error.message) == *"the answer's headers are larger than 256 KB"* ]]
	[ -n "${FT_SANITIZED:-}" ] || [ "$(awk '/VmHWM/ { print $2 }' "/proc/$SERVE_PID/status")" -lt $((before + 20000)) ]
	# ft-prompt's own reader
	jq -c '.messages' <<<"$(body "stub{raw=$TMP/line}")" | jq -c '{messages: .}' >in.jsonl
	status_is 3 ft-prompt -q -m m in.jsonl
	[[ $output == *"a line of the answer's headers is longer than 100 KB"* ]]
}

@test "a clock that jumps changes the day of a record and nothing else, and removes no file" {
	[ -z "${FT_SANITIZED:-}" ] || skip "sanitizers want to be loaded first"
	start_stub
	mkdir log
	touch log/2020-01-01.jsonl "log/$(date -u -d '-20 days' +%F).jsonl"
	echo 0 >clock
	: >serve.err
	FT_CLOCK=$TMP/clock LD_PRELOAD=$BUILD/tests/clock.so start_serve -u "$STUB_URL" -o log --keep-days 30
	ask 'as it is' '{}' -o /dev/null
	await [ ! -e log/2020-01-01.jsonl ]
	[ ! -e log/2020-01-01.jsonl ]
	local jump day
	for jump in 345600000 -7200 -86400000; do
		echo "$jump" >clock
		sleep 0.6
		ask "moved by $jump" '{}' -o /dev/null
		ask "moved by $jump" '{"stream": true}' -o /dev/null
		day=$(date -u -d "@$(($(date +%s) + jump))" +%F)
		[ "$(jq -r .output "log/$day.jsonl" | grep -c "^moved by $jump\$")" -eq 2 ]
	done
	[ -e "log/$(date -u -d '-20 days' +%F).jsonl" ]
	[ -e "log/$(date -u +%F).jsonl" ]
	cat log/*.jsonl | jq -es 'length == 7 and all(.latency >= 0 and .latency < 60)'
	curl -sS "$SERVE/metrics" >metrics
	grep -q '^ft_serve_latency_seconds_count.* 7$' metrics
}

@test "thousands of idle connections are in nobody's way" {
	local n=500 i fd fds=()
	[ -z "${FT_SLOW:-}" ] || n=10000
	[ "$(ulimit -Hn)" = unlimited ] || [ "$(ulimit -Hn)" -gt $((n + 1000)) ] || skip "too few open files are allowed here"
	start_stub
	start_serve -u "$STUB_URL" -o log
	ulimit -Sn $((n + 200))
	for ((i = 0; i < n; i++)); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
		fds+=("$fd")
	done
	[ "$(find "/proc/$SERVE_PID/fd" -mindepth 1 | wc -l)" -ge "$n" ]
	for i in 1 2 3 4 5; do
		[ "$(ask "hello $i" '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	done
	# what an idle one takes of memory, in KB
	awk -v n="$n" '/^VmRSS/ { exit $2 - 30000 > 12 * n }' "/proc/$SERVE_PID/status"
	for fd in "${fds[@]}"; do
		exec {fd}>&-
	done
	await eval '[ "$(find "/proc/$SERVE_PID/fd" -mindepth 1 | wc -l)" -lt 60 ]'
	[ "$(find "/proc/$SERVE_PID/fd" -mindepth 1 | wc -l)" -lt 60 ]
	[ "$(wc -l <"$(echo log/*.jsonl)")" -eq 5 ]
}

@test "past what may be in flight the answer is 503, with a time to come again" {
	start_stub
	start_serve -u "$STUB_URL" -o log --memory 150K
	body 'stub{hang=1}' "$(jq -nc '{pad: ("x" * 90000)}')" >request
	curl -sS "$SERVE/v1/chat/completions" -d @request -o /dev/null 3>&- &
	local client=$!
	await in_flight 1
	[ "$(ask hello "$(jq -nc '{pad: ("x" * 80000)}')" -o refused -D head -w '%{http_code}')" = 503 ]
	[ "$(jq -r .error.code refused)" = busy ]
	grep -qi '^retry-after: 1' head
	kill "$client"
	await in_flight 0
	[ "$(ask hello "$(jq -nc '{pad: ("x" * 80000)}')" -o /dev/null -w '%{http_code}')" = 200 ]
	[ "$(metric refused_busy_total)" -eq 1 ]
}

@test "a share of the calls is written down, and the others are counted" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}], log: 0, shadow: [{model: "n", url: $a}]}}, default: "r"}'
	start_serve -r routes.json -o log
	ask one '{}' -o /dev/null
	ask two '{"stream": true}' -o /dev/null
	[ "$(metric kept_out_total)" -eq 2 ]
	[ "$(metric records_total)" -eq 0 ]
	[ "$(metric shadows_waiting)" -eq 0 ]
}

@test "a client that hangs up at the last event has had its whole answer" {
	start_stub
	routes '{routes: {r: {targets: [{model: "m", url: $a}], shadow: [{model: "n", url: $a}]}}, default: "r"}'
	start_serve -r routes.json -o log
	local fd line request
	request=$(body hello '{"stream": true}')
	exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
	printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' "${#request}" "$request" >&"$fd"
	while read -r line <&"$fd"; do
		[[ $line == 'data: [DONE]'* ]] && break
	done
	exec {fd}<&-
	wait_for 2 'log/*.jsonl'
	jq -e -s 'length == 2 and all(.output == "hello" and .error == null)' log/*.jsonl
	[ "$(metric clients_gone_total)" -eq 0 ]
}

@test "ten thousand messages and unknown roles are the target's business" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	jq -nc '{model: "m", messages: [range(10000) | {role: (["user", "assistant", "oracle"][. % 3]), content: "turn \(.)"}]}' >request
	[ "$(curl -sS -o answer -w '%{http_code}' "$SERVE/v1/chat/completions" -d @request)" = 200 ]
	[ "$(jq '.messages | length' log/*.jsonl)" -eq 10000 ]
}

@test "a client that reads slowly holds up its own call alone" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	body 'stub{size=30000000}' >request
	curl -sS "$SERVE/v1/chat/completions" -d @request -o slow --limit-rate 200K 3>&- &
	local client=$!
	await in_flight 1
	for i in 1 2 3 4 5; do
		[ "$(ask "hello $i" '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	done
	# what waits for the client is bounded, whatever the answer's size
	[ "$(metric in_flight_bytes)" -lt 40000000 ]
	kill "$client"
	wait_for 6 'log/*.jsonl'
}

@test "clients that begin and do not go on are in nobody's way" {
	start_stub
	start_serve -u "$STUB_URL" -o log --idle 1
	local fds=() fd
	for _ in $(seq 50); do
		exec {fd}<>"/dev/tcp/127.0.0.1/${SERVE##*:}"
		printf 'POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{' >&"$fd"
		fds+=("$fd")
	done
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
	for fd in "${fds[@]}"; do
		exec {fd}<&-
	done
	[ "$(ask hello '{}' -o /dev/null -w '%{http_code}')" = 200 ]
}

# --- others ---

@test "ft-prompt works against it, streamed and whole" {
	start_stub
	start_serve -u "$STUB_URL" -o log
	jq -nc 'range(20) | {id: "r\(.)", messages: [{role: "user", content: "question \(.)"}]}' >in.jsonl
	ft-prompt -m stub-echo -u "$SERVE/v1" in.jsonl >whole.jsonl
	ft-prompt -m stub-echo -u "$SERVE/v1" --stream in.jsonl >streamed.jsonl
	[ "$(jq -c '[.id, .output]' whole.jsonl)" = "$(jq -c '[.id, .output]' streamed.jsonl)" ]
	[ "$(wc -l <whole.jsonl)" -eq 20 ]
	[ "$(cat log/*.jsonl | wc -l)" -eq 40 ]
}

@test "systemd passes a socket and is told when all is ready" {
	command -v systemd-socket-activate >/dev/null || skip "no systemd-socket-activate here"
	start_stub
	systemd-socket-activate -l 127.0.0.1:18471 ft-serve -u "$STUB_URL" -o log 3>&- >activate.log 2>&1 &
	SERVE_PID=$!
	curl -sS --retry 20 --retry-connrefused -o /dev/null http://127.0.0.1:18471/health
	grep -q 'listening at http://127.0.0.1:18471' activate.log
}
