#!/usr/bin/env bats
# ft-serve with a local model: what it answers is what ft-prompt gets from the model itself, in every
# dialect, alone or among others.
# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model
load serve

PEERS=${FT_PEERS:-$ROOT/build/peers}

teardown() {
	stop "${SERVE_PID:-}"
}

# What holds an answer to the form of a call.
CALL='{"type": "object", "properties": {"name": {"const": "look"}, "parameters": {"type": "object",
	"properties": {"n": {"type": "integer", "minimum": 0, "maximum": 99}}, "required": ["n"], "additionalProperties": false}},
	"required": ["name", "parameters"], "additionalProperties": false}'
LOOK='{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}}}}'

# rows N - records: plain ones, some with tools and a form of a call, some with a schema.
rows() {
	jq -nc --argjson n "$1" --argjson call "$CALL" --argjson look "$LOOK" 'range($n) | {id: "r\(.)", messages: [
			{role: "system", content: "You are careful and answer in one word."},
			{role: "user", content: "Question \(.) \("what " * (. % 5))?"}]}
		+ if . % 4 == 1 then {tools: [$look],
			response_format: {type: "json_schema", json_schema: {name: "call", schema: $call}}}
		elif . % 4 == 3 then {response_format: {type: "json_schema", json_schema: {name: "x", schema: {type: "object",
			properties: {a: {enum: ["yes", "no"]}, b: {type: "boolean"}}, required: ["a", "b"], additionalProperties: false}}}}
		else {} end'
}

# What an answer is, less when and by whom it was given.
answers() {
	jq -cS 'del(.latency, .latency_batch, .ttft, .cost, .attempts, .request_id, .model)'
}

# asked DIALECT ARGS... - the rows through the server.
asked() {
	ft-prompt -q -m served -u "$SERVE/v1" --api "$1" "${@:2}" q.jsonl
}

@test "ft-prompt through the server gives what ft-prompt gives, in every mode" {
	make_calling_model m 3
	rows 8 >q.jsonl
	start_serve -m ./m -o log
	export OPENAI_API_KEY=any
	local mode
	while read -r mode; do
		# shellcheck disable=SC2086 # words
		ft-prompt -q -m ./m --max-tokens 150 $mode q.jsonl | answers >local
		# shellcheck disable=SC2086
		asked openai --max-tokens 150 $mode | answers >through
		cmp local through
		cat local >>all
		# shellcheck disable=SC2086
		asked openai --max-tokens 150 --stream $mode | answers >streamed
		cmp local streamed
	done <<'END'

-T 0.8 --top-p 0.9 --seed 5
-T 1 --seed 7 -N 3
--logprobs 3
--stop a --stop nn -T 1 --seed 2 -j 1
END
	jq -es 'any(.[]; .tool_calls)' all
	[ "$(jq -s 'map(select(.error)) | length' log/*.jsonl)" -eq 0 ]
}

@test "the other dialects give the same answers" {
	make_model m 3
	jq -nc 'range(6) | {id: "r\(.)", messages: [{role: "system", content: "Be short."},
		{role: "user", content: "Question \(.)"}]}' >q.jsonl
	start_serve -m ./m -o log
	export OPENAI_API_KEY=any ANTHROPIC_API_KEY=any
	ft-prompt -q -m ./m --max-tokens 30 q.jsonl | jq -c '[.id, .output, .finish_reason]' >local
	local dialect stream
	for dialect in anthropic responses; do
		for stream in '' --stream; do
			# shellcheck disable=SC2086
			asked $dialect --max-tokens 30 $stream | jq -c '[.id, .output, .finish_reason]' | cmp local -
		done
	done
	# ft-prompt asks the Responses API not to store, which keeps a call out of the log.
	[ "$(jq -s 'length' log/*.jsonl)" -eq 12 ]
	jq -es 'all(.output != null and .usage.total_tokens != 0 and .messages[0].role == "system")' log/*.jsonl
}

@test "several prompts of one request are a record each, with the answers to it" {
	make_model m 3
	start_serve -m ./m -o log
	local stream
	for stream in false true; do
		curl -sS "$SERVE/v1/completions" -o answer -d '{"model": "m", "n": 2, "prompt": ["one", "two"], "max_tokens": 3,
			"logprobs": 2, "temperature": 1, "seed": 4, "stream": '$stream'}'
	done
	[ "$(jq -c '[.sample, .prompt]' log/*.jsonl | paste -sd' ')" = \
		'[0,"one"] [1,"one"] [2,"two"] [3,"two"] [0,"one"] [1,"one"] [2,"two"] [3,"two"]' ]
	# streamed or whole
	[ "$(head -n 4 log/*.jsonl | jq -c '[.output, .logprobs]')" = "$(tail -n 4 log/*.jsonl | jq -c '[.output, .logprobs]')" ]
	jq -es 'all(.logprobs | length > 0 and all(.logprob <= 0 and (.top_logprobs | length >= 2)))' log/*.jsonl
}

@test "a call is read from the answer in every dialect, and its result goes back" {
	make_calling_model m 3
	start_serve -m ./m -o log
	local schema
	schema=$(jq -nc --argjson s "$CALL" '{type: "json_schema", name: "x", schema: $s}')
	curl -sS "$SERVE/v1/messages" -d "$(jq -nc --argjson f "$schema" '{model: "m", max_tokens: 200, tools: [{name: "look", input_schema:
		{type: "object"}}], output_format: $f, messages: [{role: "user", content: "a"}]}')" >answer
	jq -e '.stop_reason == "tool_use" and .content[0].type == "tool_use" and .content[0].name == "look" and (.content[0].input.n | type)
		== "number"' answer
	jq -c '{model: "m", max_tokens: 5, messages: [{role: "user", content: "a"}, {role: "assistant", content: .content},
		{role: "user", content: [{type: "tool_result", tool_use_id: .content[0].id, content: "7"}]}]}' answer >request
	curl -sS "$SERVE/v1/messages" -d @request >answer
	jq -e '.type == "message" and .content[0].type == "text"' answer
	curl -sS "$SERVE/v1/responses" -d "$(jq -nc --argjson f "$schema" '{model: "m", max_output_tokens: 200, tools: [{type: "function",
		name: "look", parameters: {type: "object"}}], text: {format: $f}, input: "a"}')" >answer
	jq -e '.status == "completed" and .output[0].type == "function_call" and .output[0].name == "look"
		and (.output[0].arguments | fromjson | .n | type) == "number"' answer
	jq -c '{model: "m", max_output_tokens: 5, input: [{role: "user", content: "a"}, .output[0],
		{type: "function_call_output", call_id: .output[0].call_id, output: "7"}]}' answer >request
	curl -sS "$SERVE/v1/responses" -d @request >answer
	jq -e '.output[0].type == "message" and .usage.output_tokens > 0' answer
	jq -es '[.[].tool_calls[0].function.name?] | map(select(. == "look")) | length == 2' log/*.jsonl
}

@test "what can't be honoured is refused by name, and written down as an error" {
	make_model m
	start_serve -m ./m -o log
	local name value
	while read -r name value; do
		curl -sS -o answer -w '%{http_code}' "$SERVE/v1/chat/completions" \
			-d "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"$name\": $value}" >status
		[ "$(cat status)" = 400 ]
		jq -e --arg n "$name" '.error | .type == "invalid_request_error" and .param == $n and (.message | contains($n))' answer
	done <<'END'
logit_bias {"1": 5}
presence_penalty 1
reasoning_effort "high"
prediction {"type": "content", "content": "a"}
unheard 0
n 1000
max_tokens -1
END
	[ "$(jq -s 'map(select(.error.status == 400)) | length' log/*.jsonl)" -eq 7 ]
	# the template of this model writes no calls
	curl -sS -o answer -w '%{http_code}' "$SERVE/v1/chat/completions" \
		-d "$(jq -nc --argjson look "$LOOK" '{messages: [{role: "user", content: "a"}], tools: [$look]}')" >status
	[ "$(cat status)" = 400 ]
	jq -e '.error.param == "tools"' answer
}

@test "many clients at once get the answers that one gets alone" {
	make_model m 2
	jq -nc 'range(40) | {messages: [{role: "system", content: "Something that all of them share, so that it is read once."},
		{role: "user", content: "Question \(.) \("what " * (. % 7))"}],
		max_tokens: (8 + . % 13), temperature: 0.9, seed: .}' >bodies
	split -l 1 -a 2 -d bodies body.
	start_serve -m ./m -o log
	local f gone=()
	for f in body.??; do curl -sS "$SERVE/v1/chat/completions" -d @"$f" | jq -c .choices; done >alone
	for f in body.??; do printf 'url = %s\ndata = @%s\noutput = got.%s\n' "$SERVE/v1/chat/completions" "$f" "${f#body.}"; done |
		sed 's/^url/next\nurl/' | sed 1d >config
	curl -sS -Z --parallel-max 64 --parallel-immediate -K config
	for f in got.??; do jq -c .choices "$f"; done | cmp alone -
	# Some go in the middle of their answers; the others' stay what they are.
	rm got.??
	jq -c '.stream = true | .max_tokens = 400' body.00 >long
	for f in 1 2 3 4 5; do
		curl -sS -N "$SERVE/v1/chat/completions" -d @long -o "long.$f" 3>&- &
		gone+=($!)
	done
	for f in 1 2 3 4 5; do await [ -s "long.$f" ]; done
	(sleep 0.1; kill "${gone[@]}") 3>&- &
	curl -sS -Z --parallel-max 16 --parallel-immediate -K config
	wait "${gone[@]}" || :
	for f in got.??; do jq -c .choices "$f"; done | cmp alone -
}

@test "feedback is put beside the call that it is about, and ideal makes it a training row" {
	make_model m
	start_serve -m ./m -o log
	curl -sS -D head -o answer "$SERVE/v1/chat/completions" \
		-d '{"model": "x", "max_tokens": 4, "messages": [{"role": "user", "content": "a"}]}'
	local record
	record=$(sed -n 's/^x-ft-record: \([^\r]*\).*/\1/p' head)
	curl -sS "$SERVE/v1/feedback" -d "{\"record\": \"$record\", \"value\": false, \"ideal\": \"b\"}" >/dev/null
	stop_serve
	ft-serve --join log/*.jsonl >joined
	jq -e --arg r "$record" 'select(.id == $r) | .ideal == "b" and .output != null and .feedback.value == false' joined
}

@test "a model that does not load is named, and the others serve" {
	make_model m
	mkdir broken
	echo '{"model_type": "llama"}' >broken/config.json
	jq -n '{routes: {a: {targets: [{name: "good", model: "./m"}]}, b: {targets: [{name: "bad", model: "./broken"}]}},
		default: "a"}' >routes.json
	start_serve -r routes.json -o log
	grep -q broken serve.err
	curl -sS "$SERVE/v1/chat/completions" -d '{"model": "a", "max_tokens": 4, "messages": [{"role": "user", "content": "a"}]}' >answer
	jq -e '.choices[0].message.content' answer
	curl -sS -o answer -w '%{http_code}' "$SERVE/v1/chat/completions" \
		-d '{"model": "b", "max_tokens": 4, "messages": [{"role": "user", "content": "a"}]}' >status
	[ "$(cat status)" -ge 500 ]
	status_is 2 timeout "$(patience 20)" ft-serve -l 127.0.0.1:0 -m ./broken
	[[ $stderr == *broken* ]]
}

# client NAME PACKAGE - runs tests/peer/NAME.mjs against the served model; its findings are in $output.
client() {
	command -v node >/dev/null || skip "no node"
	[ -d "$PEERS/node_modules/$2" ] || skip "npm package $2 is not installed (make peers)"
	make_calling_model m 3
	start_serve -m ./m
	mkdir app
	cp "$ROOT/tests/peer/$1.mjs" app/
	ln -s "$PEERS/node_modules" app/node_modules
	status_is 0 node "app/$1.mjs" "$SERVE" "$CALL"
}

@test "the openai package reads a served model's answers, streams, tools, schemas and refusals" {
	client served-openai openai
	jq -e '.chat[0] == .chat[1] and .usage[0] == .usage[1]' <<<"$output"
	jq -e '.tool == ["tool_calls", "look", "number"] and .streamed_tool == .tool and .logprobs == [true, 2]' <<<"$output"
	jq -e '.choices == 3 and .refused == ["BadRequestError", 400, "logit_bias"]' <<<"$output"
	jq -e '.responses[0] == .responses[1] and .responses[0] == .chat[0] and .response_tool == ["function_call", "look"]' <<<"$output"
	jq -e '.events[:4] == ["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]
		and (.events[-1] | startswith("response."))' <<<"$output"
	jq -e '.completion[0] == .completion[1]' <<<"$output"
}

@test "the @anthropic-ai/sdk package reads a served model's answers, streams, tools and refusals" {
	client served-anthropic @anthropic-ai/sdk
	jq -e '.message[0] == .message[1] and .usage[0] == .usage[1] and .stop[0] == "max_tokens"' <<<"$output"
	jq -e '.tool == ["tool_use", "look", "number"] and .streamed_tool == .tool' <<<"$output"
	jq -e '.sequence[0] == "stop_sequence" and .refused == ["BadRequestError", 400, "invalid_request_error"]' <<<"$output"
}
