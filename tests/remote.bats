#!/usr/bin/env bats
# ft-train --remote: rows are checked and sent, a job is created once and followed to its end, against a server that speaks the providers' APIs.

load helper

serve() {
	rm -f "$TMP/stub.port"
	stub-finetune --port-file "$TMP/stub.port" --log "$TMP/requests" "$@" 3>&- >"$TMP/stub.log" 2>&1 &
	STUB_PID=$!
	for _ in $(seq 200); do
		[ -s "$TMP/stub.port" ] && break
		sleep 0.02
	done
	local at
	at=http://127.0.0.1:$(cat "$TMP/stub.port")
	export OPENAI_BASE_URL=$at/v1 TOGETHER_BASE_URL=$at/v1 FIREWORKS_BASE_URL=$at
	export OPENAI_API_KEY=sk-test-key TOGETHER_API_KEY=sk-test-key FIREWORKS_API_KEY=sk-test-key FIREWORKS_ACCOUNT_ID=team
	jq -nc 'range(12) | {id: "r\(.)", note: "stays here", messages: [{role: "user", content: "question \(.)"}, {role: "assistant", content: "answer \(.)"}]}' >train.jsonl
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
	[ "$(wc -l <out/upload-train.jsonl)" -eq 12 ] && [ "$(wc -l <out/upload-valid.jsonl)" -eq 1 ]
	jq -se 'all(.[]; keys == ["messages"])' out/upload-train.jsonl
	run ! grep -q secret out/upload-*.jsonl
	run ! grep -rq sk-test-key out "$TMP/stub.log"
}

@test "long lists of events are read page by page, each event once and in order" {
	serve --fault events=350
	train --remote openai -o out train.jsonl | jq -se '[.[] | .step // empty] == [range(2; 351)]'
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
	train --remote together -o out --rank 8 --lr 1e-4 train.jsonl | jq -se '.[-1] | .end == "done" and .model == "team/tuned" and .trained_tokens == 777'
	[ "$(cat out/weights.tar.zst)" = "weights of the stub" ]
	grep -q '^PUT /storage/0' requests
}

@test "Fireworks: data set, job and weights by names of our own" {
	serve
	train --remote fireworks -o out train.jsonl | jq -se '.[-1] | .end == "done" and .model == "accounts/team/models/tuned"'
	[ "$(cat out/adapter_config.json)" = "weights of the stub" ]
}

@test "a run that was stopped leaves the job alone and is taken up without sending anything again" {
	serve --fault hold
	ft-train -q --poll 0.05 -m base-model --remote openai -o out train.jsonl >/dev/null 2>said.txt 3>&- &
	pid=$!
	for _ in $(seq 200); do
		grep -q 'ftjob-1$' requests 2>/dev/null && break
		sleep 0.02
	done
	kill -TERM $pid
	wait $pid || true
	grep -q "goes on at the provider; --resume" said.txt
	before=$(grep -c POST requests)
	status_is 2 train --remote openai -o out train.jsonl
	[[ $stderr == *"--resume"* ]]
	stop_stub
	serve
	# The stub knows no job any more: the error says which job it was, and nothing is created.
	status_is 2 train --remote openai -o out --resume train.jsonl
	[[ $stderr == *"ftjob-1"* ]] || { echo "$stderr"; return 1; }
	[ "$(grep -c POST requests)" -eq "$before" ]
}

@test "a job can be followed by its id alone, and cancelled" {
	serve
	train --remote openai -o first train.jsonl >/dev/null
	train --remote openai -o second --resume ftjob-1 | jq -se '.[-1].end == "done" and .[-1].job == "ftjob-1"'
	stop_stub
	serve --fault hold
	ft-train -q --poll 0.05 -m base-model --remote openai -o third train.jsonl >third.jsonl 3>&- &
	pid=$!
	for _ in $(seq 200); do
		grep -q ftjob-1 third/remote.json 2>/dev/null && break
		sleep 0.02
	done
	status_is 0 ft-train --remote openai -o third --cancel
	[[ $stderr == *"ftjob-1: cancelled"* ]]
	wait $pid && return 1
	jq -se '.[-1].end == "cancelled"' third.jsonl
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
	echo '{"id": "half", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0.5}]}' >>bad.jsonl
	echo '{"id": "raw", "prompt": "a", "completion": "b"}' >>bad.jsonl
	echo '{"id": "heavy", "weight": 2, "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}' >>bad.jsonl
	status_is 2 train --remote openai -o out bad.jsonl
	for at in "bad.jsonl:12: row silent: no reference" "bad.jsonl:13: row half: " "bad.jsonl:14: row raw: " "bad.jsonl:15: row heavy: " "4 rows"; do
		[[ $stderr == *"$at"* ]] || { echo "missing: $at"; echo "$stderr"; return 1; }
	done
	head -n 9 train.jsonl >few.jsonl
	status_is 2 train --remote openai -o out few.jsonl
	[[ $stderr == *"9 training rows"*"10 at least"* ]]
	[ ! -e requests ]
	status_is 3 train --remote openai -o out --skip-bad bad.jsonl
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
		preferred_output: [{role: "assistant", content: "a"}], non_preferred_output: [{role: "assistant", content: "b"}]}' >pairs.jsonl
	train --remote openai --dpo -o out pairs.jsonl >/dev/null
	jq -se 'all(.[]; keys == ["input", "non_preferred_output", "preferred_output"])' out/upload-train.jsonl
	status_is 2 train --remote openai -o out2 pairs.jsonl
}
