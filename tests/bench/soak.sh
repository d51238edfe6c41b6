#!/usr/bin/env bash
# Slow: ft-serve for LONG seconds (default 600; 3600 is the real one) under RATE calls a second (default 500), half of them streamed, against a
# target of which a part fails in every way that the stub knows, beside clients that hang up. In the end every call is in the log once, and memory
# and open files are what they were.
set -uo pipefail
# shellcheck source=tests/bench/serving.bash
. tests/bench/serving.bash
clients=()
long=${LONG:-600} rate=${RATE:-500}
start_target
start_serve -u "$direct" --timeout 2

# One call in 25 goes wrong at the target, in turn in each of these ways.
rows() {
	jq -nc --arg client "$1" --argjson n "$2" '
		["status=500", "status=429;retry-after=0", "status=503", "hang=1", "drop=before", "drop=middle", "drip=20", "body=garbage", "body=html",
			"body=truncated", "body=error", "body=null", "body=empty", "body=upstream", "delay=900", "size=200000"] as $faults
		| range($n) | {max_tokens: 64, messages: [{role: "user", content: "[\($client)-\(.)] What is due\(if . % 25 == 7
			then " stub{\($faults[. / 25 | floor | . % ($faults | length)])}" else "" end)?"}]}'
}
held() { awk '/^VmRSS/ { print $2 }' "/proc/$serve/status"; }
opened() { find "/proc/$serve/fd" -mindepth 1 | wc -l; }

# Several clients: each asks less at once after a 429, and one or two alone would not hold the rate.
each=$((long * rate / 8))
for client in {whole,stream}{a..d}; do
	args=(-u "$through" -q -m m -j 200 --retries 0 --rpm $((rate * 60 / 8)) --max-errors 100000000)
	[[ $client = whole* ]] || args+=(--stream)
	rows "$client" $each | ft-prompt "${args[@]}" >"$tmp/$client.out" 2>>"$tmp/clients" &
	clients+=($!)
	pids+=($!)
done
begun=$EPOCHSECONDS n=0
while kill -0 "${clients[@]}" 2>/dev/null; do
	# a client that goes away in the middle
	n=$((n + 1))
	curl -s -m 0.2 "$through/chat/completions" -d '{"model": "m", "stream": true, "messages": [{"role": "user", "content": "[gone-'$n'] stub{drip=50}"}]}' >/dev/null
	echo "$((EPOCHSECONDS - begun)) $(held) $(opened)" >>"$tmp/course"
	sleep 0.8
done
took=$((EPOCHSECONDS - begun))
sleep 3
echo "$took $(held) $(opened)" >>"$tmp/course"
kill -TERM "$serve"
wait "$serve"
# Each tag once: what was asked against what is written.
cat "$tmp"/log/*.jsonl | grep -o '"content": *"\[[a-z]*-[0-9]*\]' | sed 's/.*\[//; s/\]//' | sort -S 100M -T "$tmp" | uniq -c >"$tmp/tags"
# A client that hangs up at once may have gone before its request was there.
awk -v asked="$((8 * each))" -v gone="$n" -v took="$took" '
	$1 != 1 { more++ }
	$2 ~ /^gone/ { hung_up++; next }
	{ seen += $1 == 1 }
	END {
		printf "{\"work\": \"%d calls at %d a second with faults, in the log once\", \"ft\": %d, \"peer\": %d, \"unit\": \"calls\", \"ratio\": %.9f, \"must\": 1, \"note\": \"%d twice; beside them %d of %d that hung up\"}\n",
			asked, (took ? asked / took : 0), seen, asked, seen / asked, more, hung_up, gone
	}' "$tmp/tags"
# Flat: the last tenth of the course beside the second tenth, when the buffers have grown.
awk '
	{ t[NR] = $1; m[NR] = $2; f[NR] = $3 }
	function most(x, from, to, i, top) { for (i = from; i <= to; i++) if (x[i] > top) top = x[i]; return top }
	END {
		a = int(NR / 10) + 1; b = int(NR / 5) + 1; c = int(NR * 9 / 10)
		printf "{\"work\": \"memory of that, at most\", \"ft\": %.1f, \"peer\": %.1f, \"unit\": \"MiB\", \"ratio\": %.3f, \"must\": 0.9, \"note\": \"the last tenth beside the second\"}\n",
			most(m, c, NR) / 1024, most(m, a, b) / 1024, most(m, a, b) / most(m, c, NR)
		printf "{\"work\": \"open files of that, in the end\", \"ft\": %d, \"peer\": %d, \"unit\": \"files\", \"ratio\": %.3f, \"must\": 1, \"note\": \"beside the most of the second tenth\"}\n",
			f[NR], most(f, a, b), most(f, a, b) / f[NR]
	}' "$tmp/course"
