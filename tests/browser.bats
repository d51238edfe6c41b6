#!/usr/bin/env bats
# Pages in headless Chromium. `make check-browser` installs what this needs (Debian's chromium and
# nodejs, npm's playwright-core); without it the tests are skipped.

load helper

need_browser() {
	[ -x /usr/bin/chromium ] || skip "no chromium here (make check-browser installs it)"
	command -v node >/dev/null || skip "no node here (make check-browser installs it)"
	NODE_PATH=$ROOT/build/npm/node_modules
	[ -d "$NODE_PATH/playwright-core" ] || skip "no playwright-core here (make check-browser installs it)"
	export NODE_PATH
}

@test "a person judges rows on the page of ft-review by keyboard" {
	need_browser
	command -v prlimit >/dev/null || skip "no prlimit here"
	{
		jq -nc 'range(30) | {id: "r\(.)", split: (if . < 20 then "train" else "test" end),
			messages: [{role: "system", content: "Name the topic."},
					{role: "user", content: "Question \(.)\(if . == 17 then " needle" else "" end)"},
				{role: "assistant", content: "{\"topic\": \"topic \(. % 3)\"}"}],
				output: "{\"topic\": \"topic \(. % 4)\"}", model: "m"}'
		jq -nc '{id: "hostile", messages: [{role: "user", content: "hostile <img src=x onerror=window.attacked=1>\u202e"},
					{role: "assistant", content: "{\"topic\": \"x\"}"}]}'
		jq -nc '{id: "calls", messages: [{role: "user", content: "tools please"}, {role: "assistant", content: null,
			tool_calls: [{id: "c1", type: "function", function: {name: "get_weather", arguments: "{\"city\": \"Oslo\"}"}}]}]}'
		jq -nc '{id: "long", messages: [{role: "user", content: ("a long one " + "x" * 1000000)},
					{role: "assistant", content: "{\"topic\": \"y\"}"}]}'
		jq -nc '("w" * 60) as $w | {id: "wide", messages: [{role: "user", content: "a wide one"},
				{role: "assistant", content: ({($w): {($w): "was \($w)"}, b: ("1" * 80 | tonumber)} | tojson)}],
			output: ({($w): {($w): "is \($w)"}, b: 2} | tojson), model: "an-organisation/a-model-with-a-very-long-name"}'
		jq -nc '("billing", "delivery")
			| {id: "twin \(.)", messages: [{role: "user", content: "twin question"}, {role: "assistant", content: .}]}'
	} >rows.jsonl
	ft-review --scan -q rows.jsonl >scanned.jsonl
	(trap '' XFSZ; exec ft-review -q -o j.jsonl --as anna --every 2 scanned.jsonl) >address.txt 2>page.err 3>&- &
	PAGE_PID=$!
	await [ -s address.txt ]
	mkdir -p "${FT_SHOTS:-$TMP/shots}"
	run timeout 100 node "$ROOT/tests/browser/review.js" "$(cat address.txt)" "${FT_SHOTS:-$TMP/shots}" "$PAGE_PID"
	kill -TERM "$PAGE_PID"
	wait "$PAGE_PID" || true
	echo "$output"
	[ "$status" -eq 0 ]
	[ ! -e j.jsonl.drafts ]
	[ "$(jq -sc '[.[].verdict] | group_by(.) | map("\(length) \(.[0])")' j.jsonl)" = '["2 bad","2 fix","32 good","1 skip","1 undo"]' ]
	status=0
	ft-review --apply j.jsonl -q rows.jsonl >applied.jsonl 2>apply.err || status=$?
	[ "$status" -eq 0 ] || { cat apply.err; return 1; }
	[ "$(wc -l <applied.jsonl)" -eq 34 ]
	[ "$(grep -c 'fixed by hand' applied.jsonl)" -eq 1 ]
}

@test "a person reads a report of ft-eval" {
	need_browser
	jq -nc 'range(30) as $i | ("a", "b") as $m | (if $m == "a" then 3 else 5 end) as $wrong
		| {"17": " needle", "3": "<img src=x onerror=window.attacked=1>"} as $more
		| {id: "r\($i)", model: $m, messages: [{role: "user", content: "Question \($i)\($more["\($i)"] // "")"},
			{role: "assistant", content: "topic \($i % 4)"}],
		output: (if $i % $wrong == 0 then "<script>window.attacked=1</script>" else "topic \($i % 4)" end),
		latency: (if $m == "a" then 0.2 else 0.5 end), cost: (if $m == "a" then 0.001 else 0.002 end)}' >rows.jsonl
	ft-eval -q --compare model --labels --require 'exact>=0.2' --html report.html rows.jsonl >figures
	mkdir -p "${FT_SHOTS:-$TMP/shots}"
	jq -nc '{id: "1", ideal: ({topic: "billing", due: "2024-02-03", lines: [1, 2]} | tojson),
			output: ({due: "2024-02-01", topic: "billing", lines: [1]} | tojson)},
		{id: "2", ideal: ({topic: "x"} | tojson), output: ({topic: "x"} | tojson)},
		{id: "3", ideal: ["nobody knows when this invoice is going to be paid at all",
				"as we said before we will pay it in the coming week"],
			output: "as we said before we will pay it on Tuesday in the coming week"},
		{id: "4", ideal: ({topic: "x"} | tojson), error: {type: "http", status: 429, message: "slow down"}}' >fields.jsonl
	ft-eval -q --html fields.html fields.jsonl >figures
	run timeout 60 node "$ROOT/tests/browser/eval.js" "$PWD/report.html" "${FT_SHOTS:-$TMP/shots}" "$PWD/fields.html"
	echo "$output"
	[ "$status" -eq 0 ]
}
