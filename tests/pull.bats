#!/usr/bin/env bats
# ft-pull against a hub of our own: layout of the cache, resuming, hashes, tokens, what is no model.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load hub

# start_hub OPTIONS... - serves ./hub; HF_ENDPOINT and HF_HOME are set.
start_hub() {
	stop_stub
	rm -f hub.port
	stub-hub --port-file "$TMP/hub.port" --log "$TMP/hub.log" "$@" "$TMP/hub" 3>&- >/dev/null 2>hub.err &
	# shellcheck disable=SC2034 # what stop_stub of the helper ends
	STUB_PID=$!
	HF_ENDPOINT=http://127.0.0.1:$(port_of hub.port)
	export HF_ENDPOINT HF_HOME=$TMP/home
	unset HF_TOKEN HF_HUB_CACHE no_proxy http_proxy
}

files() {
	printf '{"model_type":"llama"}' >config.json
	printf '{}' >tokenizer.json
	: >special_tokens_map.json
	head -c 100000 /dev/zero | tr '\0' 'w' >model.safetensors
	printf 'x' >pytorch_model.bin
	hub org/m . config.json tokenizer.json special_tokens_map.json model.safetensors pytorch_model.bin
}
SNAPSHOT=home/hub/models--org--m/snapshots/1234567890123456789012345678901234567890

@test "fetches what is needed into the cache's layout and prints the snapshot" {
	files
	start_hub
	status_is 0 ft-pull org/m
	[ "$output" = "$TMP/$SNAPSHOT" ]
	[[ $stderr == *"4 files, 0.1 MB (0.1 MB of it fetched now)"* ]]
	for f in config.json tokenizer.json special_tokens_map.json model.safetensors; do cmp $f $SNAPSHOT/$f; done
	[ ! -e $SNAPSHOT/pytorch_model.bin ]
	[ "$(readlink $SNAPSHOT/model.safetensors)" = "../../blobs/$(sha256sum <model.safetensors | cut -d' ' -f1)" ]
	[ "$(cat home/hub/models--org--m/refs/main)" = 1234567890123456789012345678901234567890 ]
	[ -z "$(find home -name '*.incomplete' -o -name '*.lock')" ]
	: >hub.log
	status_is 0 ft-pull hf:org/m
	[[ $stderr == *"(0.0 MB of it fetched now)"* ]]
}

@test "a broken connection is taken up where it broke" {
	files
	start_hub --cut 2
	status_is 0 ft-pull org/m
	cmp model.safetensors $SNAPSHOT/model.safetensors
	grep -q 'cdn.*bytes=50000-' hub.log
	grep -q 'cdn.*bytes=75000-' hub.log
}

@test "an interrupted run is taken up by the next" {
	files
	start_hub --cut 1
	status_is 2 ft-pull --retries 0 org/m
	[ "$(stat -c %s home/hub/models--org--m/blobs/*.incomplete)" = 50000 ]
	[ ! -e home/hub/models--org--m/refs/main ]
	status_is 0 ft-pull org/m
	[[ $stderr == *"(0.1 MB of it fetched now)"* ]]
	cmp model.safetensors $SNAPSHOT/model.safetensors
	grep -q 'cdn.*bytes=50000-' hub.log
}

@test "a hub that knows no ranges sends the whole again" {
	files
	start_hub --cut 1 --no-range
	status_is 0 ft-pull org/m
	cmp model.safetensors $SNAPSHOT/model.safetensors
}

@test "bytes with another hash are refused and leave nothing" {
	files
	start_hub --lie
	status_is 2 ft-pull org/m
	[[ $stderr == *"model.safetensors: the bytes that came have another hash"* ]]
	[ -z "$output" ]
	[ ! -e $SNAPSHOT/model.safetensors ]
	[ -z "$(find home -name '*.incomplete')" ]
}

@test "no more is taken than was promised, no encoding and no link" {
	files
	start_hub --flood
	status_is 2 ft-pull org/m
	[[ $stderr == *"model.safetensors"*"the answer is larger than 100000 bytes"* ]]
	[ "$(du -sk home | cut -f 1)" -lt 1000 ]
	rm -r home
	start_hub --encoded
	status_is 2 ft-pull org/m
	[[ $stderr == *"encoded (gzip), which was not asked for"* ]]
	rm -r home
	start_hub
	mkdir -p home/hub/models--org--m/blobs
	echo precious >mine
	ln -s "$TMP/mine" "home/hub/models--org--m/blobs/$(sha256sum <model.safetensors | cut -d' ' -f1).incomplete"
	status_is 0 ft-pull org/m
	cmp model.safetensors $SNAPSHOT/model.safetensors
	[ "$(cat mine)" = precious ]
	jq -c '.siblings |= map(if .lfs then .lfs.size = 9e12 else . end)' hub/org/m/api.json >api
	mv api hub/org/m/api.json
	status_is 2 ft-pull org/m
	[[ $stderr == *"promises 9000000000000 bytes for model.safetensors"* ]]
}

@test "headers without end are told from an answer that is too large" {
	files
	start_hub --headers 200
	status_is 0 ft-pull org/m
	rm -r home
	start_hub --headers 300
	status_is 2 ft-pull org/m
	[[ $stderr == *"org/m, revision main: the answer's headers are larger than 256 KB"* ]]
}

@test "wrong bytes of an earlier run are fetched anew" {
	files
	start_hub
	mkdir -p home/hub/models--org--m/blobs
	head -c 40000 /dev/zero >"home/hub/models--org--m/blobs/$(sha256sum <model.safetensors | cut -d' ' -f1).incomplete"
	status_is 0 ft-pull org/m
	cmp model.safetensors $SNAPSHOT/model.safetensors
}

@test "a busy hub is asked again" {
	files
	start_hub --fail 3
	status_is 0 ft-pull org/m
	start_hub --fail 3
	rm -rf home
	status_is 2 ft-pull --retries 0 org/m
	[[ $stderr == *"status 503"* ]]
}

@test "the token goes to the hub, not to where it redirects, and into no message" {
	files
	start_hub --token hf_secret
	status_is 2 ft-pull org/m
	[[ $stderr == *"status 401"*HF_TOKEN* ]]
	HF_TOKEN=hf_wrong status_is 2 ft-pull org/m
	[[ $stderr == *"not allowed"* && $stderr != *hf_wrong* ]]
	HF_TOKEN=hf_secret status_is 0 ft-pull org/m
	[[ $stderr != *hf_secret* ]]
	grep -q '/resolve/.*model.safetensors authorized' hub.log
	grep -q '/cdn/.*model.safetensors anonymous' hub.log
	[ "$(grep -c '/cdn/.* authorized' hub.log)" = 0 ]
}

@test "a password in the hub's address is in no message" {
	files
	start_hub --token hf_secret
	HF_ENDPOINT=${HF_ENDPOINT/:\/\//://me:hunter2@}
	HF_TOKEN=hf_secret status_is 2 ft-pull org/none
	[[ $stderr == *"not found at http://127.0.0.1:"* && $stderr != *hunter2* ]]
	HF_TOKEN=hf_wrong status_is 2 ft-pull org/m
	[[ $stderr == *"accepted at http://127.0.0.1:"*"/org/m,"* && $stderr != *hunter2* ]]
}

@test "what is no model is refused before anything is fetched" {
	files
	hub org/pickled . config.json pytorch_model.bin
	hub org/empty . tokenizer.json
	start_hub
	status_is 2 ft-pull org/pickled
	[[ $stderr == *"only as pickles"* ]]
	status_is 2 ft-pull org/empty
	[[ $stderr == *"no config.json"* ]]
	status_is 2 ft-pull org/none
	[[ $stderr == *"org/none, revision main: not found"* ]]
	status_is 2 ft-pull ../etc/passwd
	[[ $stderr == *"no name on the hub"* ]]
	[ ! -e home ]
}

@test "a list that lies about names or hashes is refused" {
	files
	start_hub
	jq -c '.siblings += [{rfilename: "../../x.safetensors", size: 1, blobId: "0"}]' hub/org/m/api.json >api
	mv api hub/org/m/api.json
	status_is 0 ft-pull org/m
	jq -c '.siblings[0].blobId = "../../../x"' hub/org/m/api.json >api
	mv api hub/org/m/api.json
	status_is 2 ft-pull org/m
	[[ $stderr == *"no size and hash for config.json"* ]]
	echo '{"sha": "../x", "siblings": []}' >hub/org/m/api.json
	status_is 2 ft-pull org/m
	[[ $stderr == *"names no commit"* ]]
}

@test "a list of ten thousand long entries is read in the time that its length takes" {
	files
	start_hub
	jq -c '.siblings += [range(9990) | {rfilename: "f\(.)", size: 1, blobId: ("0" * 40), more: ("x" * 2000)}]' hub/org/m/api.json >api
	mv api hub/org/m/api.json
	# 20 MB: .1 s; when it grew with the square, 20
	status_is 0 timeout "$(patience 15)" ft-pull -n org/m
	jq -se 'length == 4' <<<"$output"
}

@test "--dry-run lists files and fetches none" {
	files
	start_hub
	status_is 0 ft-pull -n org/m
	[ "$(jq -rs 'map(.file) | sort | join(" ")' <<<"$output")" = \
		"config.json model.safetensors special_tokens_map.json tokenizer.json" ]
	[ ! -e home ]
}

@test "no server, no name: status 2" {
	export HF_ENDPOINT=http://127.0.0.1:9 HF_HOME=$TMP/home
	status_is 2 ft-pull --retries 0 org/m
	status_is 2 ft-pull
	status_is 2 ft-pull org/a org/b
}

@test "a token that would break a header is refused" {
	HF_TOKEN=$'secret\r\nX: y' HF_ENDPOINT=http://127.0.0.1:9 status_is 2 ft-pull org/model
	[[ $stderr == *"HF_TOKEN"* && $stderr != *secret* ]]
}

@test "a signal while the hub is silent ends it by that signal, and the same command goes on" {
	files
	start_hub
	kill -STOP "$STUB_PID"
	ft-pull org/m >out 2>err 3>&- &
	pid=$!
	# it asks, so it has its handlers
	await eval '[ -n "$(find "/proc/$pid/fd" -lname "socket:*")" ]'
	kill -TERM "$pid"
	status=0
	wait "$pid" || status=$?
	kill -CONT "$STUB_PID"
	[ "$status" -eq 143 ]
	status_is 0 ft-pull -q org/m
}
