#!/usr/bin/env bash
# ft-serve between ft-prompt and the stub: what a call costs beside a direct one (alone, and with 200 in flight, in the same run), calls a second of
# its processor time, and the growth of its memory. CALLS=20000 for the last two; the longer, the better. Client and target share the processors
# with it: what a hop costs on such a machine at all is told by nginx as a plain proxy in its place, NGINX or in PATH.
set -uo pipefail
# shellcheck source=tests/bench/serving.bash
. tests/bench/serving.bash
calls=${CALLS:-20000}
start_target
start_serve -u "$direct"

# rows N [SPREAD] - with a SPREAD the target takes 200 to 200 + SPREAD ms, so that calls neither come nor end together.
rows() {
	jq -nc --argjson n "$1" --argjson spread "${2:-0}" 'range($n) | (if $spread > 0 then 200 + . * 7919 % $spread else 0 end) as $ms
		| {n: ., ms: $ms, messages: [{role: "user", content: "Question \(.): what is due, and when?\(if $ms > 0 then " stub{delay=\($ms)}" else "" end)"}]}'
}
# latencies URL JOBS - {p50, p99} in ms, the target's own time taken off, of the rows in $tmp/rows, but for those that began all at once.
latencies() {
	ft-prompt -q -m m -u "$1" -j "$2" "$tmp/rows" | jq -s -c --argjson begin "$2" 'map(select(.n > 2 * $begin) | .latency * 1000 - .ms)
		| sort | {p50: .[length / 2 | floor], p99: .[length * 0.99 | floor]}'
}
# middle FILE - the medians of what latencies said in several runs.
middle() { jq -s -c '{p50: (map(.p50) | sort | .[length / 2 | floor]), p99: (map(.p99) | sort | .[length / 2 | floor])}' "$1"; }
# start_nginx - a plain proxy to the target, which writes nothing down; its base URL is $plain.
start_nginx() {
	local port=$((20000 + $$ % 20000))
	mkdir "$tmp/nginx"
	cat >"$tmp/nginx/conf" <<-END
		daemon off;
		pid $tmp/nginx/pid;
		error_log stderr crit;
		events { worker_connections 4096; }
		http {
			access_log off;
			client_body_temp_path $tmp/nginx/body;
			proxy_temp_path $tmp/nginx/proxy;
			fastcgi_temp_path $tmp/nginx/f;
			uwsgi_temp_path $tmp/nginx/u;
			scgi_temp_path $tmp/nginx/s;
			upstream target { server ${direct:7:-3}; keepalive 512; }
			server {
				listen 127.0.0.1:$port;
				location / {
					proxy_pass http://target;
					proxy_http_version 1.1;
					proxy_set_header Connection "";
					proxy_buffering off;
				}
			}
		}
	END
	"$nginx" -p "$tmp/nginx" -c "$tmp/nginx/conf" 2>/dev/null &
	pids+=($!)
	plain=http://127.0.0.1:$port/v1
	until curl -s -o /dev/null "$plain"; do sleep 0.05; done
}
processor() { awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) / hz }' "/proc/$serve/stat"; }
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$serve/status"; }

nginx=${NGINX:-$(command -v nginx)}
[ -z "$nginx" ] || start_nginx
rows 2000 >"$tmp/rows"
latencies "$direct" 1 >"$tmp/warm"
for jobs in 1 200; do
	# With many in flight what is measured is not to be the client's own queue: the target takes its time.
	[ $jobs = 1 ] || rows 4000 400 >"$tmp/rows"
	# In turn, so that what else the machine does meets all of them; the median of five is each one's.
	for _ in 1 2 3 4 5; do
		latencies "$direct" $jobs >>"$tmp/a-$jobs"
		latencies "$through" $jobs >>"$tmp/b-$jobs"
		[ -z "$nginx" ] || latencies "$plain" $jobs >>"$tmp/c-$jobs"
	done
	a=$(middle "$tmp/a-$jobs") b=$(middle "$tmp/b-$jobs") c=null
	[ -z "$nginx" ] || c=$(middle "$tmp/c-$jobs")
	jq -nc --argjson a "$a" --argjson b "$b" --argjson c "$c" --argjson jobs $jobs '
		def row($what; $p; $most): ($b[$p] - $a[$p]) as $x | {work: "overhead of a call, \($jobs) in flight, \($what)", ft: $x,
			peer: (if $c then $c[$p] - $a[$p] else null end), unit: "ms", ratio: ($most / ([$x, 0.001] | max)), must: 1,
			note: "of \($most) ms, beside a direct call; peer: nginx, which writes nothing down"};
		row("median"; "p50"; 0.2), row("99th percentile"; "p99"; 1)'
done
rows "$calls" >"$tmp/rows"
begun=$(processor) held=$(memory)
latencies "$through" 64 >"$tmp/last"
jq -nc --argjson n "$calls" --argjson s "$(processor)" --argjson b "$begun" --argjson held "$held" --argjson now "$(memory)" '
	{work: "calls passed on and written down", ft: ($n / ($s - $b) | round), peer: null, unit: "calls/s of one core",
		ratio: ($n / ($s - $b) / 5000), must: 1, note: "of 5000"},
	{work: "growth of memory over \($n) calls", ft: (($now - $held) / 1024), peer: null, unit: "MiB",
		ratio: (4 / ([($now - $held) / 1024, 0.1] | max)), must: 1, note: "of 4 MiB"}'
