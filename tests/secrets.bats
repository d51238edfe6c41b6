#!/usr/bin/env bats
# No secret is shown: a server that sends back what it was sent, in every place and form, does not
# get it into any file or onto any terminal.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load serve

KEY='sk-proj-Zq4/xY+77.ft_Key'
OTHER='hush-8841-Hush'

start_mirror() {
	rm -f mirror.port
	stub-mirror "$@" --port-file mirror.port 3>&- &
	MIRROR=$!
	URL=http://127.0.0.1:$(port_of mirror.port)/v1
}

teardown() {
	stop "${MIRROR:-}"
	stop "${SECOND:-}"
	stop "${SERVE_PID:-}"
}

# nothing_shown FILE... - no form of a secret stands in them.
nothing_shown() {
	local secret base
	for secret in "$KEY" "$OTHER"; do
		run ! grep -rqF -- "$secret" "$@"
		# What stands of it in base64 wherever it begins, less the characters that it shares.
		for base in '' a ab; do
			base=$(printf '%s%s' "$base" "$secret" | base64 -w 0 | cut -c 5-20)
			run ! grep -rqF -- "$base" "$@"
		done
		run ! grep -rqiF -- "$(printf '%s' "$secret" | od -An -v -tx1 | sed 's/ /\\u00/g' | tr -d '\n')" "$@"
		# Percent-encoded in part: what is left when the encoding is undone.
		run ! grep -rqF -- "$secret" <(cat -- "$@" | undo_percent)
	done
}

undo_percent() {
	local text
	text=$(tr -d '\0' | sed 's/\\/\\\\/g; s/%\([0-9A-Fa-f][0-9A-Fa-f]\)/\\x\1/g')
	printf '%b' "$text"
}

prepare() {
	export OPENAI_API_KEY=$KEY TOGETHER_API_KEY=$KEY HF_TOKEN=$KEY
	for i in 1 2; do
		echo "{\"id\":\"$i\",\"messages\":[{\"role\":\"user\",\"content\":\"q$i\"}],\"output\":\"a\"}"
	done >in.jsonl
	for i in $(seq 12); do
		echo "{\"messages\":[{\"role\":\"user\",\"content\":\"q$i\"},{\"role\":\"assistant\",\"content\":\"a\"}]}"
	done >train.jsonl
}

# each FUNCTION AS... - calls it for a server that sends back what it was sent AS that, in each form: every
# one in a directory of its own, and all at once, for most of their time is waiting to try again.
each() {
	local as form pid pids=()
	for as in "${@:2}"; do
		for form in plain escaped percent base64; do
			mkdir -p "$as-$form/out"
			(
				cd "$as-$form" || exit
				start_mirror --as "$as" --form "$form"
				trap 'stop "$MIRROR"' EXIT
				"$1" "$as"
			) &
			pids+=($!)
		done
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
}

answers() {
	local stream=
	[ "$1" != stream ] || stream=--stream
	# shellcheck disable=SC2086
	ft-prompt -u "$URL" -m m -j 1 --retries 0 -H "X-Secret: $OTHER" --cache out/cache --max-errors 100 $stream ../in.jsonl \
		>out/answers 2>out/answers.err || :
	[ -s out/answers ]
	ft-judge -u "$URL" -m m -j 1 --retries 0 -H "X-Secret: $OTHER" -c good ../in.jsonl >out/judge 2>out/judge.err || :
	[ -s out/judge ]
	HF_ENDPOINT=${URL%/v1} HF_HOME=$PWD/home ft-pull org/m >out/pull 2>out/pull.err || :
	[ -s out/pull.err ]
	nothing_shown out/*
}

@test "what a server sends back shows no key and no header's value" {
	prepare
	each answers error answer stream html header
}

jobs_of() {
	ft-prompt -u "$URL" -m m --retries 0 -H "X-Secret: $OTHER" --batch out/batch --batch-poll 0.01 ../in.jsonl \
		>out/answers 2>out/answers.err || :
	[ -s out/answers ] || [ -s out/answers.err ]
	ft-train -q --poll 0.01 -m m --remote "$URL" -o out/job ../train.jsonl >out/rows 2>out/rows.err || :
	[ -s out/rows.err ]
	find out -type f -exec cat {} + >all
	nothing_shown all
}

@test "batches and jobs at a provider show none" {
	prepare
	each jobs_of error answer html
}

@test "headers stay with the host that they were given for" {
	prepare
	stub-mirror --as answer --port-file second.port 3>&- &
	SECOND=$!
	start_mirror --as answer --location "http://localhost:$(port_of second.port)"
	ft-prompt -u "$URL" -m m --retries 0 -H "X-Secret: $OTHER" --batch state --batch-poll 0.01 in.jsonl >out 2>err || :
	cat out err
	grep -q 'GET /v1/files' out
	run ! grep -qi 'x-secret' out
	run ! grep -qi 'authorization' out
}

@test "a key over plain http to another machine is warned of" {
	prepare
	status_is 3 ft-prompt -u http://0.0.0.0:9/v1 -m m --retries 0 in.jsonl
	[[ $stderr == *"the key is sent over plain http, where others can read it"* ]]
	status_is 2 env HF_ENDPOINT=http://0.0.0.0:9 ft-pull --retries 0 org/name
	[[ $stderr == *"HF_TOKEN is sent over plain http"* ]]
	start_mirror --as error
	local away=http://0.0.0.0:${URL#*:*:}
	# A password in the address is as good as a key.
	status_is 2 env -u HF_TOKEN HF_ENDPOINT=http://me:hush-8841@0.0.0.0:9 ft-pull --retries 0 org/name
	[[ $stderr == *"the password in HF_ENDPOINT is sent over plain http"* ]]
	status_is 2 ft-train --remote "$away" -m m -o one train.jsonl
	[[ $stderr == *"the key is sent over plain http"* ]]
	status_is 2 env TOGETHER_BASE_URL="$away" ft-train --remote together -m m -o two train.jsonl
	[[ $stderr == *"the key is sent over plain http"* ]]
	# Nothing goes out, or nobody is on the way.
	status_is 2 env -u OPENAI_API_KEY ft-train --remote "$away" -m m -o three train.jsonl
	[[ $stderr != *"plain http"* ]]
	status_is 2 ft-train --remote "$URL" -m m -o four train.jsonl
	[[ $stderr != *"plain http"* ]]
}

# plain KEY NAME - a routes file with one target at plain http.
plain() {
	jq -n --arg key "$1" --arg name "$2" \
		'{default: "r", routes: {r: {targets: [{name: $name, model: "m", url: "http://0.0.0.0:9/v1", key: $key}]}}}'
}

@test "ft-serve warns of targets that keys go to over plain http, once for each" {
	prepare
	start_serve -u http://0.0.0.0:9/v1
	stop_serve
	[ "$(grep -c 'the key is sent over plain http, where others can read it' serve.err)" -eq 1 ]
	# shellcheck disable=SC2016 # the name of the variable stands in the file
	plain '$OPENAI_API_KEY' first >routes.json
	status_is 1 ft-serve --check --routes routes.json
	[[ $stderr == *"first: the key is sent over plain http"* ]]
	plain none first >routes.json
	start_serve --routes routes.json
	run ! grep 'plain http' serve.err
	plain client second >routes.json
	for times in 1 2; do
		kill -HUP "$SERVE_PID"
		for _ in $(seq 1000); do
			[ "$(grep -c 'are in force' serve.err)" -lt "$times" ] || break
			sleep 0.01
		done
		[ "$(grep -c 'are in force' serve.err)" -eq "$times" ]
	done
	stop_serve
	[ "$(grep -c 'second: the key is sent over plain http' serve.err)" -eq 1 ]
}
