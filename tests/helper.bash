# Common to all suites: programs on PATH, a scratch directory, nothing of the caller's environment
# that could matter.

bats_require_minimum_version 1.5.0

# A program that fails at the beginning of a pipe fails the test.
set -o pipefail

ROOT=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BUILD=${FT_BUILD:-$ROOT/build}
SHARED=${FT_SHARED:-$ROOT/../shared}
PATH=$BUILD/bin:$BUILD/tests:$PATH
export LC_ALL=C TZ=UTC
unset OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_VERSION FT_CACHE ANTHROPIC_API_KEY ANTHROPIC_BASE_URL \
	AZURE_OPENAI_API_KEY AZURE_OPENAI_ENDPOINT
unset COLUMNS CURL_CA_BUNDLE SSL_CERT_FILE

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
}

# need_shared PATH - skips the test where the shared data is not there.
need_shared() {
	[ -e "$SHARED/$1" ] || skip "no ../shared/$1 here"
}

# need_inject - skips the test where no system call can be made to fail.
need_inject() {
	[ -z "${FT_SANITIZED:-}" ] || skip "a preloaded library and a sanitizer's do not go together"
	inject -k write true 2>/dev/null || skip "this kernel hands no system calls over"
}

# status_is N COMMAND... - runs the command, with standard output and error in $output and $stderr,
# and fails on another exit status.
status_is() {
	local want=$1
	shift
	run --separate-stderr "$@"
	# shellcheck disable=SC2154 # run sets status, output and stderr
	if [ "$status" -ne "$want" ]; then
		printf 'exit status %s, not %s: %s\n%s\n%s\n' "$status" "$want" "$*" "$output" "$stderr" >&2
		return 1
	fi
}

# need_terminal - skips where no terminal can be made.
need_terminal() {
	command -v script >/dev/null || skip "no script here, which makes terminals"
	script -qec true /dev/null </dev/null >"$TMP/terminal" 2>&1 || skip "no terminal can be made here: $(head -n 1 "$TMP/terminal")"
}

# on_terminal COLUMNS COMMAND - sets $output to what the command line writes on a terminal so wide,
# and fails where a line is wider.
on_terminal() {
	need_terminal
	script -qec "stty cols $1; $2" /dev/null </dev/null >"$TMP/terminal" 2>&1 || :
	output=$(tr -d '\r' <"$TMP/terminal")
	if grep -E ".{$(($1 + 1))}" <<<"$output"; then return 1; fi
}

# port_of FILE - waits until a server of ours has written the port that it chose there, and prints it.
port_of() {
	await [ -s "$1" ]
	cat "$1"
}

# await COMMAND... - waits until it succeeds; a minute at most, after which it fails.
await() {
	local end=$((SECONDS + 60 * ${FT_PATIENCE:-1}))
	until "$@" 2>/dev/null; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.01
	done
}

# patience SECONDS - so many, or as many times more as what runs here is slower (FT_PATIENCE).
patience() {
	awk -v s="$1" -v n="${FT_PATIENCE:-1}" 'BEGIN { print s * n }'
}

# start_stub ARGS... - starts the test server on a port of its own choosing; sets STUB_PID,
# STUB_URL. Stopped by stop_stub.
start_stub() {
	rm -f "$TMP/stub.port" # or the last one's would be read
	stub-chat "$@" --port-file "$TMP/stub.port" 3>&- >"$TMP/stub.log" 2>&1 &
	STUB_PID=$!
	STUB_URL=http://127.0.0.1:$(port_of "$TMP/stub.port")/v1
	export OPENAI_BASE_URL=$STUB_URL OPENAI_API_KEY=sk-test-key
}

stop_stub() {
	stop "${STUB_PID:-}"
	STUB_PID=
}

# stop PID - ends a process that the test started and waits for it; nothing where PID is empty.
stop() {
	[ -n "$1" ] || return 0
	kill -KILL "$1" 2>/dev/null || true
	wait "$1" 2>/dev/null || true
}

teardown() {
	stop_stub
}
