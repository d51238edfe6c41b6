#!/usr/bin/env bats
# OpenAI's Responses API: ft-prompt and ft-judge against a server that refuses what the reference does not have. What a stream may hold
# is in unit/api-responses.c, what a request says in unit/api-requests.c; whether the server is like the real one in peer.bats.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model

# ask TEXT [OPTION...] - the answer to one question.
ask() {
	jq -nc --arg t "$1" '{id: "x", messages: [{role: "user", content: $t}]}' >ask.jsonl
	run --separate-stderr timeout 60 ft-prompt -q -m m --api responses "${@:2}" ask.jsonl
}

# both TEXT [OPTION...] - the same, streamed and not, which must be the same record; sets $one to it.
both() {
	local less='del(.messages, .latency, .ttft, .request_id)'
	ask "$@"
	one=$(jq -cS "$less" <<<"$output")
	ask "$@" --stream
	[ "$(jq -cS "$less" <<<"$output")" = "$one" ] || { echo "$output $one $stderr"; false; }
}

@test "a conversation with tools is sent as items, and nothing is stored unasked" {
	start_stub --key sk-test-key --log log
	jq -nc '{id: "a", messages: [{role: "system", content: "be brief"}, {role: "user", content: "hi", name: "ann"},
		{role: "assistant", content: null, tool_calls: [{id: "t1", type: "function",
			function: {name: "f", arguments: "{\"a\": 1}"}}]},
		{role: "tool", tool_call_id: "t1", content: "42"}, {role: "user", content: [{type: "text", text: "so?"}]}],
		tools: [{type: "function", function: {name: "f", description: "d", parameters: {type: "object"}}}]}' >in.jsonl
	status_is 0 ft-prompt -q -m m --api responses --max-tokens 90 -T 0.5 in.jsonl
	[ "$(jq -c '[.output, .finish_reason, .model, .usage.input_tokens > 0]' <<<"$output")" = '["so?","stop","m",true]' ]
	jq -e '.body == {model: "m", input: [{role: "system", content: "be brief"}, {role: "user", content: "hi"},
		{type: "function_call", call_id: "t1", name: "f", arguments: "{\"a\": 1}"},
		{type: "function_call_output", call_id: "t1", output: "42"},
		{role: "user", content: [{type: "input_text", text: "so?"}]}],
		max_output_tokens: 90, temperature: 0.5,
		tools: [{type: "function", name: "f", description: "d", parameters: {type: "object"}, strict: false}], store: false}' log
	[[ $(jq -r .request log) == "POST /v1/responses "* ]]
	[ "$(jq -r .key log)" = bearer ]
	ask hi -u "$STUB_URL/responses" --extra '{"store": true}'
	[ "$(jq -r .output <<<"$output")" = hi ]
	[ "$(tail -n 1 log | jq .body.store)" = true ]
}

@test "text, calls, refusals, reasoning and ends before the end give the same record streamed and not" {
	start_stub
	both 'streamed é 漢字 words'
	[ "$(jq -c '[.output, .finish_reason]' <<<"$one")" = '["streamed é 漢字 words","stop"]' ]
	both 'stub{body=tool}'
	jq -e '.output == "" and .finish_reason == "tool_calls" and .tool_calls == [{id: "call_1", type: "function",
		function: {name: "look_up", arguments: "{\"q\": 12345678901234567890}"}}]' <<<"$one"
	both 'stub{body=refusal}'
	[ "$(jq -c '[.output, .refusal]' <<<"$one")" = '["","I will not."]' ]
	both 'stub{body=reasoning;reasoning=7}why' --extra '{"reasoning": {"summary": "auto"}}'
	[ "$(jq -c '[.output, .reasoning, .usage.output_tokens_details.reasoning_tokens]' <<<"$one")" = \
		'["why","It wants to be answered.",7]' ]
	both 'stub{body=length}cut'
	[ "$(jq -c '[.output, .finish_reason]' <<<"$one")" = '["cut","length"]' ]
	both 'stub{body=empty}'
	[ "$(jq -c '[.error.type, has("output")]' <<<"$one")" = '["empty",false]' ]
	ask 'stub{body=failed;times=1}again' --stream
	[ "$(jq -c '[.output, .attempts]' <<<"$output")" = '["again",2]' ]
	both 'stub{body=failed}' --retries 0
	[ "$(jq -c '[.error.type, .error.status]' <<<"$one")" = '["api",500]' ]
	ask 'stub{drop=middle}' --retries 0 --stream
	[ "$(jq -r .error.type <<<"$output")" = dropped ]
}

@test "a schema is the format of the text, beside what --extra says of it" {
	start_stub --log log
	echo '{"type":"object","properties":{"due":{"type":"string"}},"required":["due"],"additionalProperties":false}' >schema.json
	both when --schema schema.json --extra '{"text": {"verbosity": "low"}}'
	[ "$(jq -r .output <<<"$one")" = '{"due":"when"}' ]
	jq -e '.body.text | .verbosity == "low" and .format.type == "json_schema" and .format.strict
		and (.format.schema | has("properties"))' log
	jq -nc '{id: "r", messages: [{role: "user", content: "when"}], response_format: {type: "json_schema",
		json_schema: {name: "n", schema: {type: "object", properties: {at: {type: "string"}}}}}}' >in.jsonl
	status_is 0 ft-prompt -q -m m --api responses in.jsonl
	[ "$(jq -r .output <<<"$output")" = '{"at":"when"}' ]
}

@test "log probabilities, prices of cached and of thought tokens" {
	start_stub
	both word --logprobs 2
	[ "$(jq -c '[.logprobs[].top_logprobs | length]' <<<"$one")" = '[2]' ]
	jq -n '{m: {input_cost_per_token: 1, cache_read_input_token_cost: 0.1, output_cost_per_token: 10,
		max_output_tokens: 99}}' >prices.json
	# 26 in, of which 10 from the cache, and 2 out with 3 of thought: 16 + 1 + 50
	both 'stub{hidden=14;cached=10;tokens=2;reasoning=3}' --prices prices.json
	[ "$(jq -c '[.usage.input_tokens, .cost]' <<<"$one")" = '[26,67]' ]
	ask hi --prices prices.json --max-cost 1
	[ "$(jq -r .error.type <<<"$output")" = max_cost ]
	ask hi --prices prices.json --max-cost 2000 --extra '{"max_output_tokens": 3}'
	[ "$(jq -r .output <<<"$output")" = hi ]
}

@test "what the API has not is refused before anything is sent" {
	start_stub
	ask hi --seed 1
	[ "$status" -eq 2 ]
	[[ $stderr == *"--seed: the Responses API has no such thing"* ]]
	ask hi --stop x
	[ "$status" -eq 2 ]
	[[ $stderr == *"--stop: the Responses API has no such thing"* ]]
	jq -nc '{id: "a", messages: [{role: "function", name: "f", content: "1"}, {role: "user", content: "so?"}]}' >in.jsonl
	status_is 3 ft-prompt -q -m m --api responses in.jsonl
	[[ $(jq -r .error.message <<<"$output") == *"role \"function\" has no counterpart"* ]]
	[ "$(curl -s "${STUB_URL%/v1}/stub/state" | jq .requests)" -eq 0 ]
}

@test "a model that reasons is asked as it wants it: without a temperature, for as long as it is told" {
	start_stub --fault 'refuse=temperature' --log log
	jq -nc 'range(5) | {id: "\(.)", messages: [{role: "user", content: "question \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -q -m m --api responses -T 0 --reasoning-effort low in.jsonl
	[ "$(jq -r .output <<<"$output" | tail -n 1)" = 'question 4' ]
	[ "$(jq -c 'select(.body.temperature == null) | .body.reasoning' log | sort | uniq -c | tr -s ' ')" = ' 5 {"effort":"low"}' ]
	[ "$(jq -r 'select(.body.temperature != null) | .did' log)" = fault ]
}

@test "batches name the endpoint, and their results are read as responses" {
	start_stub
	jq -nc 'range(3) | {id: "\(.)", messages: [{role: "user", content: "question \(.)"}]}' >in.jsonl
	status_is 0 ft-prompt -q -m m --api responses --to-batch in.jsonl
	[ "$(jq -c '[.method, .url, .body.store]' <<<"$output" | sort -u)" = '["POST","/v1/responses",false]' ]
	status_is 0 ft-prompt -q -m m --api responses --batch st.json --batch-poll 0.05 in.jsonl
	[ "$(jq -c '[.id, .output, .finish_reason]' <<<"$output")" = '["0","question 0","stop"]
["1","question 1","stop"]
["2","question 2","stop"]' ]
	# Results say what they are, whatever --api is.
	status_is 0 ft-prompt -q -m m --from-batch st.json.1.results.jsonl in.jsonl
	[ "$(jq -r .output <<<"$output" | tail -n 1)" = 'question 2' ]
}

@test "ft-judge has its verdicts from the Responses API, streamed too" {
	echo '{"match": "capital", "reply": "{\"critique\": \"fine\", \"verdict\": \"PASS\"}"}' >replies
	start_stub --replies replies --log log
	echo '{"id":"a","messages":[{"role":"user","content":"capital of France?"}],"output":"Paris"}' >in.jsonl
	for more in '' --stream; do
		status_is 0 ft-judge -q -m j --api responses $more in.jsonl
		[ "$(jq -c '[.judge.pass, .judge.critique]' <<<"$output")" = '[true,"fine"]' ]
	done
	[ "$(jq -r .request log | sort -u)" = 'POST /v1/responses HTTP/1.1' ]
}

@test "what ft-serve answers from a local model is read the same streamed and not" {
	mkdir model
	make_model model 7
	ft-serve -l 127.0.0.1:0 -m ./model 3>&- >serve.out 2>serve.err &
	# shellcheck disable=SC2034 # ended as the test server is
	STUB_PID=$!
	await grep -q 'listening at' serve.err
	url=$(sed -n 's/.*listening at //p' serve.err)
	export OPENAI_API_KEY=k OPENAI_BASE_URL=$url/v1
	echo '{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}' >schema.json
	for more in '--max-tokens 20' '--max-tokens 90 --schema schema.json'; do
		# shellcheck disable=SC2086 # several words
		ask hi -T 0 $more
		# usage differs: the second finds its prompt in the cache
		one=$(jq -c '[.output, .finish_reason, .error]' <<<"$output")
		# shellcheck disable=SC2086
		ask hi -T 0 $more --stream
		[ "$(jq -c '[.output, .finish_reason, .error]' <<<"$output")" = "$one" ]
	done
	jq -e '.finish_reason == "stop" and (.output | fromjson | .a | type == "number")' <<<"$output"
}
