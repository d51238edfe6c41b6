#!/usr/bin/env bats
# examples/serve: the road from production to production, on counts and a model so small that the figures
# mean nothing, but every step is taken.
# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model
load serve

PEERS=${FT_PEERS:-$ROOT/build/peers}

teardown() {
	stop "${SERVE_PID:-}"
	stop "${STUB2_PID:-}"
	[ -z "${STORY:-}" ] || kill -TERM -- "-$STORY"
}

# story ARGS... - the example on few notes and a model with random weights.
story() {
	[ -d m ] || make_model m
	make -s -C "$ROOT/examples/serve" OUT="$TMP/out" BASE="$TMP/m" PATHS="$BUILD/bin:$BUILD/tests:$BUILD/examples" BUILT= \
		CAPTURE=40 LOOK=2 STEP=12 NEW=4 REPLAY=8 TRAIN='--full --steps 1' REPAIR='--full --steps 1' "$@"
}

# silent - nothing listens any more where the servers of the story did.
silent() {
	local url
	url=$(sed -n 's/.*listening at //p' out/serve.err)
	[ -n "$url" ]
	run ! curl -sS -m 5 "$url/health"
	run ! curl -sS -m 5 "http://127.0.0.1:$(cat out/big.port)/stub/state"
}

@test "serve: captured, split, trained, shadowed, weighed, drifted, rolled back and brought in again" {
	status_is 0 story GOAL='exact>=0'
	[[ $output == *"in force"* ]]
	[[ $output == *"2024, a year that the reference never does"* ]]
	[[ ${lines[-2]} == *" calls, "*" in shadow, 0 errors" ]]
	silent
	# Both generations ran in shadow beside the big model, on the same calls.
	jq -es 'map(select(.shadow)) | map(.model) | unique == ["./model-2023", "./model-2024"]' out/log/*.jsonl
	jq -es 'map(select(.feedback | not)) | group_by(.id) | map(select(any(.shadow)) | length == 2)
		| length >= 4 and all' out/log/*.jsonl
	# Of every call people's word came back; none is there twice.
	ft-serve --join out/log/*.jsonl >joined
	jq -es 'map(select(.shadow | not)) | (map(.id) | unique | length) == length and all(.ideal)' joined
	# At 100 % every note of its step was read by the model of this machine, and at 0 by the other.
	jq -es --slurpfile old out/january-calls.jsonl '$old | map(.model) | .[:12] | unique == ["./model-2023"]' <<<null
	jq -es '.[12:] | map(.model) | unique == ["big-model"]' out/january-calls.jsonl
	jq -e '.routes.payments.targets | map([.model, .weight]) == [["big-model", 0], ["./model-2024", 100]]' out/routes.json
}

@test "serve: a candidate that misses the gate stays at weight 0, and the servers are stopped" {
	status_is 2 story GOAL='exact>=0.5' LOOK=3
	# Open at the first look, decided at a later one.
	[[ $output == *"(exit 4)"*"Look 1 decides nothing yet."*"(exit 1)"* ]]
	[[ $stderr == *"did not pass the gate (exact>=0.5): its weight stays 0"* ]]
	jq -e '.routes.payments.targets | map(.weight) == [100, 0]' out/routes.json
	silent
}

@test "serve: what is stopped in the middle leaves no server behind" {
	make_model m
	setsid bash -c "$(declare -p ROOT BUILD TMP); $(declare -f story); story TRAIN='--full --steps 100000'" >told 2>&1 3>&- &
	STORY=$!
	await grep -q '^\$ ft-train' told
	kill -TERM -- "-$STORY"
	wait "$STORY" || :
	# make does not wait for what it ran.
	await eval '! pgrep -g "$STORY"'
	STORY=
	silent
}

@test "serve: the application asks the same in node, with curl and with bash alone" {
	notes=$BUILD/examples/notes
	"$notes" -n 12 | jq -c '.conversation = "c\(input_line_number / 2 | floor)"' >notes.jsonl
	jq -c -f "$ROOT/examples/serve/big.jq" notes.jsonl >replies.jsonl
	stub-chat --replies replies.jsonl --port-file stub2.port 3>&- >/dev/null 2>&1 &
	STUB2_PID=$!
	jq -n --arg url "http://127.0.0.1:$(port_of stub2.port)/v1" '{routes: {payments: {targets: [{model: "big-model", url: $url}],
		sticky: "metadata.conversation_id"}}}' >routes.json
	start_serve -r routes.json -o log
	local how
	for how in bash curl node; do
		case $how in
		curl) command -v curl >/dev/null || continue ;;
		node)
			command -v node >/dev/null || skip "no node"
			[ -d "$PEERS/node_modules/openai" ] || skip "npm package openai is not installed (make peers)"
			cp "$ROOT/examples/serve/app.mjs" .
			ln -s "$PEERS/node_modules" node_modules
			;;
		esac
		if [ $how = node ]; then
			node app.mjs "$SERVE/v1" notes.jsonl
		else
			"$ROOT/examples/serve/app.sh" $how "$SERVE/v1" notes.jsonl
		fi
		ft-serve --join log/*.jsonl | jq -cS '{messages, output, ideal, session, tags, params, error}' | sort >$how
		rm log/*.jsonl
		[ "$(wc -l <$how)" -eq 12 ]
		[ "$(jq -s 'map(select(.ideal and .output)) | length' $how)" -eq 12 ]
		cmp bash $how
	done
}

@test "serve: the application that cannot reach anything says so" {
	jq -nc '{messages: [{role: "user", content: "a"}, {role: "assistant", content: "b"}], conversation: "c", received: "2023-01-01"}' >n
	run ! "$ROOT/examples/serve/app.sh" curl http://127.0.0.1:1/v1 n
	run ! "$ROOT/examples/serve/app.sh" bash http://127.0.0.1:1/v1 n
}

@test "serve: the application stops at a call that fails, and nobody else's booking goes back for it" {
	stub-chat --reply read --port-file stub2.port 3>&- >/dev/null 2>&1 &
	STUB2_PID=$!
	start_serve -u "http://127.0.0.1:$(port_of stub2.port)/v1" -o log
	local how fault
	for fault in 'stub{status=500}' 'stub{status=400}' 'stub{drop=before}'; do
		jq -nc --arg fault "$fault" '("first", $fault, "third") | {messages: [{role: "user", content: .},
			{role: "assistant", content: "booked for \(.)"}], conversation: "c", received: "2023-01-01"}' >n
		for how in curl bash; do
			run ! "$ROOT/examples/serve/app.sh" $how "$SERVE/v1" n
		done
	done
	ft-serve --join log/*.jsonl >joined
	jq -es 'map(select(.ideal and .ideal != "booked for \(.messages[0].content)")) == []' joined
}

@test "serve: the whole story" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	status_is 0 make -s -C "$ROOT/examples/serve" OUT="$TMP/out" PATHS="$BUILD/bin:$BUILD/tests:$BUILD/examples" BUILT=
	[[ ${lines[-2]} == *" in shadow, 0 errors" ]]
	silent
}
