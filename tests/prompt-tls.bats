#!/usr/bin/env bats
# ft-prompt over TLS and HTTP/2: nghttpx, with a certificate made here, stands before the test
# server.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load hub
load serve

# start_tls ARGS... - nghttpx before the stub that start_stub started; sets TLS_URL. Skips where a
# program is missing.
start_tls() {
	local port host=${STUB_URL#http://}
	command -v nghttpx >/dev/null || skip "nghttpx is not installed (Debian: nghttp2-proxy)"
	command -v openssl >/dev/null || skip "openssl is not installed"
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>/dev/null
	host=${host%/v1}
	for _ in 1 2 3 4 5; do
		port=$((RANDOM % 20000 + 20000))
		nghttpx --conf=/dev/null --single-process --workers=1 --no-ocsp --errorlog-file=tls.err --frontend="127.0.0.1,$port" \
			--backend="${host/:/,}" --accesslog-file=access.log --accesslog-format='$alpn $remote_port $status' "$@" \
			key.pem cert.pem 3>&- >/dev/null 2>&1 &
		TLS_PID=$!
		TLS_URL=https://127.0.0.1:$port/v1
		for _ in $(seq 200); do
			kill -0 "$TLS_PID" 2>/dev/null || break
			(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && return
			sleep 0.05
		done
		stop_tls
	done
	return 1
}

stop_tls() {
	stop "${TLS_PID:-}"
	TLS_PID=
}

teardown() {
	stop_tls
	stop_stub
}

rows() {
	jq -nc --argjson n "$1" --arg d "${2:-}" 'range($n)
		| {id: "\(.)", messages: [{role: "user", content: ((if . % 5 == 0 then $d else "" end) + "row \(.)")}]}'
}

state() {
	curl -s "${STUB_URL%/v1}/stub/state" | jq ".$1"
}

# flushed N - waits until nghttpx has written so many lines of its log.
flushed() {
	await eval "[ \"\$(wc -l <access.log)\" -ge $1 ]"
}

@test "HTTP/2: one connection carries many requests at once" {
	start_stub --delay 100
	start_tls
	rows 200 >in.jsonl
	SSL_CERT_FILE=cert.pem status_is 0 ft-prompt -m m -u "$TLS_URL" -j 50 in.jsonl
	[ "$(jq -r '[.id, .output] | @tsv' <<<"$output")" = "$(seq 0 199 | sed 's/.*/&\trow &/')" ]
	[ "$(state requests)" -eq 200 ]
	flushed 200
	[ "$(cut -d ' ' -f 1 access.log | sort -u)" = h2 ]
	[ "$(cut -d ' ' -f 2 access.log | sort -u | wc -l)" -eq 1 ]
	[ "$(state busiest)" -ge 20 ]
}

@test "HTTP/1.1 over TLS: connections are kept" {
	start_stub
	start_tls "$(nghttpx --help | grep -oE -- '--(alpn|npn)-list' | sed -n 1p)=http/1.1"
	rows 200 >in.jsonl
	SSL_CERT_FILE=cert.pem status_is 0 ft-prompt -m m -u "$TLS_URL" -j 8 in.jsonl
	[ "$(jq -r .output <<<"$output" | wc -l)" -eq 200 ]
	flushed 200
	[ "$(cut -d ' ' -f 1 access.log | sort -u)" = http/1.1 ]
	[ "$(cut -d ' ' -f 2 access.log | sort -u | wc -l)" -le 8 ]
}

@test "HTTP/2: faults of a fifth of the requests leave the others of the connection alone" {
	start_stub
	start_tls
	for fault in 'status=429;retry-after-ms=5' 'status=503;retry-after-ms=5' drop=before drop=middle body=garbage; do
		before=$(state requests)
		rows 100 "stub{$fault;times=1}" >in.jsonl
		SSL_CERT_FILE=cert.pem status_is 0 ft-prompt -m "$fault" -u "$TLS_URL" -j 20 in.jsonl
		[ "$(jq -r '[.id, .output, .attempts] | @tsv' <<<"$output")" = \
			"$(seq 0 99 | awk '{print $1 "\trow " $1 "\t" ($1 % 5 ? 1 : 2)}')" ] ||
			{ echo "$fault: $output" >&2; false; }
		[ $(($(state requests) - before)) -eq 120 ]
	done
}

@test "answers stream over HTTP/2" {
	start_stub
	start_tls
	rows 20 >in.jsonl
	SSL_CERT_FILE=cert.pem status_is 0 ft-prompt -m m -u "$TLS_URL" --stream in.jsonl
	[ "$(jq -c '[.output == "row \(.id)", .ttft > 0 and .ttft <= .latency]' <<<"$output" | sort -u)" = '[true,true]' ]
}

@test "a certificate that nobody vouches for, or of another host, is an error that no retry mends" {
	start_stub
	start_tls
	rows 3 >in.jsonl
	status_is 3 ft-prompt -m m -u "$TLS_URL" in.jsonl
	[ "$(jq -c '[.error.type, .attempts, has("output")]' <<<"$output" | sort -u)" = '["tls",1,false]' ]
	[[ $(jq -r .error.message <<<"$output" | head -n 1) == *certificate* ]]
	SSL_CERT_FILE=cert.pem status_is 3 ft-prompt -m m -u "${TLS_URL/127.0.0.1/localhost}" in.jsonl
	[ "$(jq -r .error.type <<<"$output" | sort -u)" = tls ]
	[ "$(state requests)" -eq 0 ]
}

@test "a hub behind TLS that sends to plain http is not followed" {
	mkdir m
	printf '{"model_type":"llama"}' >m/config.json
	printf '{}' >m/tokenizer.json
	head -c 1000 /dev/zero >m/model.safetensors
	hub org/m m config.json tokenizer.json model.safetensors
	stub-hub --port-file "$TMP/hub.port" --log hub.log hub 3>&- >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	STUB_URL=http://127.0.0.1:$(port_of hub.port)/v1
	start_tls
	unset HF_TOKEN HF_HUB_CACHE http_proxy https_proxy
	HF_HOME=plain HF_ENDPOINT=${STUB_URL%/v1} ft-pull -q org/m
	: >hub.log
	HF_HOME=tls HF_ENDPOINT=${TLS_URL%/v1} SSL_CERT_FILE=cert.pem status_is 2 ft-pull -q --retries 0 org/m
	[[ $stderr == *"redirects from https to http"* ]]
	run ! grep -q /cdn/ hub.log
	[ -z "$(find tls -name model.safetensors)" ]
}

@test "a provider behind TLS that sends to plain http gets neither rows nor keys there" {
	stub-finetune --port-file "$TMP/tune.port" --log tune.log 3>&- >/dev/null 2>&1 &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	STUB_URL=http://127.0.0.1:$(port_of tune.port)/v1
	start_tls
	export TOGETHER_API_KEY=sk-test-key FIREWORKS_API_KEY=sk-test-key FIREWORKS_ACCOUNT_ID=team
	jq -nc 'range(12) | {messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a"}]}' >in.jsonl
	# Together's storage, and where a model's files are, are plain http
	TOGETHER_BASE_URL=$TLS_URL SSL_CERT_FILE=cert.pem status_is 2 ft-train -q --poll 0.01 -m base --remote together -o a in.jsonl
	[[ $stderr == *"the provider, at https, sends to plain http: http://localhost:"*"/storage/0"* ]]
	FIREWORKS_BASE_URL=${TLS_URL%/v1} SSL_CERT_FILE=cert.pem \
		status_is 2 ft-train -q --poll 0.01 -m base --remote fireworks -o b in.jsonl
	[[ $stderr == *"the new model is accounts/team/models/tuned; "*"sends to plain http"* ]]
	run ! grep -q storage tune.log
}

@test "redirects from https to http are followed by no program, and named by each" {
	start_stub --log asked.log
	plain=${STUB_URL/127.0.0.1/localhost}/elsewhere # another host: nghttpx would make its own name of its own
	first=$STUB_PID
	rm stub.port
	start_stub --fault "redirect=$plain" --log tls.log
	start_tls
	rows 1 >in.jsonl
	export SSL_CERT_FILE=cert.pem OPENAI_API_KEY=sk-test-key
	status_is 3 ft-prompt -q --retries 0 -m m -u "$TLS_URL" -H 'X-Secret: not for all' in.jsonl
	[[ $output == *"the server redirects to $plain; redirects are not followed"* ]]
	printf '{"id": "a", "input": "q", "output": "x"}\n' >judged.jsonl
	status_is 3 ft-judge -q --retries 0 -m m -u "$TLS_URL" -H 'X-Secret: not for all' judged.jsonl
	[[ $output == *"the server redirects to $plain; redirects are not followed"* ]]
	status_is 2 ft-prompt -q --batch b.json -m m -u "$TLS_URL" -H 'X-Secret: not for all' in.jsonl
	[[ $stderr == *"POST /files: HTTP 307 the server redirects to $plain"* ]]
	jq -nc 'range(12) | {messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a"}]}' >train.jsonl
	status_is 2 ft-train -q -m base --remote "$TLS_URL" -o out train.jsonl
	[[ $stderr == *"POST $TLS_URL/files: status 307: the server redirects to $plain"* ]]
	# ft-serve passes the redirect on: whether to follow it is the client's business
	start_serve -u "$TLS_URL"
	curl -sS -o /dev/null -w '%{http_code} %{redirect_url}' "$SERVE/v1/chat/completions" \
		-d '{"model": "m", "messages": [{"role": "user", "content": "x"}]}' >to
	[ "$(cat to)" = "307 $plain" ]
	stop_serve
	[ ! -s asked.log ]
	stop "$first"
}
