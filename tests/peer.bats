#!/usr/bin/env bats
# The test server as other people's clients see it: if they read it as the real thing, so may our
# own tests. `make peers` installs them.

load helper

PEERS=${FT_PEERS:-$ROOT/build/peers}

# client NAME PACKAGE [through] - runs tests/peer/NAME.mjs against the stub, or through ft-serve; its
# findings are in $output.
client() {
	command -v node >/dev/null || skip "no node"
	[ -d "$PEERS/node_modules/$2" ] || skip "npm package $2 is not installed (make peers)"
	start_stub
	[ "${3:-}" = "" ] || start_between
	# Packages are looked for beside the script.
	mkdir app
	cp "$ROOT/tests/peer/$1.mjs" app/
	ln -s "$PEERS/node_modules" app/node_modules
	status_is 0 node "app/$1.mjs" "$STUB_URL"
}

# start_between - puts ft-serve before the stub: STUB_URL becomes its address.
start_between() {
	ft-serve -l 127.0.0.1:0 -u "$STUB_URL" -o log 3>&- 2>serve.err &
	SERVE_PID=$!
	await grep -q 'listening at' serve.err
	STUB_URL=$(sed -n 's/.*listening at //p' serve.err)/v1
}

teardown() {
	stop "${SERVE_PID:-}"
	stop_stub
}

@test "the openai package reads answers, streams, tools, schemas, errors and batches" {
	client openai openai
	[ "$(jq -c '[.plain, .stream]' <<<"$output")" = \
		'[["chat.completion","hello é 漢字","stop",true,true],["streamed é 漢字 words","stop",true]]' ]
	[ "$(jq -c '[.tool, .schema, .retried, .logprobs]' <<<"$output")" = '[[null,"look_up","tool_calls"],{"due":"monday"}," again",2]' ]
	[ "$(jq -c '[.auth[:2], .bad[:2], .gone[:2], .down[:2]]' <<<"$output")" = \
		'[["AuthenticationError",401],["BadRequestError",400],["NotFoundError",404],["InternalServerError",500]]' ]
	[ "$(jq -c .batch <<<"$output")" = '[["validating","in_progress","completed"],"a","in a batch"]' ]
}

@test "the openai package reads the Responses API: streams, tools, schemas, reasoning that goes round, refusals, errors, batches" {
	client openai-responses openai
	[ "$(jq -c '[.plain, .stream]' <<<"$output")" = \
		'[["response","hello é 漢字","completed",true,false,true],'\
'["streamed é 漢字 words","streamed é 漢字 words","completed",true]]' ]
	jq -e '.counted and .events == ["created", "in_progress", "output_item.added", "content_part.added", "output_text.delta",
		"output_text.done", "content_part.done", "output_item.done", "completed"]' <<<"$output"
	[ "$(jq -c .gathered <<<"$output")" = '["gathered words","gathered words",["reasoning","message"],"It wants to be answered."]' ]
	[ "$(jq -c '[.tool, .toolStream, .round]' <<<"$output")" = '[["function_call","look_up",true,""],[true,"call_1"],"and then"]' ]
	[ "$(jq -c '[.reasoning, .reasoned]' <<<"$output")" = '[[["reasoning","message"],true,7],[true,"go on"]]' ]
	[ "$(jq -c '[.schema, .logprobs, .retried]' <<<"$output")" = '[{"due":"monday"},2," again"]' ]
	[ "$(jq -c '[.refusal, .length, .failed]' <<<"$output")" = \
		'[["refusal",""],["incomplete","max_output_tokens"],["failed","server_error"]]' ]
	jq -e '[.auth, .unknown, .orphan, .part] == [["AuthenticationError", 401, null], ["BadRequestError", 400, "max_tokens"],
		["BadRequestError", 400, "input"], ["BadRequestError", 400, "input"]]' <<<"$output"
	[ "$(jq -c .batch <<<"$output")" = '["a","response","in a batch"]' ]
}

@test "the @anthropic-ai/sdk package reads answers, streams, tools and errors" {
	client anthropic @anthropic-ai/sdk
	[ "$(jq -c '[.plain, .stream]' <<<"$output")" = \
		'[["message","hello é 漢字","end_turn",true],["streamed é 漢字 words","end_turn",true]]' ]
	[ "$(jq -c '[.tool, .retried, .auth]' <<<"$output")" = '[["tool_use","look_up","tool_use"]," again",["AuthenticationError",401]]' ]
}

@test "both packages read the same through ft-serve, and each of their calls is a record" {
	local script package direct
	while read -r script package; do
		client "$script" "$package"
		stop_stub
		direct=$output
		rm -rf app log
		client "$script" "$package" through
		[ "$output" = "$direct" ]
		jq -e -s 'length > 3 and any(.tool_calls)
			and any(.output == "streamed é 漢字 words" or .output == "gathered words")' log/*.jsonl
		[ "$script" != openai ] || jq -e -s 'length > 8 and any(.error.status == 400)' log/*.jsonl
		stop "$SERVE_PID"
		stop_stub
		rm -rf app
	done <<'LIST'
openai openai
openai-responses openai
anthropic @anthropic-ai/sdk
LIST
}
