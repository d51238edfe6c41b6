#!/usr/bin/env bats
# ft-train --remote: rows are checked and sent, a job is created once and followed to its end,
# against a server that speaks the providers' APIs.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

serve() {
	rm -f "$TMP/stub.port"
	stub-finetune --port-file "$TMP/stub.port" --log "$TMP/requests" "$@" 3>&- >"$TMP/stub.log" 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	local at
	at=http://127.0.0.1:$(port_of "$TMP/stub.port")
	export OPENAI_BASE_URL=$at/v1 TOGETHER_BASE_URL=$at/v1 FIREWORKS_BASE_URL=$at
	export OPENAI_API_KEY=sk-test-key TOGETHER_API_KEY=sk-test-key FIREWORKS_API_KEY=sk-test-key FIREWORKS_ACCOUNT_ID=team
	jq -nc 'range(12)
		| {id: "r\(.)", note: "stays here", messages: [{role: "user", content: "question \(.)"},
				{role: "assistant", content: "answer \(.)"}]}' >train.jsonl
	jq -nc '{id: "v", split: "valid", messages: [{role: "user", content: "v"}, {role: "assistant", content: "w"}]}' >>train.jsonl
	jq -nc '{id: "t", split: "test", messages: [{role: "user", content: "secret"}, {role: "assistant", content: "test"}]}' >>train.jsonl
}

train() {
	ft-train -q --poll 0.01 -m base-model "$@"
}

@test "a job at an API like OpenAI's: upload, create, follow, fetch" {
	serve
	train --remote openai -o out --epochs 2 --suffix team train.jsonl >rows.jsonl
	jq -se '.[-1] | .end == "done" and .model == "ft:stub:team::1" and .trained_tokens == 4242 and .files == 1' rows.jsonl
	jq -se '[.[] | select(.loss)] | length == 2 and .[0].step == 2 and .[1].loss < .[0].loss' rows.jsonl
	cmp rows.jsonl out/metrics.jsonl
	jq -e '.model == "ft:stub:team::1" and .base_model == "base-model"' out/ft.json
	grep -q train_loss out/file-result.csv
	[ "$(wc -l <out/upload-train.jsonl)" -eq 12 ]
	[ "$(wc -l <out/upload-valid.jsonl)" -eq 1 ]
	jq -se 'all(.[]; keys == ["messages"])' out/upload-train.jsonl
	run ! grep -q secret out/upload-*.jsonl
	run ! grep -rq sk-test-key out "$TMP/stub.log"
}

@test "a table of losses in base64 is decoded, a server without events is followed by its status, a BOM is passed over" {
	serve --fault base64,mute,bom
	status_is 0 ft-train --poll 0.01 -m base-model --remote openai -o out train.jsonl
	[ "$(cat out/file-result.csv)" = 'step,train_loss
1,1.0' ]
	[ "$(jq -c '[.end, .model]' <<<"$output")" = '["done","ft:stub:team::1"]' ]
	# What is known of the end of that service, and not of a server at an address of its own.
	[[ $stderr == *"until 2027-01-06"* ]]
	[ "$(grep -c /events requests)" -eq 1 ]
	status_is 0 ft-train --poll 0.01 -m base-model --remote "$OPENAI_BASE_URL" -o out2 train.jsonl
	[[ $stderr != *2027* ]]
	status_is 0 train --remote together -o out3 train.jsonl
	[ "$(jq -c .end <<<"$output")" = '"done"' ]
}

@test "what cannot be fetched of a job that succeeded hides neither the model nor the end, with --resume too" {
	serve --fault gone
	status_is 0 ft-train --poll 0.01 -m base-model --remote openai -o out train.jsonl
	[[ $stderr == *"the new model is ft:stub:team::1; a table of it could not be fetched: "*"status 404"*"--resume tries again"* ]]
	jq -e '.end == "done" and .model == "ft:stub:team::1" and .files == 0' out/ft.json
	status_is 0 ft-train --poll 0.01 -m base-model --remote openai -o out --resume train.jsonl
	[[ $stderr == *"the new model is ft:stub:team::1"* ]]
	# Weights are what was paid for.
	status_is 2 train --remote together -o weights train.jsonl
	[[ $stderr == *"the new model is team/tuned; it could not be fetched: "*"status 404"* ]]
	jq -e '.end == "done" and .model == "team/tuned" and .files == 0' weights/ft.json
	status_is 2 train --remote together -o weights --resume train.jsonl
	jq -e '.model == "team/tuned"' weights/ft.json
}

@test "an error in an array, and an answer that is none, are told as the server's" {
	serve --fault google
	status_is 2 train --remote openai -o out train.jsonl
	[[ $stderr == *"POST "*"/fine_tuning/jobs: status 400: no such tuning" ]]
	stop_stub
	stub-chat --port-file port --fault 'type=text/html' 3>&- >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	status_is 2 train --remote "http://127.0.0.1:$(port_of port)/v1" -o other train.jsonl
	[[ $stderr == *"no id"* || $stderr == *"no JSON"* || $stderr == *"status 404"* ]]
	[[ $stderr != *train.jsonl* ]]
}

@test "long lists of events are read page by page, each event once and in order" {
	serve --fault events=350
	train --remote openai -o out train.jsonl | jq -se '[.[] | .step // empty] == [range(2; 351)]'
}

@test "as many events as there are come in one look, and a server that gives one page again and again ends it" {
	serve --fault events=25000
	train --remote openai -o out train.jsonl | jq -se '[.[] | .step // empty] == [range(2; 25001)]'
	stop_stub
	serve --fault events=300,stuck
	train --remote openai -o other train.jsonl | jq -se '[.[] | .step // empty] == [range(201; 301)]'
}

@test "a job whose state never becomes known is not followed for ever, and --resume looks again" {
	for provider in openai together fireworks; do
		serve --fault word=BREWING
		status_is 2 train --remote $provider -o $provider train.jsonl
		[[ $stderr == *"its state is \""*"BREWING\", looked at 60 times, which is none that is known; --resume looks again"* ]]
		stop_stub
		# one that is known again in time is followed to its end
		serve --fault word=BREWING/40
		train --remote $provider -o later-$provider train.jsonl | jq -se '.[-1].end == "done"'
		stop_stub
	done
	# Fireworks's other ends
	serve --fault word=EARLY_STOPPED
	train --remote fireworks -o early train.jsonl | jq -se '.[-1].end == "done"'
	stop_stub
	serve --fault word=EXPIRED
	status_is 2 train --remote fireworks -o expired train.jsonl
	[ "$(jq -r .end expired/ft.json)" = failed ]
}

@test "rate limits are waited for, and a job whose creation was not answered is not created twice" {
	for provider in openai together fireworks; do
		rm -f requests
		serve --fault rate,drop-create
		train --remote $provider -o $provider train.jsonl | jq -se '.[-1].end == "done"'
		case $provider in
		openai) [ "$(grep -c 'POST /v1/fine_tuning/jobs$' requests)" -eq 2 ] ;; # one was turned away by the limit
		together) [ "$(grep -c 'POST /v1/fine-tunes$' requests)" -eq 2 ] ;;
		esac
		stop_stub
	done
}

@test "Together: the file goes to the storage without the key, weights come back" {
	serve
	train --remote together -o out --rank 8 --lr 1e-4 train.jsonl | jq -se '.[-1] | .end == "done" and .model == "team/tuned"
		and .trained_tokens == 777'
	[ "$(cat out/weights.tar.zst)" = "weights of the stub" ]
	grep -q '^PUT /storage/0' requests
}

@test "weights that break off on the way are fetched again, and stand there whole or not at all" {
	serve --fault cut
	train --remote together -o out train.jsonl | jq -se '.[-1].end == "done"'
	[ "$(cat out/weights.tar.zst)" = "weights of the stub" ]
	[ "$(grep -c 'GET /storage/weights' requests)" -eq 2 ]
	[ "$(ls out)" = "$(printf '%s\n' ft.json metrics.jsonl remote.json upload-train.jsonl upload-valid.jsonl weights.tar.zst)" ]
}

@test "Fireworks: data set, job and weights by names of our own" {
	serve
	train --remote fireworks -o out train.jsonl | jq -se '.[-1] | .end == "done" and .model == "accounts/team/models/tuned"'
	[ "$(cat out/adapter_config.json)" = "weights of the stub" ]
}

# begin PROVIDER DIR - starts a run in the background, as $pid, and waits until its job has been
# looked at.
begin() {
	rm -f requests
	ft-train -q --poll 0.2 -m base-model --remote "$1" -o "$2" train.jsonl >"$2.jsonl" 2>said.txt 3>&- &
	pid=$!
	await grep -q '^GET .*\(ftjob-1\|fine-tunes/ft-1\|Jobs/ft-\)' requests
}

@test "a run that was stopped leaves the job alone and is taken up to the end without sending anything again" {
	for provider in openai together fireworks; do
		serve --fault hold=60
		begin $provider $provider
		kill -TERM $pid
		status=0
		wait $pid || status=$?
		[ "$status" -eq 143 ]
		grep -q "goes on at the provider; --resume" said.txt
		before=$(grep -c POST requests)
		status_is 2 train --remote $provider -o $provider train.jsonl
		[[ $stderr == *"--resume"* ]]
		ft-train -q --poll 0.01 -m base-model --remote $provider -o $provider --resume train.jsonl >rest.jsonl
		jq -se '.[-1].end == "done"' rest.jsonl
		[ "$(grep -c POST requests)" -eq "$before" ]
		# Events that the first run saw are not told again.
		jq -se '[.[] | select(.step or .event)] | length == (unique | length)' $provider/metrics.jsonl
		stop_stub
	done
}

@test "a run that was killed before it knew its job finds it at the provider" {
	for provider in openai together; do
		serve
		train --remote $provider -o $provider train.jsonl >whole.jsonl
		jq -c '.job = null | .last_event = null | .events = 0' $provider/remote.json >x
		mv x $provider/remote.json
		before=$(grep -c POST requests)
		train --remote $provider -o $provider --resume train.jsonl >again.jsonl
		[ "$(jq -r '.job // empty' again.jsonl)" = "$(jq -r '.job // empty' whole.jsonl)" ]
		[ "$(grep -c POST requests)" -eq "$before" ]
		stop_stub
	done
}

@test "a job that the provider does not know any more is named, and no other is created" {
	serve --fault hold
	begin openai out
	kill -TERM $pid
	wait $pid || true
	before=$(grep -c POST requests)
	stop_stub
	serve
	status_is 2 train --remote openai -o out --resume train.jsonl
	[[ $stderr == *"ftjob-1"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c POST requests)" -eq "$before" ]
}

@test "rows are checked as for training here: sides, broken lines, weights that are null" {
	serve
	jq -c '.weight = null' train.jsonl >in.jsonl
	train --remote openai -o nulls in.jsonl >/dev/null
	sed '3s/^{/{"split": "tset", /' train.jsonl >typo.jsonl
	status_is 2 train --remote openai -o typo typo.jsonl
	[[ $stderr == *'typo.jsonl:3: row r2: split is "tset": it must be "train", "valid" or "test"'* ]]
	{ cat train.jsonl; echo '{broken'; } >broken.jsonl
	status_is 3 train --remote openai -o broken --skip-bad broken.jsonl
	[[ $stderr == *"broken.jsonl:$(wc -l <broken.jsonl)"* ]]
}

@test "a password in the URL of a provider reaches neither files nor output" {
	serve
	url=${OPENAI_BASE_URL/:\/\//://user:s3cret@}
	ft-train --poll 0.01 -m base-model --remote "$url" -o out train.jsonl >rows.jsonl 2>said
	[ -z "$(grep -rl s3cret out rows.jsonl said)" ]
	jq -se '.[-1].end == "done"' rows.jsonl
}

@test "what a provider calls its jobs and files becomes no other path" {
	serve
	for id in ../files files/.. 'a b' 'x?y=1' "$(printf 'c%.0s' $(seq 1100))"; do
		status_is 2 train --remote openai -o "out" --resume "$id"
		[[ $stderr == *"is no id"* ]]
		jq -nc --arg id "$id" '{provider: "openai", name: "n", job: $id, events: 0}' >state
		mkdir -p kept
		cp state kept/remote.json
		status_is 2 train --remote openai -o kept --resume
		[[ $stderr == *"kept/remote.json: job: "*"is no id"* ]]
		status_is 2 train --remote openai -o kept --cancel
		[[ $stderr == *"is no id"* ]]
	done
	for state in '.job = 5' '.job = {}' '.training_file = [1]' '.validation_file = "../x"' '.last_event = true'; do
		jq -nc "{provider: \"openai\", name: \"n\", job: \"j\", events: 0} | $state" >kept/remote.json
		status_is 2 train --remote openai -o kept --resume
		[[ $stderr == *"kept/remote.json: "*"is no id"* ]]
	done
	[ ! -s requests ]
}

@test "a model's files have names and addresses of their own, or are refused; the key goes nowhere else" {
	local want names
	while IFS='|' read -r want names; do
		serve --fault "names=$names"
		rm -rf out
		status_is 2 train --remote fireworks -o out train.jsonl
		[[ $stderr == *"the new model is"*"$want"* ]] || { echo "$names: $stderr"; return 1; }
		jq -e '.end == "done" and .model == "accounts/team/models/tuned"' out/ft.json
		jq -e .training_file out/remote.json
		stop_stub
	done <<'LIST'
as one of the run's own is called|{"a/remote.json": "http://127.0.0.1:PORT/storage/weights"}
which is no plain file name|{"..": "http://127.0.0.1:PORT/storage/weights"}
which is no plain file name|{"a\u001b[2J": "http://127.0.0.1:PORT/storage/weights"}
two result files "w"|{"w": "http://127.0.0.1:PORT/storage/weights", "b/w": "http://127.0.0.1:1/"}
address ".example.org/w", which is no URL|{"w": ".example.org/w"}
address "@example.org/w", which is no URL|{"w": "@example.org/w"}
address "file:///etc/passwd", which is no URL|{"w": "file:///etc/passwd"}
no address of its result file "w"|{"w": 5}
LIST
}

@test "what is for training here is refused, and nothing is sent" {
	serve
	for option in "--scratch c" --full "--layers 0" "--alpha 32" "--dropout 0" "--target all" --rslora --dora "--adapter a" \
		"--quantize q8_0" "--save-dtype f32" "--max-seq 2048" "--too-long error" --allow-overlap --dry-run --show --orpo \
		"--neftune 0" "--steps 9" "--schedule cosine" "--warmup .05" "--wd 0" "--clip 1" "--eval-every 9" "--patience 1" \
		"--eval true" "--best x" "--keep-state best" "--plot p.svg" --estimate "--save-every 9" "--memory 8G" "--threads 1"; do
		# shellcheck disable=SC2086
		status_is 2 train --remote openai -o out $option train.jsonl
		[[ $stderr == *"${option%% *} does not go with --remote"* ]]
	done
	while read -r provider option; do
		# shellcheck disable=SC2086
		status_is 2 train --remote "$provider" -o out $option train.jsonl
		[[ $stderr == *"${option%% *} does not go with --remote here: the provider has no such setting"* ]]
	done <<-EOF
		openai --lr 2e-4
		openai --rank 16
		$OPENAI_BASE_URL --rank 16
		together --seed 0
		together --lr-multiplier 1
		fireworks --seed 0
		fireworks --lr-multiplier 1
		fireworks --beta .1 --dpo
	EOF
	[ -z "$(grep POST requests)" ]
}

@test "a job can be followed by its id alone" {
	serve
	train --remote openai -o first train.jsonl >/dev/null
	train --remote openai -o second --resume ftjob-1 | jq -se '.[-1].end == "done" and .[-1].job == "ftjob-1"'
}

@test "a job can be cancelled at each provider, and who follows it is told" {
	for provider in openai together fireworks; do
		serve --fault hold
		begin $provider $provider
		status_is 0 ft-train --remote $provider -o $provider --cancel
		[[ $stderr == *cancelled* || $stderr == *deleted* ]] || { echo "$provider: $stderr"; return 1; }
		wait $pid && return 1
		jq -se '.[-1].end == "cancelled"' $provider.jsonl
		stop_stub
	done
}

@test "failures of the server are waited out on each path, and still one job is created" {
	for provider in openai together fireworks; do
		rm -f requests
		serve --fault error
		train --remote $provider -o $provider train.jsonl | jq -se '.[-1].end == "done"'
		case $provider in
		openai) [ "$(grep -c 'POST /v1/fine_tuning/jobs$' requests)" -eq 2 ] ;;
		together) [ "$(grep -c 'POST /v1/fine-tunes$' requests)" -eq 2 ] ;;
		esac
		stop_stub
	done
}

@test "a job that fails is status 2 with the provider's reason" {
	for provider in openai together fireworks; do
		serve --fault fail
		status_is 2 train --remote $provider -o $provider train.jsonl
		[[ $stderr == *"the stub says no"* || $stderr == *over* ]] || { echo "$provider: $stderr"; return 1; }
		stop_stub
	done
}

@test "rows are checked before anything is sent" {
	serve
	head -n 11 train.jsonl >bad.jsonl
	echo '{"id": "silent", "messages": [{"role": "user", "content": "a"}]}' >>bad.jsonl
	echo '{"id": "half", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0.5}]}' \
		>>bad.jsonl
	echo '{"id": "raw", "prompt": "a", "completion": "b"}' >>bad.jsonl
	echo '{"id": "heavy", "weight": 2, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}' \
		>>bad.jsonl
	status_is 2 train --remote openai -o out bad.jsonl
	for at in "bad.jsonl:12: row silent: no reference" "bad.jsonl:13: row half: " "bad.jsonl:14: row raw: " \
		"bad.jsonl:15: row heavy: " "4 rows"; do
		[[ $stderr == *"$at"* ]] || { echo "missing: $at"; echo "$stderr"; return 1; }
	done
	head -n 9 train.jsonl >few.jsonl
	status_is 2 train --remote openai -o out few.jsonl
	[[ $stderr == *"9 training rows"*"10 at least"* ]]
	[ ! -e requests ]
	status_is 3 train --remote openai -o out --skip-bad bad.jsonl
}

@test "what one provider asks of rows and another does not" {
	serve
	turn() { jq -nc --arg r "$1" --arg c "${2-x}" '{role: $r, content: $c}'; }
	row() { printf '%s\n' "$@" | jq -sc '{messages: .}'; }
	called='{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": {}}}]}'
	for _ in 1 2 3; do row "$(turn user)" "$(turn assistant)"; done >good.jsonl
	{
		cat good.jsonl
		row "$(turn user)" "$(turn system)" "$(turn assistant)"
		row "$(turn user)" "$(turn user)" "$(turn assistant)"
		row "$(turn assistant)" "$(turn user)" "$(turn assistant)"
		row "$(turn developer)" "$(turn user)" "$(turn assistant)"
		row "$(turn user)" "$called" "$(turn assistant)"
		row "$(turn user)" '{"role": "assistant", "content": "x", "weight": 0}'
	} >bad.jsonl
	check() { # provider, then what must be said of each line that it refuses, as LINE:TEXT
		local provider=$1 at
		shift
		status_is 2 train --remote "$provider" -o "out-$provider" bad.jsonl
		for at in "$@"; do
			[[ $stderr == *"bad.jsonl:${at%%:*}: "*"${at#*:}"* ]] ||
				{ echo "$provider: missing $at"; echo "$stderr"; return 1; }
		done
		[[ $stderr == *"$# rows cannot be sent"* ]] || { echo "$provider: $stderr"; return 1; }
	}
	check openai "8:messages[1].tool_calls[0]: the arguments must be a string" "9:nothing to learn"
	check together "4:a system turn only at the beginning" "5:the roles must alternate" "6:begins with the user" "7:unknown role" \
		"8:a string" "9:nothing"
	check fireworks "4:a system turn only at the beginning" "7:unknown role" "8:a string" "9:nothing"
	[ ! -e requests ]
	for i in $(seq 12); do row "$(turn user "$i")" "$(turn assistant)" | jq -c '.parallel_tool_calls = true'; done >flag.jsonl
	train --remote together -o t flag.jsonl >/dev/null
	jq -se 'all(.[]; keys == ["messages"])' t/upload-train.jsonl
	train --remote openai -o o flag.jsonl >/dev/null
	jq -se 'all(.[]; keys == ["messages", "parallel_tool_calls"])' o/upload-train.jsonl
}

@test "calls of tools that a provider would refuse are named, and only what it knows goes up" {
	serve
	tool='{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}'
	row() { # the call's JSON, the tool's id, its content, more of the assistant's turn
		jq -nc --argjson tool "$tool" --argjson call "$1" --arg id "$2" --argjson content "${3-\"7\"}" \
			--argjson more "${4-"{}"}" '{tools: [$tool], messages: [
			{role: "user", content: "q", timestamp: 1},
			({role: "assistant", content: null, tool_calls: [$call], refusal: null} + $more),
			{role: "tool", tool_call_id: $id, content: $content},
			{role: "assistant", content: "a", tool_calls: [], latency: 2}]}'
	}
	call='{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}'
	{
		row "$call" c
		row "$call" other
		row "$(jq -c 'del(.type)' <<<"$call")" c
		row "$(jq -c '.function.arguments = "{x"' <<<"$call")" c
		row "$(jq -c '.function.name = "g"' <<<"$call")" c
		row "$call" c '[{"type": "text", "text": "7"}]'
		row "$call" c | jq -c 'del(.messages[2])'
		row "$call" c | jq -c '.messages |= (.[:3] + .[2:])'
		row "$call" c '"7"' '{"reasoning_content": "so"}'
		row "$call" c | jq -c 'del(.tools)'
		row "$call" c | jq -c '.label = false'
	} >bad.jsonl
	status_is 2 train --remote openai -o out bad.jsonl
	for at in '2: *"other" answers no call before it' '3: *no type' '4: *hold no JSON object' \
		'5: *do not list this function' '6: *must be text, not parts' \
		'7: *messages[2]: 1 of the calls before it are not answered' '8: *answered twice' \
		'9: *providers learn no reasoning' '10: *do not list' '11: *label is false'; do
		grep -qF "bad.jsonl:${at%%:*}: " <<<"$stderr" || { echo "missing line ${at%%:*}"; echo "$stderr"; return 1; }
		grep -F "bad.jsonl:${at%%:*}: " <<<"$stderr" | grep -qF "${at##*\*}" || { echo "missing $at"; echo "$stderr"; return 1; }
	done
	[[ $stderr == *"10 rows cannot be sent"* ]]
	[ ! -e requests ]
	for i in $(seq 10); do row "$call" c | jq -c --arg i "$i" '.messages[0].content = $i'; done >good.jsonl
	jq -nc '{messages: [{role: "user", content: "u"}, {role: "assistant", content: "x", train: false},
		{role: "user", content: "v"}, {role: "assistant", content: "y"}]}' >>good.jsonl
	train --remote openai -o up good.jsonl >/dev/null
	jq -se '.[0].messages | map(keys) == [["content", "role"], ["content", "role", "tool_calls"],
		["content", "role", "tool_call_id"], ["content", "role"]]' up/upload-train.jsonl
	jq -se '.[10].messages | map(.weight) == [null, 0, null, null]' up/upload-train.jsonl
}

@test "what is wrong with the rows as a whole is said before anything is sent" {
	serve
	jq -nc 'range(3) | {prompt: "p\(.)", completion: "c"}' >raw.jsonl
	status_is 2 train --remote together -o mixed raw.jsonl train.jsonl
	[[ $stderr == *"13 rows are chats"*"one kind"* || $stderr == *"chats and 3 prompts"* ]] || { echo "$stderr"; return 1; }
	status_is 2 train --remote together -o same -v raw.jsonl raw.jsonl
	[[ $stderr == *"the validation rows are the training rows"* ]]
	[ ! -e requests ]
	train --remote together -o raw raw.jsonl | jq -se '.[-1].end == "done"'
}

@test "a server at a URL is asked for no more than it says of itself: no key, few rows" {
	serve
	head -n 2 train.jsonl >two.jsonl
	OPENAI_API_KEY=sk-test-key train --remote "$OPENAI_BASE_URL" -o out two.jsonl | jq -se '.[-1].end == "done"'
	status_is 2 env -u OPENAI_API_KEY ft-train -q --poll 0.01 --remote "$OPENAI_BASE_URL" -m m -o bare two.jsonl
	[[ $stderr == *"wrong key"* ]]
}

@test "a key that would break a header is refused before anything is sent" {
	serve
	OPENAI_API_KEY=$'sk-other\r\nX: y' status_is 2 train --remote openai -o out train.jsonl
	[[ $stderr == *"the API key in OPENAI_API_KEY holds"* && $stderr != *sk-other* ]]
	[ ! -s requests ]
}

@test "no key, no account, no such provider" {
	serve
	status_is 2 env -u OPENAI_API_KEY ft-train --remote openai -m m -o out train.jsonl
	[[ $stderr == *"OPENAI_API_KEY is not set"* ]]
	status_is 2 env -u FIREWORKS_ACCOUNT_ID ft-train --remote fireworks -m m -o out train.jsonl
	[[ $stderr == *FIREWORKS_ACCOUNT_ID* ]]
	status_is 2 ft-train --remote nobody -m m -o out train.jsonl
	[[ $stderr == *"openai, together, fireworks or a URL"* ]]
	status_is 2 env OPENAI_API_KEY=sk-other ft-train --remote openai -m m -o out train.jsonl
	[[ $stderr == *"wrong key"* && $stderr != *sk-other* ]]
	[ ! -e out/ft.json ]
}

@test "preference lines are sent as they are, for DPO" {
	serve
	jq -nc 'range(12) | {id: "p\(.)", input: {messages: [{role: "user", content: "q"}]},
		preferred_output: [{role: "assistant", content: "a"}],
			non_preferred_output: [{role: "assistant", content: "b"}]}' >pairs.jsonl
	train --remote openai --dpo -o out pairs.jsonl >/dev/null
	jq -se 'all(.[]; keys == ["input", "non_preferred_output", "preferred_output"])' out/upload-train.jsonl
	status_is 2 train --remote openai -o out2 pairs.jsonl
	jq -c '.preferred_output = [{role: "assistant", content: "a"}, {role: "assistant", content: "b"}]' pairs.jsonl >long.jsonl
	status_is 2 train --remote together --dpo -o out3 long.jsonl
	[[ $stderr == *"preferred_output: this provider takes one message, not 2"* ]]
}
