#!/usr/bin/env bats
# The test server as other people's clients see it: if they read it as the real thing, so may our
# own tests. `make peers` installs them.

load helper

PEERS=${FT_PEERS:-$ROOT/build/peers}

# client NAME PACKAGE - runs tests/peer/NAME.mjs against the stub; its findings are in $output.
client() {
	command -v node >/dev/null || skip "no node"
	[ -d "$PEERS/node_modules/$2" ] || skip "npm package $2 is not installed (make peers)"
	start_stub
	# Packages are looked for beside the script.
	mkdir app
	cp "$ROOT/tests/peer/$1.mjs" app/
	ln -s "$PEERS/node_modules" app/node_modules
	status_is 0 node "app/$1.mjs" "$STUB_URL"
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

@test "the @anthropic-ai/sdk package reads answers, streams, tools and errors" {
	client anthropic @anthropic-ai/sdk
	[ "$(jq -c '[.plain, .stream]' <<<"$output")" = \
		'[["message","hello é 漢字","end_turn",true],["streamed é 漢字 words","end_turn",true]]' ]
	[ "$(jq -c '[.tool, .retried, .auth]' <<<"$output")" = '[["tool_use","look_up","tool_use"]," again",["AuthenticationError",401]]' ]
}
