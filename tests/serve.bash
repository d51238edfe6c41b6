# ft-serve started and stopped.

# start_serve ARGS... - starts ft-serve on a port of its own choosing; sets SERVE_PID, SERVE (its address).
# What it says goes to serve.err, records without -o to serve.out.
start_serve() {
	: >serve.err
	ft-serve -l 127.0.0.1:0 "$@" 3>&- >serve.out 2>serve.err &
	SERVE_PID=$!
	serve_listens
}

# serve_listens - waits until the ft-serve whose pid is in SERVE_PID says in serve.err where it listens; sets
# SERVE.
serve_listens() {
	# it listens, or has ended
	await eval 'grep -q "listening at" serve.err || ! kill -0 "$SERVE_PID"' || true
	SERVE=$(sed -n 's/.*listening at //p' serve.err)
	[ -z "$SERVE" ] || return 0
	cat serve.err >&2
	return 1
}

# stop_serve - asks it to end and waits for it.
stop_serve() {
	kill -TERM "$SERVE_PID"
	wait "$SERVE_PID" || true
	SERVE_PID=
}
