# For scripts that measure ft-serve: a directory in $tmp, processes in $pids, both gone in the end; the key that nobody asks for.
tmp=$(mktemp -d)
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; rm -rf "$tmp"' EXIT
export OPENAI_API_KEY=any

# start_target - stub-chat; its base URL is $direct.
start_target() {
	stub-chat --port-file "$tmp/port" >/dev/null 2>&1 &
	pids+=($!)
	until [ -s "$tmp/port" ]; do sleep 0.01; done
	direct=http://127.0.0.1:$(cat "$tmp/port")/v1
}

# start_serve ARGS... - ft-serve with its log in $tmp/log; its pid is $serve, its base URL $through.
start_serve() {
	ft-serve -l 127.0.0.1:0 -o "$tmp/log" "$@" 2>"$tmp/said" &
	serve=$!
	pids+=("$serve")
	until grep -qs 'listening at' "$tmp/said"; do sleep 0.01; done
	through=$(sed -n 's/.*listening at //p' "$tmp/said")/v1
}
