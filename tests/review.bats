#!/usr/bin/env bats
# ft-review: the scan, the page's server and its gate, the journal, what is made of it.

load helper

# http METHOD PATH [BODY] - one request to the page of $PORT with the headers of $HEADERS (an array); status in $code, body in $body, cookie in $cookie.
http() {
	local method=$1 path=$2 data=${3:-} line
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	{
		printf '%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n' "$method" "$path" "${#data}"
		for line in "${HEADERS[@]}"; do printf '%s\r\n' "$line"; done
		printf '\r\n%s' "$data"
	} >&8
	code='' cookie=''
	while IFS= read -r line <&8; do
		line=${line%$'\r'}
		[ -n "$line" ] || break
		[[ $line == HTTP/1.1* ]] && { code=${line#HTTP/1.1 }; code=${code%% *}; }
		[[ $line == [Ss]et-[Cc]ookie:* ]] && { cookie=${line#*: }; cookie=${cookie%%;*}; }
	done
	body=$(cat <&8)
	exec 8>&-
}

# open_page ARGS... - starts ft-review -o and enters with its token.
open_page() {
	rm -f address.txt # or the last run's would be read
	ft-review -q "$@" >address.txt 2>page.err 3>&- &
	PAGE_PID=$!
	for _ in $(seq 200); do
		[ -s address.txt ] && break
		sleep 0.02
	done
	ADDRESS=$(cat address.txt)
	PORT=${ADDRESS#http://127.0.0.1:}
	PORT=${PORT%%/*}
	HEADERS=("Host: 127.0.0.1:$PORT" "Origin: http://127.0.0.1:$PORT")
	http GET "/${ADDRESS#http://127.0.0.1:*/}"
	[ "$code" = 303 ]
	HEADERS+=("Cookie: $cookie")
}

close_page() {
	[ -z "${PAGE_PID:-}" ] || { kill -TERM "$PAGE_PID" && wait "$PAGE_PID"; } || true
	PAGE_PID=
}

teardown() {
	[ -z "${PAGE_PID:-}" ] || kill -9 "$PAGE_PID" 2>/dev/null || true
}

# decide VERDICT [NEW] - judges the row that the page would show next.
decide() {
	http GET /api/next
	[ "$code" = 200 ]
	shown=$body
	http POST /api/decide "$(jq -c --arg v "$1" --arg new "${2:-}" '.row | {row, key, hash, random, verdict: $v, new: (if $new == "" then null else $new end), why: ""}' <<<"$shown")"
	[ "$code" = 200 ] || { echo "$code $body"; return 1; }
}

rows() {
	jq -nc --argjson n "$1" 'range($n) | {id: "r\(.)", messages: [{role: "user", content: "question number \(.) of many"}, {role: "assistant", content: "answer \(.)"}]}' >rows.jsonl
}

@test "the scan names each planted fault and leaves a clean row alone" {
	rows 60
	{
		cat rows.jsonl
		jq -nc '{id: "empty", messages: [{role: "user", content: "an empty one"}, {role: "assistant", content: " "}]}'
		jq -nc '{id: "none", messages: [{role: "user", content: "none at all"}]}'
		jq -nc '{id: "marker", messages: [{role: "user", content: "a marker"}, {role: "assistant", content: "fine<|im_end|>"}]}'
		jq -nc '{id: "json", messages: [{role: "user", content: "broken json"}, {role: "assistant", content: "{\"a\": 1"}]}'
		jq -nc '{id: "date", messages: [{role: "user", content: "a date"}, {role: "assistant", content: "due 2023-02-30"}]}'
		jq -nc '{id: "mojibake", messages: [{role: "user", content: "cafÃ© au lait"}, {role: "assistant", content: "ok"}]}'
		jq -nc '{id: "refusal", messages: [{role: "user", content: "please"}, {role: "assistant", content: "I\u0027m sorry, but I cannot help with that."}]}'
		jq -nc '{id: "mail", messages: [{role: "user", content: "write to jane.doe@example.org now"}, {role: "assistant", content: "ok"}]}'
		jq -nc '{id: "card", messages: [{role: "user", content: "my card 4111 1111 1111 1111 fails"}, {role: "assistant", content: "ok"}]}'
		jq -nc '{id: "nocard", messages: [{role: "user", content: "my order 4111 1111 1111 1112 fails"}, {role: "assistant", content: "ok"}]}'
		jq -nc '{id: "iban", messages: [{role: "user", content: "pay to DE89 3704 0044 0532 0130 00 please"}, {role: "assistant", content: "ok"}]}'
		jq -nc '{id: "conflict", messages: [{role: "user", content: "question number 3 of many"}, {role: "assistant", content: "another answer"}]}'
		jq -nc '{id: "twin", messages: [{role: "user", content: "question number 5 of many"}, {role: "assistant", content: "answer 5"}]}'
		jq -nc '{id: "long", messages: [{role: "user", content: "long"}, {role: "assistant", content: ("word " * 900)}]}'
	} >all.jsonl
	status_is 0 ft-review --scan -q all.jsonl
	printf '%s\n' "$output" >scanned.jsonl
	has() { jq -se --arg id "$1" --arg reason "$2" 'any(.[]; .id == $id and any(.review.reasons[]; .reason == $reason))' scanned.jsonl >/dev/null || { echo "$1 lacks $2"; return 1; }; }
	has empty empty-reference
	has none no-reference
	has marker marker
	has json invalid-json
	has date impossible-date
	has mojibake mojibake
	has refusal refusal
	has mail pii
	has card pii
	has iban pii
	has conflict conflict
	has r3 conflict
	has twin duplicate
	has long length
	jq -se 'all(.[]; .id != "nocard" or all(.review.reasons[]; .why | startswith("a card number") | not))' scanned.jsonl
	jq -se '[.[] | select(.id | startswith("r")) | select(.id != "refusal" and .id != "r3") | .review.suspicion] | max == 0' scanned.jsonl
	# Lossless: the marks taken out again, the lines are what they were.
	diff <(jq -c 'del(.review)' scanned.jsonl) all.jsonl
	# Personal data is not repeated in full.
	run ! grep -q '"why":"[^"]*jane.doe@' scanned.jsonl
}

@test "nearly the same inputs with other references are named" {
	rows 40
	{
		cat rows.jsonl
		jq -nc '{id: "n1", messages: [{role: "user", content: "where in the world has my parcel number seven gone to"}, {role: "assistant", content: "delivery"}]}'
		jq -nc '{id: "n2", messages: [{role: "user", content: "Where in the world has my parcel number seven gone to?"}, {role: "assistant", content: "billing"}]}'
		jq -nc '{id: "n3", messages: [{role: "user", content: "is the shop open on the first sunday of may this year"}, {role: "assistant", content: "hours"}]}'
		jq -nc '{id: "n4", messages: [{role: "user", content: "Is the shop open on the first Sunday of May this year"}, {role: "assistant", content: "hours"}]}'
	} >all.jsonl
	ft-review --scan -q all.jsonl >scanned.jsonl
	[ "$(jq -r 'select(any(.review.reasons[]; .reason == "near-conflict")) | .id' scanned.jsonl | tr '\n' ' ')" = "n1 n2 " ]
	[ "$(jq -r 'select(any(.review.reasons[]; .reason == "near-duplicate")) | .id' scanned.jsonl | tr '\n' ' ')" = "n3 n4 " ]
	[ "$(ft-review --scan -q --near 0 all.jsonl | grep -c '"near-')" -eq 0 ]
}

@test "class probabilities name swapped labels" {
	jq -nc 'range(200) | . as $i | (if $i % 2 == 0 then "a" else "b" end) as $true | (if $i < 10 then (if $true == "a" then "b" else "a" end) else $true end) as $given
		| {id: "r\($i)", messages: [{role: "user", content: "text \($i)"}, {role: "assistant", content: $given}], probs: (if $true == "a" then {a: 0.9, b: 0.1} else {a: 0.1, b: 0.9} end)}' >rows.jsonl
	ft-review --scan -q rows.jsonl >scanned.jsonl
	[ "$(jq -c 'select(any(.review.reasons[]; .reason == "label")) | .id' scanned.jsonl | sort | tr -d '\n')" = "$(for i in 0 1 2 3 4 5 6 7 8 9; do echo "\"r$i\""; done | sort | tr -d '\n')" ]
}

@test "the page lets nobody in without its token, from another site or host, or by an odd path" {
	rows 5
	open_page -o j.jsonl rows.jsonl
	good=("${HEADERS[@]}")
	http GET /api/next
	[ "$code" = 200 ]
	HEADERS=("Host: 127.0.0.1:$PORT")
	http GET /api/next
	[ "$code" = 403 ]
	http GET "/${ADDRESS#http://127.0.0.1:*/}" # the token a second time
	[ "$code" = 403 ]
	http GET "/?token=00000000000000000000000000000000"
	[ "$code" = 403 ]
	HEADERS=("Host: evil.example" "${good[@]:1}")
	http GET /api/next
	[ "$code" = 403 ]
	HEADERS=("${good[0]}" "Origin: http://evil.example" "${good[2]}")
	http GET /api/next
	[ "$code" = 403 ]
	HEADERS=("${good[0]}" "${good[2]}")
	http POST /api/undo '{}' # no origin
	[ "$code" = 403 ]
	HEADERS=("${good[@]}")
	http GET /../../etc/passwd
	[ "$code" = 400 ] || [ "$code" = 404 ]
	http GET /%2e%2e/etc/passwd
	[ "$code" = 400 ] || [ "$code" = 404 ]
	http DELETE /api/next
	[ "$code" = 405 ]
	http POST /api/decide '{"row": 99999}'
	[ "$code" = 404 ]
	http POST /api/decide 'nonsense'
	[ "$code" = 400 ]
	http POST /api/decide '{"row": 0, "key": "x", "hash": "y", "verdict": "good"}'
	[ "$code" = 409 ]
	[ ! -s j.jsonl ]
	http GET /
	[[ $body == *"<title>ft-review</title>"* ]]
	[[ $body != *'{{nonce}}'* && $body != *'http://'* && $body != *'https://'* ]]
	close_page
}

@test "decisions are in the journal before they are acknowledged; undo, apply and pairs follow" {
	rows 6
	open_page -o j.jsonl --as anna --every 1 rows.jsonl
	decide good
	[ "$(wc -l <j.jsonl)" -eq 1 ]
	decide fix "a better answer"
	fixed=$(jq -r .row.record.id <<<"$shown")
	decide bad
	gone=$(jq -r .row.record.id <<<"$shown")
	decide bad
	back=$(jq -r .row.record.id <<<"$shown")
	http POST /api/undo '{}'
	[ "$code" = 200 ]
	[ "$(jq -r .row.record.id <<<"$body")" = "$back" ]
	decide skip
	close_page
	status_is 0 ft-review --apply j.jsonl rows.jsonl
	printf '%s\n' "$output" >applied.jsonl
	[[ $stderr == *"1 good, 1 fixed, 1 left out, 1 skipped, 2 not judged, 0 refused"* ]]
	[ "$(wc -l <applied.jsonl)" -eq 5 ]
	[ "$(jq -r "select(.id == \"$fixed\") | .messages[-1].content" applied.jsonl)" = "a better answer" ]
	[ -z "$(jq -r "select(.id == \"$gone\") | .id" applied.jsonl)" ]
	[ "$(jq -r "select(.id == \"$back\") | .review" applied.jsonl)" = null ]
	status_is 0 ft-review --pairs j.jsonl rows.jsonl
	[ "$(jq -r '.preferred_output[0].content' <<<"$output")" = "a better answer" ]
	[[ $(jq -r '.non_preferred_output[0].content' <<<"$output") == "answer "* ]]
	status_is 0 ft-review --report j.jsonl
	[ "$(jq -c '[.judged, .good, .fix, .bad, .skip, .rate.n, .rate.errors]' <<<"$output")" = '[4,1,1,1,1,3,2]' ]
	# The journal serves reordered and grown data; a row that changed is refused and named.
	{ tac rows.jsonl; echo '{"id":"new","messages":[{"role":"user","content":"new"},{"role":"assistant","content":"x"}]}'; } >grown.jsonl
	status_is 0 ft-review --apply j.jsonl grown.jsonl
	[ "$(printf '%s\n' "$output" | wc -l)" -eq 6 ]
	sed 's/answer /reply /' rows.jsonl >changed.jsonl
	status_is 3 ft-review --apply j.jsonl changed.jsonl
	[[ $stderr == *"changed since anna judged it"* ]]
}

@test "a second reviewer is blind, differences are refused until they are settled" {
	rows 3
	open_page -o j.jsonl --as anna rows.jsonl
	decide good; decide good; decide bad
	close_page
	open_page -o j.jsonl --as ben --second rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.row.others, .row.verdict, .summary.due]' <<<"$body")" = '[[],null,3]' ]
	decide good; decide bad; decide bad
	close_page
	status_is 3 ft-review --apply j.jsonl rows.jsonl
	[[ $stderr == *"reviewers differ"*--adjudicate* ]]
	[ "$(ft-review --report j.jsonl | jq -c '[.agreement.n, .agreement.agree, .agreement.disputed]')" = '[3,2,1]' ]
	ft-review --report j.jsonl | jq -e '.agreement.alpha.value < 1 and .agreement.kappa.lo < .agreement.kappa.value'
	open_page -o j.jsonl --as clara --adjudicate rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.summary.due, [.row.others[].verdict]]' <<<"$body")" = '[1,["good","bad"]]' ]
	decide good
	close_page
	status_is 0 ft-review --apply j.jsonl rows.jsonl
}

@test "a torn last line is cut off, any other damage is named and nothing is lost" {
	rows 4
	open_page -o j.jsonl --as anna rows.jsonl
	decide good; decide good
	close_page
	cp j.jsonl whole.jsonl
	printf '{"at":"2026-01-01T00:00:00Z","who":"anna","key":"ab' >>j.jsonl
	open_page -o j.jsonl --as anna rows.jsonl
	close_page
	cmp j.jsonl whole.jsonl
	{ head -n 1 whole.jsonl; echo '{"at": 7}'; tail -n 1 whole.jsonl; } >j.jsonl
	cp j.jsonl damaged.jsonl
	status_is 2 ft-review -o j.jsonl rows.jsonl
	[[ $stderr == *j.jsonl:2:* ]]
	cmp j.jsonl damaged.jsonl
}

@test "two servers on one journal are refused" {
	rows 2
	open_page -o j.jsonl rows.jsonl
	status_is 2 ft-review -o j.jsonl rows.jsonl
	[[ $stderr == *"in use by another ft-review"* ]]
	close_page
}

@test "kill -9 at random moments loses nothing that was acknowledged and doubles nothing" {
	rounds=10
	[ -z "${FT_SLOW:-}" ] || rounds=200
	rows 500
	acknowledged=0
	for i in $(seq "$rounds"); do
		open_page -o j.jsonl --as anna --every 1 rows.jsonl
		for _ in 1 2 3; do
			decide good && acknowledged=$((acknowledged + 1))
			[ $((RANDOM % 3)) -ne 0 ] || break
		done
		kill -9 "$PAGE_PID"
		wait "$PAGE_PID" 2>/dev/null || true
		PAGE_PID=
	done
	[ "$(wc -l <j.jsonl)" -eq "$acknowledged" ]
	[ "$(jq -r .key j.jsonl | sort | uniq -d | wc -l)" -eq 0 ]
}

@test "hostile records are shown as data" {
	jq -nc '{id: "<script>alert(1)</script>", messages: [{role: "user", content: "</script><img src=x onerror=alert(1)>\u202egnp"}, {role: "assistant", content: ("x" * 1000000)}]}' >rows.jsonl
	open_page -o j.jsonl rows.jsonl
	http GET /api/next
	[ "$code" = 200 ]
	[ "$(jq -r '.row.record.messages[0].content | length' <<<"$body")" -eq 41 ]
	[ "$(jq -r '.row.reference | length' <<<"$body")" -eq 1000000 ]
	decide good
	close_page
}
