#!/usr/bin/env bats
# ft-review: the scan, the page's server and its gate, the journal, what is made of it.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load page

close_page() {
	local pid=$PAGE_PID rc=0
	PAGE_PID=
	kill -TERM "$pid"
	wait "$pid" || rc=$?
	[ "$rc" -eq 143 ]
}

teardown() {
	stop "${PAGE_PID:-}"
}

# decide VERDICT [NEW] - judges the row that the page would show next.
decide() {
	http GET /api/next
	[ "$code" = 200 ]
	shown=$body
	http POST /api/decide "$(jq -c --arg v "$1" --arg new "${2:-}" '.row
		| {row, key, hash, random, verdict: $v, new: (if $new == "" then null else $new end), why: ""}' <<<"$shown")"
	[ "$code" = 200 ] || { echo "$code $body"; return 1; }
}

rows() {
	jq -nc --argjson n "$1" 'range($n)
		| {id: "r\(.)", messages: [{role: "user", content: "question number \(.) of many"},
				{role: "assistant", content: "answer \(.)"}]}' >rows.jsonl
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
		jq -nc '{id: "refusal", messages: [{role: "user", content: "please"},
					{role: "assistant", content: "I\u0027m sorry, but I cannot help with that."}]}'
		jq -nc '{id: "mail", messages: [{role: "user", content: "write to jane.doe@example.org now"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "card", messages: [{role: "user", content: "my card 4111 1111 1111 1111 fails"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "nocard", messages: [{role: "user", content: "my order 4111 1111 1111 1112 fails"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "iban", messages: [{role: "user", content: "pay to DE89 3704 0044 0532 0130 00 please"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "phone", messages: [{role: "user", content: "my number is +33 6 12 34 56 78, or (212) 555-0199"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "nophone", messages: [{role: "user", content: "on 2023-10-05 10:30 we paid 1 234 567 890,50 EUR"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "key", messages: [{role: "user", content: "it says that sk-abcdefgh12345678ijkl is wrong"},
					{role: "assistant", content: "ok"}]}'
		jq -nc '{id: "conflict", messages: [{role: "user", content: "question number 3 of many"},
					{role: "assistant", content: "another answer"}]}'
		jq -nc '{id: "twin", messages: [{role: "user", content: "question number 5 of many"},
					{role: "assistant", content: "answer 5"}]}'
		jq -nc '{id: "long", messages: [{role: "user", content: "long"}, {role: "assistant", content: ("word " * 900)}]}'
	} >all.jsonl
	status_is 0 ft-review --scan -q all.jsonl
	printf '%s\n' "$output" >scanned.jsonl
	has() { jq -se --arg id "$1" --arg reason "$2" 'any(.[]; .id == $id and any(.review.reasons[]; .reason == $reason))' \
		scanned.jsonl >/dev/null || { echo "$1 lacks $2"; return 1; }; }
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
	has phone pii
	has key pii
	jq -se 'all(.[]; .id != "nophone" or all(.review.reasons[]; .reason != "pii"))' scanned.jsonl
	has conflict conflict
	has r3 conflict
	has twin duplicate
	has long length
	jq -se 'all(.[]; .id != "nocard" or all(.review.reasons[]; .why | startswith("a card number") | not))' scanned.jsonl
	jq -se '[.[] | select(.id | startswith("r")) | select(.id != "refusal" and .id != "r3") | .review.suspicion]
		| max == 0' scanned.jsonl
	# Lossless: the marks taken out again, the lines are what they were.
	diff <(jq -c 'del(.review)' scanned.jsonl) all.jsonl
	# Personal data is not repeated in full.
	run ! grep -q '"why":"[^"]*jane.doe@' scanned.jsonl
}

@test "nearly the same inputs with other references are named" {
	rows 40
	{
		cat rows.jsonl
		jq -nc '{id: "n1", messages: [{role: "user", content: "where in the world has my parcel number seven gone to"},
					{role: "assistant", content: "delivery"}]}'
		jq -nc '{id: "n2", messages: [{role: "user", content: "Where in the world has my parcel number seven gone to?"},
					{role: "assistant", content: "billing"}]}'
		jq -nc '{id: "n3", messages: [{role: "user", content: "is the shop open on the first sunday of may this year"},
					{role: "assistant", content: "hours"}]}'
		jq -nc '{id: "n4", messages: [{role: "user", content: "Is the shop open on the first Sunday of May this year"},
					{role: "assistant", content: "hours"}]}'
	} >all.jsonl
	ft-review --scan -q all.jsonl >scanned.jsonl
	[ "$(jq -r 'select(any(.review.reasons[]; .reason == "near-conflict")) | .id' scanned.jsonl | tr '\n' ' ')" = "n1 n2 " ]
	[ "$(jq -r 'select(any(.review.reasons[]; .reason == "near-duplicate")) | .id' scanned.jsonl | tr '\n' ' ')" = "n3 n4 " ]
	[ "$(ft-review --scan -q --near 0 all.jsonl | grep -c '"near-')" -eq 0 ]
}

@test "class probabilities name swapped labels" {
	jq -nc 'range(200) | . as $i | (if $i % 2 == 0 then "a" else "b" end) as $true
		| (if $i < 10 then (if $true == "a" then "b" else "a" end) else $true end) as $given
		| {id: "r\($i)", messages: [{role: "user", content: "text \($i)"}, {role: "assistant", content: $given}],
			probs: (if $true == "a" then {a: 0.9, b: 0.1} else {a: 0.1, b: 0.9} end)}' >rows.jsonl
	ft-review --scan -q rows.jsonl >scanned.jsonl
	[ "$(jq -c 'select(any(.review.reasons[]; .reason == "label")) | .id' scanned.jsonl | sort | tr -d '\n')" = \
		"$(for i in 0 1 2 3 4 5 6 7 8 9; do echo "\"r$i\""; done | sort | tr -d '\n')" ]
}

@test "class probabilities are read in the forms in which programs write them, labels in any case; others are named" {
	jq -nc 'range(60) | . as $i | (["Yes", "No"][$i % 2]) as $true | (if $i < 6 then "YesNo" | sub($true; "") else $true end) as $given
		| {id: "r\($i)", messages: [{role: "user", content: "text \($i)"}, {role: "assistant", content: $given}],
			probs: {($true): 0.95, ("YesNo" | sub($true; "")): 0.05}}' >rows.jsonl
	named() { jq -r 'select(any(.review.reasons[]; .reason == "label")) | .id' | xargs; }
	[ "$(ft-review --scan -q rows.jsonl | named)" = "r0 r1 r2 r3 r4 r5" ]
	for form in 'with_entries(.key |= ascii_upcase)' 'with_entries(.key |= " \(ascii_downcase) ")' \
		'to_entries | map({label: .key, score: .value})' '[to_entries | map({label: (.key | ascii_downcase), score: .value})]' \
		'to_entries | map([.key, .value])' 'to_entries | {labels: map(.key), scores: map(.value)}' \
		'to_entries | map({class: .key, probability: "\(.value)"})'; do
		jq -c ".probs |= ($form)" rows.jsonl >formed.jsonl
		status_is 0 ft-review --scan -q formed.jsonl
		[ -z "$stderr" ]
		[ "$(named <<<"$output")" = "r0 r1 r2 r3 r4 r5" ]
	done
	# What cannot be read is named with how to mend it, and speaks for nothing.
	while IFS=@ read -r form words; do
		jq -c ".probs |= ($form)" rows.jsonl >formed.jsonl
		status_is 0 ft-review --scan -q formed.jsonl
		[[ $stderr == *"the probabilities at .probs of 60 rows, the first row 1, $words"* ]]
		[ -z "$(named <<<"$output")" ]
	done <<-'END'
		map_values(. * 100)@are percent: divide them by 100
		with_entries(.value |= "\(. * 100) %")@are percent: divide them by 100
		{(keys[0]): 95}@are percent: divide them by 100
		[.[]]@are numbers without labels
		"Yes"@are neither an object
		[{x: 1}]@are neither an object
		map_values("high")@hold no number from 0 to 1
		with_entries(.key = "LABEL_\(.key | length)")@name none of the references
	END
	# Labels that differ in case alone are two where the set has both, and neither is guessed at.
	jq -c 'if .id == "r20" or .id == "r21" then .messages[-1].content |= ascii_downcase else . end' rows.jsonl >both.jsonl
	status_is 0 ft-review --scan -q both.jsonl
	[ "$(named <<<"$output")" = "r0 r1 r2 r3 r4 r5" ]
}

@test "what is no probability speaks for no label" {
	{
		jq -nc 'range(60) | (["a", "b"][. % 2]) as $l
			| {id: "r\(.)", messages: [{role: "user", content: "text \(.)"}, {role: "assistant", content: $l}],
				probs: {($l): 1.0000001}}'
		jq -nc '({a: -5, b: 0}, {a: 0.2, b: 7}, {a: -5, b: 1}, {a: "x", b: null}, {a: 1e999})
			| {id: "odd", messages: [{role: "user", content: "odd \(.)"}, {role: "assistant", content: "a"}], probs: .}'
		jq -nc '{id: "wrong", messages: [{role: "user", content: "a wrong one"}, {role: "assistant", content: "a"}],
				probs: {a: 0, b: 1.0000001}}'
	} >rows.jsonl
	ft-review --scan -q rows.jsonl >scanned.jsonl
	[ "$(jq -r '.id as $i | .review.reasons[] | select(.reason == "label") | "\($i): \(.why)"' scanned.jsonl)" = \
		"wrong: b is likelier (1.00) than a (0.00)" ]
}

@test "references that break a schema, and dates far from the others, are named" {
	{
		jq -nc 'range(40)
			| {id: "r\(.)", messages: [{role: "user", content: "note \(.)"},
					{role: "assistant", content: "{\"due\": \"2023-03-\(10 + . % 20)\"}"}]}'
		jq -nc '{id: "type", messages: [{role: "user", content: "a number"}, {role: "assistant", content: "{\"due\": 7}"}]}'
		jq -nc '{id: "bare", messages: [{role: "user", content: "no json"}, {role: "assistant", content: "2023-03-01"}]}'
		jq -nc '{id: "year", messages: [{role: "user", content: "a typo"},
					{role: "assistant", content: "{\"due\": \"2203-03-01\"}"}]}'
	} >rows.jsonl
	echo '{"type": "object", "properties": {"due": {"type": "string"}}, "required": ["due"]}' >schema.json
	ft-review --scan -q --schema schema.json rows.jsonl >scanned.jsonl
	[ "$(jq -r '.id as $i | .review.reasons[].reason | "\($i) \(.)"' scanned.jsonl | grep -v language | sort | tr '\n' ',')" = \
		"bare invalid-json,bare not-json,type schema,year odd-date," ]
	[[ $(jq -r 'select(.id == "type") | .review.reasons[] | select(.reason == "schema").why' scanned.jsonl) == *.due* ]]
	status_is 2 ft-review --scan --schema nowhere.json rows.jsonl
	[[ $stderr == *nowhere.json* ]]
}

@test "confident learning names the rows that its definition names, and most of the swapped ones" {
	f=$ROOT/tests/fixtures/labels.jsonl
	ft-review --scan -q --near 0 "$f" >scanned.jsonl
	diff <(jq -r 'select(any(.review.reasons[]; .reason == "label")).id' scanned.jsonl) <(jq -r 'select(.issue).id' "$f")
	# The swapped tenth stands first: precision and recall in the first tenth, where chance has
	# 0.1.
	[ "$(jq -s 'sort_by(-.review.suspicion)[:12] | map(select(.swapped)) | length' scanned.jsonl)" -ge 9 ]
}

@test "the log-probabilities of an answer speak for its label" {
	jq -nc 'range(100) | (if . % 2 == 0 then "a" else "b" end) as $true
		| (if . < 4 then (if $true == "a" then "b" else "a" end) else $true end) as $given
		| {id: "r\(.)", messages: [{role: "user", content: "text \(.)"}, {role: "assistant", content: $given}], output: $true,
			logprobs: [{token: $true, logprob: -0.05}, {token: "", logprob: -0.01}]}' >rows.jsonl
	[ "$(ft-review --scan -q rows.jsonl | jq -r 'select(any(.review.reasons[]; .reason == "label")) | .id' | tr '\n' ' ')" = \
		"r0 r1 r2 r3 " ]
}

@test "a model's opinion: probabilities of labels that sum to 1, losses, and what a later scan makes of them" {
	jq -nc 'range(60) | (["billing", "delivery", "account"][. % 3]) as $l
		| {id: "r\(.)", messages: [{role: "user", content: "about \($l) \(.)"}, {role: "assistant", content: $l}]}' >rows.jsonl
	jq -n '{model_type: "llama", hidden_size: 32, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 2,
		max_position_embeddings: 512}' >shape.json
	ft-train -q --scratch shape.json --steps 1 -o model rows.jsonl >/dev/null 2>&1
	status_is 0 ft-review --scan -m ./model rows.jsonl
	[[ $stderr == *"the references are 3 labels"* ]]
	printf '%s\n' "$output" >scanned.jsonl
	jq -se 'length == 60 and all(.[]; ([.review.probs[]] | add | . > 0.999 and . < 1.001) and .review.loss > 0)' scanned.jsonl
	diff <(jq -c 'del(.review)' scanned.jsonl) rows.jsonl
	# Threads do not change it; a scan without the model keeps what was said.
	ft-review --scan -q -m ./model --threads 1 rows.jsonl | cmp - scanned.jsonl
	ft-review --scan -q scanned.jsonl | cmp - scanned.jsonl
	# Free text has losses and no probabilities; a row without a reference has neither.
	{ jq -nc 'range(40)
		| {id: "t\(.)", messages: [{role: "user", content: "say \(.)"}, {role: "assistant", content: "word \(.)"}]}'; echo \
		'{"id": "none", "messages": [{"role": "user", "content": "x"}]}'; } >text.jsonl
	ft-review --scan -q -m ./model text.jsonl | jq -se 'all(.[]; .review | has("probs") | not)
		and ([.[] | select(.review.loss == null) | .id] == ["none"])'
	# What the template leaves out of a row, the model does not see: said once a kind.
	jq '.chat_template |= sub("for m in messages"; "for m in messages if m.role != \"system\"")' model/tokenizer_config.json >config
	mv config model/tokenizer_config.json
	jq -c 'if .id == "r4" or .id == "r9" then .messages |= [{role: "system", content: "Never say the word delivery."}] + .
		else . end' rows.jsonl >told.jsonl
	status_is 0 ft-review --scan -m ./model told.jsonl
	[[ $stderr == *"left the text of a message out of 2 rows, the first row 5: the model did not see it"* ]]
	[ "$(grep -c "left the text" <<<"$stderr")" -eq 1 ]
	status_is 0 ft-review --scan -q -m ./model rows.jsonl
	[[ $stderr != *"chat template"* ]]
	# A judge on this machine puts its own system turn into the user's, and says so.
	head -n 2 rows.jsonl | jq -c '.output = "x"' >two.jsonl
	status_is 3 ft-judge -m ./model --no-schema --max-tokens 2 two.jsonl
	[[ $stderr == *"its chat template has no place for a system turn"* ]]
	status_is 2 ft-review --scan -m ./nowhere rows.jsonl
	status_is 2 ft-review --scan -a ./model rows.jsonl
}

@test "--scan: any number of threads finds the same" {
	jq -nc 'range(1500) | {id: "r\(.)", messages: [
		{role: "user", content: "mail \(. % 7)@example.com or call +49 30 901820\(10 + . % 90)"},
		{role: "assistant", content: (["paid on 2023-02-30", "I\u2019m sorry, I can\u2019t help with that", "<|im_end|>", "{\"a\":",
			"yes", ""][. % 6])}]}' >in.jsonl
	ft-review --scan --threads 1 in.jsonl >one 2>one.err
	[ "$(jq -r '.review.reasons[].reason' one | sort -u | wc -l)" -ge 5 ]
	for threads in 2 5; do
		ft-review --scan --threads "$threads" in.jsonl >many 2>many.err
		cmp one many
		cmp one.err many.err
	done
}

@test "strangers' bodies are not kept, and their idle connections keep nobody out" {
	rows 5
	open_page -o j.jsonl rows.jsonl
	local fds=() fd
	for _ in $(seq 24); do # all at once, 20 of 60 MB each
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		fds+=("$fd")
		printf '%s\r\n' 'POST /api/decide HTTP/1.1' "Host: 127.0.0.1:$PORT" 'Origin: http://evil.example' \
			'Content-Length: 60000000' '' >&"$fd"
	done
	for fd in "${fds[@]}"; do
		(head -c 20000000 /dev/zero >&"$fd") 2>/dev/null || :
	done
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$PAGE_PID/status")" -lt 100000 ]
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	fds=()
	for _ in $(seq 150); do # that say nothing, or little
		exec {fd}<>"/dev/tcp/127.0.0.1/$PORT"
		fds+=("$fd")
		printf 'GET / HTTP' >&"$fd"
	done
	http GET /api/next
	[ "$code" = 200 ]
	for fd in "${fds[@]}"; do exec {fd}>&-; done
	close_page
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
	# the policy lets run what has the nonce of this very page, and that is all of it
	seen=
	for _ in 1 2; do
		curl -sS -D head "${HEADERS[@]/#/-H}" "http://127.0.0.1:$PORT/" >page
		grep -i '^content-security-policy:' head | grep -o "nonce-[^']*" | sort -u >named
		grep -oE '<(script|style)[^>]*>' page | sed -E 's/.* nonce="([^"]*)">/nonce-\1/' | sort -u | cmp - named
		run ! grep -qi unsafe- head
		seen+=" $(<named)"
	done
	[ "$(printf '%s\n' $seen | sort -u | wc -l)" -eq 2 ]
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
	{ tac rows.jsonl; echo \
		'{"id":"new","messages":[{"role":"user","content":"new"},{"role":"assistant","content":"x"}]}'; } >grown.jsonl
	status_is 0 ft-review --apply j.jsonl grown.jsonl
	[ "$(printf '%s\n' "$output" | wc -l)" -eq 6 ]
	sed 's/answer /reply /' rows.jsonl >changed.jsonl
	status_is 3 ft-review --apply j.jsonl changed.jsonl
	[[ $stderr == *"changed since anna judged it"* ]]
}

@test "a verdict is about input and reference: whatever else of a row comes, changes and goes leaves it as it is" {
	{
		jq -nc 'range(3) | {id: "r\(.)", messages: [{role: "user", content: "question \(.)"},
			{role: "assistant", content: "answer \(.)"}], output: "said", model: "m", latency: 0.5, cost: 0.01,
			usage: {prompt_tokens: 3}, logprobs: [], cached: false, split: "train", tags: ["x"]}'
		jq -nc '{id: "raw", prompt: "raw ", completion: "done", output: "said", latency: 0.5}'
		jq -nc '{id: "ideal", messages: [{role: "user", content: "ideal"}], ideal: ["one", "two"], output: "one", latency: 0.5}'
	} >rows.jsonl
	open_page -o j.jsonl --as anna --every 1 rows.jsonl
	for _ in 1 2 3 4; do decide good; done
	decide fix "a better answer"
	close_page
	while read -r change; do
		jq -c "$change" rows.jsonl >changed.jsonl
		status_is 0 ft-review --apply j.jsonl changed.jsonl
		[[ $stderr == *"5 rows: 4 good, 1 fixed, 0 left out, 0 skipped, 0 not judged, 0 refused"* ]]
		ft-review -q --apply j.jsonl changed.jsonl >applied.jsonl
		ft-review -q --apply j.jsonl applied.jsonl | cmp - applied.jsonl
		[ "$(ft-review -q --verdicts j.jsonl changed.jsonl | wc -l)" -eq 5 ]
		[ "$(ft-review -q --apply j.jsonl changed.jsonl | jq -s 'map(select(.review.verdict == "fix")) | length')" -eq 1 ]
	done <<-'END'
		del(.latency)
		.weight = 1
		.cached = true
		del(.output, .model, .latency, .cost, .usage, .logprobs, .cached)
		.output = "another" | .model = "n" | .reasoning = "because" | .finish_reason = "length"
		.split = "valid" | .eval = {exact: 0} | .judge = {pass: false} | .review = {suspicion: 0.5, reasons: []}
		.id = "other \(.id)" | del(.tags) | .ideal_of = null | .feedback = {value: true}
		if .messages and (.ideal | not) then .messages[-1].weight = 1 else . end
		to_entries | reverse | from_entries
		.error = null | .ideal = .ideal | .request_id = "q"
	END
	# What the row says is another matter: it is refused, and open again on the page.
	while read -r change; do
		jq -c "$change" rows.jsonl >changed.jsonl
		status_is 3 ft-review --apply j.jsonl changed.jsonl
		[[ $stderr == *" changed since anna judged it"* ]]
		cp j.jsonl k.jsonl
		open_page -o k.jsonl --as anna changed.jsonl
		http GET /api/next
		id=$(grep -vxFf rows.jsonl changed.jsonl | jq -c .id)
		[ "$(jq -c '[.row.record.id, .row.new, .summary.good + .summary.fix]' <<<"$body")" = "[$id,null,4]" ]
		decide good
		close_page
		status_is 0 ft-review --apply k.jsonl changed.jsonl
	done <<-'END'
		if .id == "r1" then .messages[-1].content += "." else . end
		if .id == "raw" then .completion = "Done" else . end
		if .id == "ideal" then .ideal[1] = "three" else . end
		if .id == "r2" then .ideal = "answer" else . end
	END
}

@test "journals of earlier versions, which took a hash of the whole record, are read as those versions read them" {
	old=$ROOT/tests/fixtures/review-old # make.py made it
	status_is 3 ft-review --apply "$old/journal.jsonl" "$old/rows.jsonl"
	diff "$old/applied.jsonl" - <<<"$output"
	status_is 3 ft-review --apply "$old/journal.jsonl" "$old/applied.jsonl"
	diff "$old/applied.jsonl" - <<<"$output"
	# what that version passed over in silence is named now
	status_is 3 ft-review -q --pairs "$old/journal.jsonl" "$old/rows.jsonl"
	diff "$old/pairs.jsonl" - <<<"$output"
	[[ $stderr == *"reviewers differ on row"* ]]
	ft-review -q --verdicts "$old/journal.jsonl" "$old/rows.jsonl" | diff "$old/verdicts.jsonl" -
	# They go on in the new form: nothing of what was judged is open, a draft is there, an undo takes a verdict back.
	cp "$old/journal.jsonl" j.jsonl
	cp "$old/drafts.jsonl" j.jsonl.drafts
	open_page -o j.jsonl --as anna "$old/rows.jsonl"
	http GET /api/next
	[ "$(jq -c '[.row, .summary.good, .summary.fix, .summary.bad, .summary.skip]' <<<"$body")" = '[null,3,5,3,1]' ]
	http POST /api/undo '{}'
	[ "$code" = 200 ]
	decide good
	close_page
	[ "$(wc -l <j.jsonl)" -eq $(($(wc -l <"$old/journal.jsonl") + 2)) ]
	status_is 3 ft-review --apply j.jsonl "$old/rows.jsonl"
	open_page -o j.jsonl --as ben --second "$old/rows.jsonl"
	http GET '/api/row?row=3'
	[ "$(jq -r .row.draft <<<"$body")" = "half an edit" ]
	close_page
}

@test "a fix of tool calls is JSON, and a journal may be applied twice" {
	jq -nc '{id: "calls", messages: [{role: "user", content: "weather?"},
				{role: "assistant", content: null,
				tool_calls: [{id: "c1", type: "function", function: {name: "get", arguments: "{}"}}]}]}' >rows.jsonl
	open_page -o j.jsonl --as anna rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.row.kind, (.row.reference | fromjson | .[0].function.name)]' <<<"$body")" = '["calls","get"]' ]
	request=$(jq -c '.row | {row, key, hash, random, verdict: "fix", new: "no json", why: ""}' <<<"$body")
	http POST /api/decide "$request"
	[ "$code" = 400 ]
	[[ $body == *"JSON array"* ]]
	http POST /api/decide \
		"$(jq \
		-c '.new = "[{\"id\": \"c1\",\n \"type\": \"function\", \"function\": {\"name\": \"find\", \"arguments\": \"{}\"}}]"' \
		<<<"$request")"
	[ "$code" = 200 ]
	close_page
	status_is 0 ft-review --apply j.jsonl rows.jsonl
	[ "$(jq -r '.messages[-1].tool_calls[0].function.name' <<<"$output")" = find ]
	printf '%s\n' "$output" >once.jsonl
	status_is 0 ft-review --apply j.jsonl once.jsonl
	[[ $stderr == *"1 fixed"*"0 refused"* ]]
	cmp once.jsonl <(printf '%s\n' "$output")
	status_is 0 ft-review --pairs j.jsonl rows.jsonl
	[ "$(jq -r '[.preferred_output[0], .non_preferred_output[0]] | map(.tool_calls[0].function.name) | join(" ")' <<<"$output")" \
		= "find get" ]
	status_is 0 ft-review --pairs j.jsonl once.jsonl
	[ -z "$output" ]
}

@test "an edit that was begun outlives the server; a decision ends it" {
	rows 3
	open_page -o j.jsonl --as anna rows.jsonl
	http GET /api/next
	request=$(jq -c '.row | {row, key, hash, random, text: "half an ed"}' <<<"$body")
	http POST /api/draft "$request"
	[ "$code" = 200 ]
	kill -9 "$PAGE_PID"
	wait "$PAGE_PID" 2>/dev/null || true
	open_page -o j.jsonl --as anna rows.jsonl
	http GET "/api/row?row=$(jq .row <<<"$request")"
	[ "$(jq -r .row.draft <<<"$body")" = "half an ed" ]
	http POST /api/decide "$(jq -c '. + {verdict: "good"}' <<<"$request")"
	[ "$code" = 200 ]
	[ ! -e j.jsonl.drafts ]
	close_page
}

@test "a text with a NUL is refused, not cut short" {
	rows 2
	open_page -o j.jsonl --as anna rows.jsonl
	http GET /api/next
	request=$(jq -c '.row | {row, key, hash, random, verdict: "fix", new: "one\u0000two", why: ""}' <<<"$body")
	http POST /api/decide "$request"
	[ "$code" = 400 ]
	[[ $body == *NUL* ]]
	http POST /api/decide "$(jq -c '.new = "one" | .why = "a\u0000b"' <<<"$request")"
	[ "$code" = 400 ]
	http POST /api/draft "$(jq -c '.text = .new' <<<"$request")"
	[ "$code" = 400 ]
	[ ! -s j.jsonl ]
	[ ! -e j.jsonl.drafts ]
	http GET /api/summary
	[ "$(jq -c '[.summary.fix, .summary.pending]' <<<"$body")" = '[0,0]' ]
	close_page
}

@test "a journal that can't be written is said, the decision is kept and written later" {
	command -v prlimit >/dev/null || skip "no prlimit here"
	rows 3
	trap '' XFSZ # its writes fail, as on a full disk
	open_page -o j.jsonl --as anna rows.jsonl
	trap - XFSZ
	prlimit --pid "$PAGE_PID" --fsize=1:
	decide good
	[ "$(jq -c '[.saved, .pending]' <<<"$body")" = '[false,1]' ]
	[[ $(jq -r .error <<<"$body") == *j.jsonl* ]]
	[ ! -s j.jsonl ]
	http GET /api/summary
	[ "$(jq -c '[.summary.good, .summary.pending]' <<<"$body")" = '[1,1]' ]
	prlimit --pid "$PAGE_PID" --fsize=unlimited:
	http GET /api/summary
	[ "$(jq -c '[.summary.good, .summary.pending, .summary.error]' <<<"$body")" = '[1,0,null]' ]
	[ "$(wc -l <j.jsonl)" -eq 1 ]
	close_page
}

@test "rows to compare with stand beside a row, and labels to choose from" {
	{
		jq -nc 'range(20)
			| {id: "r\(.)", messages: [{role: "user", content: "question number \(.) of many"},
					{role: "assistant", content: (["a", "b"][. % 2])}]}'
		jq -nc '("a", "b")
			| {id: "c\(.)", messages: [{role: "user", content: "the same question"}, {role: "assistant", content: .}]}'
	} >rows.jsonl
	ft-review --scan -q rows.jsonl >scanned.jsonl
	open_page -o j.jsonl --as anna scanned.jsonl
	http GET /api/labels
	[ "$(jq -c .labels <<<"$body")" = '["a","b"]' ]
	http GET "/api/row?row=20"
	[ "$(jq -c '[.row.related[] | [.row, .text, .reference]]' <<<"$body")" = '[[21,"the same question","b"]]' ]
	close_page
}

# keys KEYS ARGS... - types on a terminal of ft-review's own.
keys() {
	local typed=$1
	shift
	printf '%s' "$typed" | timeout 60 script -qec "ft-review --tty $*" /dev/null >screen.txt 2>&1
}

@test "in a terminal: one key a verdict, the editor for fixes, the same journal as the page" {
	need_terminal
	rows 6
	EDITOR="sed -i s/answer/reply/" keys $'gfbus?xnq' -o j.jsonl --as anna --every 2 rows.jsonl
	[ "$(jq -r .verdict j.jsonl | tr '\n' ' ')" = "good fix bad undo skip " ]
	[[ $(jq -r 'select(.verdict == "fix").new' j.jsonl) == "reply "? ]]
	grep -q "3 of 6 rows are judged" screen.txt
	grep -q "question number" screen.txt
	open_page -o j.jsonl --as anna --every 2 rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.summary.good, .summary.fix, .summary.skip]' <<<"$body")" = '[1,1,1]' ]
	close_page
	# An editor that fails, or changes nothing, decides nothing; rows may come through a pipe.
	cp j.jsonl before.jsonl
	EDITOR=false keys fq -o j.jsonl --as anna rows.jsonl
	grep -q "the editor failed" screen.txt
	EDITOR=true keys fq -o j.jsonl --as anna "<rows.jsonl"
	grep -q "nothing is saved" screen.txt
	cmp j.jsonl before.jsonl
	# The test set asks first.
	jq -c '.split = "test"' rows.jsonl >test.jsonl
	EDITOR="sed -i s/answer/reply/" keys fnq -o k.jsonl test.jsonl
	grep -q "belongs to the test set" screen.txt
	[ ! -s k.jsonl ]
	EDITOR="sed -i s/answer/reply/" keys fyq -o k.jsonl test.jsonl
	[ "$(wc -l <k.jsonl)" -eq 1 ]
	status_is 2 ft-review -o k.jsonl --tty --port 1 rows.jsonl
}

@test "in a terminal the last verdict can be taken back, and rows passed over come again" {
	need_terminal
	rows 2
	keys 'gbugq' -o j.jsonl --as anna --every 1 rows.jsonl
	[ "$(jq -r .verdict j.jsonl | tr '\n' ' ')" = "good bad undo good " ]
	grep -q "Nothing is left to judge" screen.txt
	grep -q "2 of 2 rows are judged" screen.txt
	keys 'xgbunnq' -o k.jsonl --as anna --every 1 rows.jsonl
	[ "$(jq -r .verdict k.jsonl | tr '\n' ' ')" = "good bad undo " ]
	keys 'nngq' -o k.jsonl --as anna --every 1 rows.jsonl
	grep -q "rows that were passed over" screen.txt
	[ "$(jq -r .verdict k.jsonl | tail -n 1)" = good ]
}

@test "in a terminal a digit takes the reference of that number, the same ones that the page proposes" {
	need_terminal
	{
		jq -nc '{id: "p", messages: [{role: "user", content: "which one is it then"}, {role: "assistant", content: "a"}],
			output: "from a model", model: "tuned-7b", probs: {a: 0.2, b: 0.7, c: 0.04, d: 0.06}}'
		jq -nc '{id: "q", messages: [{role: "user", content: "which one is it then"}, {role: "assistant", content: ("e" * 5000)}]}'
	} >rows.jsonl
	open_page -o page.jsonl --as anna rows.jsonl
	http GET '/api/row?row=0'
	[ "$(jq -c '[.row.proposals[] | [.text[:12], (.text | length), .from]]' <<<"$body")" = \
		'[["from a model",12,"tuned-7b"],["b",1,"model: 70 %"],["d",1,"model: 6.0 %"],["eeeeeeeeeeee",5000,"row 2"]]' ]
	[ "$(jq -c '.row | has("random")' <<<"$body")" = false ]
	close_page
	head -n 1 rows.jsonl >one.jsonl
	for key in 1 2 3; do
		rm -f "$key.jsonl"
		keys "7${key}q" -o "$key.jsonl" one.jsonl # there is no seventh
		grep -q "or is it" screen.txt
	done
	[ "$(jq -r .new 1.jsonl 2.jsonl 3.jsonl | xargs -d '\n')" = "from a model b d" ]
	# The test set and broken JSON are asked about as with f.
	jq -c '.split = "test"' one.jsonl >test.jsonl
	keys 1nq -o t.jsonl test.jsonl
	grep -q "belongs to the test set" screen.txt
	[ ! -s t.jsonl ]
	keys 1yq -o t.jsonl test.jsonl
	[ "$(jq -r .new t.jsonl)" = "from a model" ]
	jq -c '.output = "{\"x\": 1"' one.jsonl >broken.jsonl
	keys 1nq -o b.jsonl broken.jsonl
	grep -q "begins like JSON" screen.txt
	[ ! -s b.jsonl ]
}

@test "nobody is told which rows are the random ones" {
	need_terminal
	jq -nc 'range(12) | (. < 6) as $odd | {id: "r\(.)",
		messages: [{role: "user", content: "question \(.)"}, {role: "assistant", content: "answer"}],
		review: {suspicion: (if $odd then 0.5 else 0 end), reasons: [{reason: "length", why: "long"} | select($odd)]}}' >rows.jsonl
	open_page -o j.jsonl --as anna --every 2 rows.jsonl
	for _ in $(seq 9); do
		decide good
		jq -c '.row | paths | map(tostring) | join(".")' <<<"$shown" >>paths
		jq -c '.row' <<<"$shown" >>shown
	done
	close_page
	[ "$(jq -s 'map(.random) | unique | length' j.jsonl)" -eq 2 ]
	run ! grep -i random paths
	run ! grep -i -e random -e drawn shown
	keys gggggq -o t.jsonl --as anna --every 2 rows.jsonl
	[ "$(jq -s 'map(.random) | unique | length' t.jsonl)" -eq 2 ]
	run ! grep -i -e random -e drawn screen.txt
}

# Two answers to each of N questions: of "big" and of "tuned", which is wrong in every third; and what
# else stands in ft-serve's log.
shadow_log() {
	jq -nc --argjson n "$1" 'range($n) as $i | ("big", "tuned") as $m
		| {id: "01M\($i)", time: "2026-11-2\($i % 9)T10:00:00.000Z", route: "r", target: $m, client: "app",
			messages: [{role: "user", content: "note \($i)"}], output: ({n: $i, by: {big: 1, tuned: 2}[$m]} | tojson),
			model: $m, model_version: "\($m)-0613", latency: {big: 0.9, tuned: 0.1}[$m], cost: 0.01,
			usage: {prompt_tokens: 3, completion_tokens: 2, total_tokens: 5}, routes_hash: "ab"}
			+ ({tuned: {shadow: true}}[$m] // {})'
	jq -nc '{id: "01MF", time: "2026-11-29T10:00:00.000Z", route: "r", record: "01M0", feedback: {value: true}}'
	jq -nc '{id: "01ME", route: "r", messages: [{role: "user", content: "an error"}], model: "big", error: {type: "timeout"}}'
	jq -nc '{id: "01MA", route: "r", messages: [{role: "user", content: "not shadowed"}], output: "x", model: "big"}'
}

# prefer MODEL_NUMBER - judges the pair that the page would show next by what stands in its answers.
prefer() {
	http GET /api/next
	[ "$code" = 200 ]
	shown=$body
	http POST /api/decide "$(jq -c --argjson by "$1" '.row as $r
		| [$r.answers[] | fromjson.by] as [$a, $b]
		| {verdict: (if $a == $by then "a" elif $b == $by then "b" else "tie" end), why: "as told"}
			+ ($r | {row, key, hash})' <<<"$shown")"
	[ "$code" = 200 ] || { echo "$code $body"; return 1; }
}

@test "two answers are compared blind: ft-serve's shadows become pairs, sides change, the journal tells who wins" {
	shadow_log 12 >log.jsonl
	open_page -o j.jsonl --as anna --pair log.jsonl
	[[ $(cat page.err) == *"1 record found no answer of another model to the same id; 2 records without an answer"* ]]
	for _ in $(seq 9); do
		prefer 2
		printf '%s\n' "$shown" >>shown
	done
	# Neither model, nor what tells it, nor the answers in the record's order.
	run ! grep -i -e big -e tuned -e latency -e target -e 0613 -e shadow -e '"a":{' shown
	[ "$(jq -s 'map(.row.answers[0] | fromjson.by) | unique | length' shown)" -eq 2 ]
	decide tie
	decide bad
	[ "$(jq -c '[.summary.due, .summary.pairs, .summary.words]' <<<"$shown")" = '[12,12,null]' ]
	decide skip
	http GET /api/next
	[ "$(jq -c '[.row, .summary.tie, .summary.bad, .summary.skip]' <<<"$body")" = '[null,1,1,1]' ]
	close_page
	jq -se 'all(.[]; .a == "big" and .b == "tuned" and (.first == "a" or .first == "b") and .of == 12)
		and (map(.verdict) | .[:9] | unique == ["b"]) and (map(.first) | unique | length == 2)' j.jsonl
	# A tie is half a win: 9 + 2 / 2 of 11. The bounds are (1 + d) / 2 of Tango's for 9 against 0 of 11, his equation solved apart.
	ft-review --report j.jsonl | jq -e '.judged == 0 and .rate.n == 0 and .reviewers[0].pairs == 12
		and (.pairs | .judged == 11 and .ties == 1 and .both_bad == 1 and .skip == 1 and .split == 0
			and .judge == null and .agreement == null and (.p - 2 / 512 | fabs) < 1e-12)
		and (.pairs.models[0] | .model == "tuned" and .wins == 9 and .losses == 0 and .ties == 2 and .n == 11
			and (.win_rate.value - 10 / 11 | fabs) < 1e-12
			and (.win_rate.lo - 0.673788 | fabs) < 1e-5 and (.win_rate.hi - 0.974316 | fabs) < 1e-5)'
	ft-review --report j.jsonl --table >words
	[[ $(<words) == *"11 pairs judged: 1 tie, 1 with both bad"*"tuned wins 90.9 % of 11 (between"*"9 won, 0 lost."* ]]
	# Preferences to train on, whichever file comes first, and the pairs with what was said.
	status_is 0 ft-review --pairs j.jsonl --pair log.jsonl
	[[ $stderr == *"9 preference pairs"* ]]
	printf '%s\n' "$output" >preferences.jsonl
	jq -se 'length == 9 and all(.[]; (.preferred_output[0].content | fromjson.by) == 2
		and (.non_preferred_output[0].content | fromjson.by) == 1 and (.input.messages | length) == 1)' preferences.jsonl
	jq -c 'select(.model == "tuned")' log.jsonl >tuned.jsonl
	jq -c 'select(.model == "big" and .output and .id != "01MA") | del(.latency, .cost)' log.jsonl >big.jsonl
	ft-review -q --pairs j.jsonl --pair tuned.jsonl big.jsonl | cmp - preferences.jsonl
	ft-judge -n -m m --pair tuned.jsonl big.jsonl >/dev/null
	ft-review -q --verdicts j.jsonl --pair tuned.jsonl big.jsonl >said.jsonl
	jq -se 'length == 11 and (map(.review.winner) | group_by(.) | map("\(length) \(.[0])") == ["9 a", "2 tie"])
		and all(.[]; .a.model == "tuned") and any(.[]; .review.verdict == "bad")' said.jsonl
	# A judge is compared with people.
	jq -c '.judge = {winner: (if .review.winner == "tie" then "b" else "a" end)}' said.jsonl |
		ft-judge --agree .review.winner | jq -e '.n == 11 and (.agreement.value - 9 / 11 | fabs) < 1e-12'
	ft-review -q --apply j.jsonl said.jsonl | cmp - said.jsonl
}

@test "pair rows are shown as pairs with and without --pair; whose the sides are may change, what they say may not" {
	jq -nc 'range(6) | {id: "p\(.)", messages: [{role: "user", content: "q\(.)"}], a: {model: "x", output: "{\"by\": 1}"},
		b: {model: "y", output: "{\"by\": 2}"}, judge: {winner: (if . < 4 then "a" else "tie" end)}}' >pairs.jsonl
	open_page -o j.jsonl --as anna pairs.jsonl
	for _ in 1 2 3 4 5 6; do prefer 1; done
	close_page
	jq -se 'all(.[]; .verdict == "a" and .why == "as told") and (map(.judge) | group_by(.) | map(length) == [4, 2])' j.jsonl
	ft-review --report j.jsonl | jq -e '.pairs.judge | .n == 6 and (.agreement | (.value - 4 / 6 | fabs) < 1e-12 and .lo < .value)'
	# Ben gets the same with a and b exchanged, and other sides by another seed.
	jq -c '{id, messages, a: .b, b: .a}' pairs.jsonl >turned.jsonl
	open_page -o j.jsonl --as ben --second --seed 7 --pair turned.jsonl
	http GET /api/next
	[ "$(jq -c '[.summary.due, .row.others, .row.record.judge]' <<<"$body")" = '[6,[],null]' ]
	for _ in 1 2 3 4; do prefer 1; done
	prefer 2
	http POST /api/undo '{}'
	prefer 2
	decide tie
	close_page
	[ "$(jq -r 'select(.who == "ben") | .verdict' j.jsonl | xargs)" = "b b b b a undo a tie" ]
	ft-review --report j.jsonl | jq -e '.pairs | .split == 2 and .models[0].wins == 4
		and (.agreement | .n == 6 and .agree == 4 and .disputed == 2)'
	[[ $(ft-review --report j.jsonl --table) == *"Reviewers agree on 4 of 6 pairs that several judged; 2 are not settled."* ]]
	status_is 3 ft-review --pairs j.jsonl turned.jsonl
	[[ $stderr == *"reviewers differ on row"*"4 preference pairs, 2 refused"* ]]
	open_page -o j.jsonl --as clara --adjudicate pairs.jsonl
	http GET /api/next
	jq -e '.summary.due == 2 and (.row.others | length == 2) and (.row as $r | [$r.answers[] | fromjson.by] as $by
		| $r.others[0] | .who == "anna" and $by[{a: 0, b: 1}[.verdict]] == 1)' <<<"$body"
	prefer 2; prefer 2
	close_page
	ft-review --report j.jsonl | jq -e '.pairs | .split == 0 and .models[0].wins == 4 and .models[0].losses == 2'
	ft-review -q --pairs j.jsonl pairs.jsonl | jq -se 'length == 6 and (map(.preferred_output[0].content | fromjson.by) | add == 8)'
	ft-review -q --verdicts j.jsonl turned.jsonl | jq -se 'map(.review.winners[0]) | unique == ["b"]'
	# An answer that says something else is another pair.
	jq -c '.a.output = "{\"by\": 3}"' pairs.jsonl >changed.jsonl
	status_is 3 ft-review --pairs j.jsonl changed.jsonl
	[[ $stderr == *"changed since clara judged it"* || $stderr == *"changed since anna judged it"* ]]
}

@test "pairs without names, of three models, with tool calls, of the same answers, and among rows" {
	call='[{"id":"c","type":"function","function":{"name":"get","arguments":"{\"by\": 2}"}}]'
	{
		jq -nc '{id: "nameless", messages: [{role: "user", content: "n"}], a: {output: "{\"by\": 1}"},
			b: {output: "{\"by\": 2}"}}'
		jq -nc '{id: "same", messages: [{role: "user", content: "s"}], a: {model: "x", output: "one"},
			b: {model: "y", output: "one"}}'
		jq -nc '("x", "y", "z") as $m | {id: "three", messages: [{role: "user", content: "t"}], model: $m,
			output: "{\"by\": \({x: 1, y: 2, z: 3}[$m])}"}'
		jq -nc --argjson c "$call" '("x", "y") as $m | {id: "calls", messages: [{role: "user", content: "c"}], tools: [],
			model: $m, output: {x: "{\"by\": 1}", y: ""}[$m]} + ({y: {tool_calls: $c}}[$m] // {})'
		jq -nc '("x", "y") as $m | {id: "raw", prompt: "r", model: $m, output: "{\"by\": \({x: 1, y: 2}[$m])}"}'
	} >rows.jsonl
	open_page -o j.jsonl --as anna --pair rows.jsonl
	[[ $(cat page.err) == *"1 pair of the same two answers is not shown"* ]]
	http GET /api/summary
	[ "$(jq -c '[.summary.due, .summary.pairs]' <<<"$body")" = '[6,6]' ]
	for _ in 1 2 3 4 5 6; do
		http GET /api/next
		# the greater number is the better answer
		http POST /api/decide "$(jq -c '.row as $r | [$r.answers[] | capture("by\\\\?\": (?<n>.)").n] as [$a, $b]
			| {verdict: (if $b > $a then "b" else "a" end)} + ($r | {row, key, hash})' <<<"$body")"
		[ "$code" = 200 ]
	done
	close_page
	jq -se 'map("\(.a) \(.b) \(.verdict)") | sort == ["a b b", "x y b", "x y b", "x y b", "x z b", "y z b"]' j.jsonl
	status_is 0 ft-review --pairs j.jsonl --pair rows.jsonl
	[[ $stderr == *"1 rows have no messages"* ]]
	jq -se --argjson c "$call" 'length == 5 and any(.[]; .input.tools == []
		and .preferred_output == [{role: "assistant", content: null, tool_calls: $c}])' <<<"$output"
	# In one set with rows whose reference is judged: each with its own verdicts, and the rate is of the rows.
	rows 3
	head -n 1 rows.jsonl >mixed.jsonl
	jq -nc '{id: "p", messages: [{role: "user", content: "p"}], a: {model: "x", output: "u"},
		b: {model: "y", output: "v"}}' >>mixed.jsonl
	open_page -o m.jsonl --as anna mixed.jsonl
	for _ in 1 2; do
		http GET /api/next
		http POST /api/decide "$(jq -c '.row | {row, key, hash, verdict: (if .answers then "good" else "a" end)}' <<<"$body")"
		[ "$code" = 400 ]
		http GET /api/next
		http POST /api/decide "$(jq -c '.row | {row, key, hash, verdict: (if .answers then "a" else "bad" end)}' <<<"$body")"
		[ "$code" = 200 ]
	done
	close_page
	ft-review --report m.jsonl | jq -e '.rate.exact and .rate.n == 1 and .rate.value == 1 and .pairs.judged == 1 and .bad == 1'
}

@test "in a terminal two answers stand beside each other under A and B, and a, b, t, x judge them" {
	need_terminal
	shadow_log 6 | jq -c 'if .id == "01M3" then .output += (" \u001b[31m" + ("word " * 40) + .model[:1]) else . end' >log.jsonl
	keys 'abtxsgf1uaq' -o j.jsonl --as anna --every 1 --pair log.jsonl
	[ "$(jq -r 'if .verdict != "a" and .verdict != "b" then .verdict elif .verdict == .first then "A" else "B" end' j.jsonl |
		xargs)" = "A B tie bad skip undo A" ]
	grep -q '"by":[12]} *{"n":[0-9]*,"by":[12]}' screen.txt
	grep -q "a A  b B  t tie  x both bad" screen.txt
	grep -qF '\x1b' screen.txt
	grep -q "both bad, saved" screen.txt
	run ! grep -e '"model"' -e 0613 -e shadow screen.txt
	# The page takes the journal up.
	open_page -o j.jsonl --as anna --pair log.jsonl
	http GET /api/summary
	[ "$(jq -c '.summary | [.a + .b, .tie, .bad, .skip]' <<<"$body")" = '[3,1,1,0]' ]
	http GET '/api/next?state=tie'
	[ "$(jq -r .row.verdict <<<"$body")" = tie ]
	close_page
	# Narrow: below each other.
	printf q | timeout 60 script -qec "stty cols 40 rows 30; ft-review --tty -o k.jsonl --pair log.jsonl" /dev/null >screen.txt 2>&1
	run ! grep -q '"by":[12]} *{"n":[0-9]*,"by":[12]}' screen.txt
	grep -q '"by":' screen.txt
}

@test "in a terminal hostile text is text, and long records are paged" {
	need_terminal
	jq -nc '{id: "a\u001b[31m",
			messages: [{role: "user", content: ("\u001b]0;title\u0007 \u202e turned\n" + ("line\n" * 200) + "the end")},
				{role: "assistant", content: "x"}]}' >rows.jsonl
	keys "q" -o j.jsonl rows.jsonl
	grep -qF '\x1b' screen.txt
	grep -qF '\u202e' screen.txt
	run ! grep -q $'\e]0;' screen.txt
	run ! grep -q "the end" screen.txt
	keys "           q" -o j.jsonl rows.jsonl
	grep -q "the end" screen.txt
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

@test "--verdicts writes each judged row with pass or fail, bad ones included, and ft-judge --agree takes it" {
	rows 6
	jq -c '.judge = {pass: true}' rows.jsonl >judged.jsonl
	# What the page shows of a row decides, so that it does not matter in which order they come.
	open_page -o j.jsonl --as anna --every 1 judged.jsonl
	for verdict in good fix bad skip good; do
		decide "$verdict" "$([ "$verdict" = fix ] && echo "a better answer")"
		jq -r '.row.record.id' <<<"$shown" >>order
	done
	close_page
	status_is 0 ft-review --verdicts j.jsonl judged.jsonl
	printf '%s\n' "$output" >said.jsonl
	[[ $stderr == *"6 rows: 2 pass, 2 fail, 0 split evenly, 1 skipped, 1 not judged, 0 refused"* ]]
	[[ $stderr != *"not here"* ]]
	mapfile -t id <order
	for i in 0:true 1:false 2:false 4:true; do
		[ "$(jq -c --arg id "${id[${i%:*}]}" 'select(.id == $id) | .review.pass' said.jsonl)" = "${i#*:}" ]
	done
	[ "$(wc -l <said.jsonl)" -eq 4 ]
	jq -se 'all(.[]; .review.who == "anna" and (.review | has("passes") | not) and .judge.pass)' said.jsonl
	# Less what was added, the rows are what they were.
	diff <(jq -c 'del(.review)' said.jsonl | sort) \
		<(grep -v -e "\"${id[3]}\"" judged.jsonl | grep -F -f <(sed 's/.*/"&"/' order) | sort)
	ft-judge --agree .review.pass said.jsonl | jq -e '.n == 4 and .agreement.value == .5 and .tpr.value == 1 and .tnr.value == 0'
	# Applied first: the fix stands there and its verdict remains; the bad row is said to be missing.
	ft-review -q --apply j.jsonl judged.jsonl >applied.jsonl
	status_is 0 ft-review --verdicts j.jsonl applied.jsonl
	[[ $stderr == *"2 pass, 1 fail"*"1 judged rows of the journal are not here"* ]]
	[ "$(jq -c --arg id "${id[1]}" 'select(.id == $id) | [.review.pass, .messages[-1].content]' <<<"$output")" = \
		'[false,"a better answer"]' ]
	# Judged again with what it says: nothing changes.
	ft-review -q --verdicts j.jsonl said.jsonl | diff - said.jsonl
	# Another text than was judged.
	jq -c --arg id "${id[0]}" 'if .id == $id then .messages[-1].content += "!" else . end' judged.jsonl >changed.jsonl
	status_is 3 ft-review --verdicts j.jsonl changed.jsonl
	[[ $stderr == *"changed.jsonl:"*"changed since it was judged"* ]]
	[ "${#lines[@]}" -eq 3 ]
	status_is 2 ft-review --verdicts j.jsonl --apply j.jsonl rows.jsonl
}

@test "of several reviewers --verdicts tells the majority, what was settled, and each one's own" {
	rows 4
	for who in anna ben clara; do
		pass=--second
		[ "$who" = anna ] && pass=--every=1
		open_page -o j.jsonl --as "$who" "$pass" rows.jsonl
		for _ in 1 2 3 4; do
			http GET /api/next
			# r0: all good; r1: two of three bad; r2: clara skips, the others differ; r3: a fix and a bad
			# one against a good one.
			case $(jq -r .row.record.id <<<"$body")-$who in
			r0-* | r1-clara | r2-anna | r3-anna) decide good ;;
			r2-clara) decide skip ;;
			r3-ben) decide fix better ;;
			*) decide bad ;;
			esac
		done
		close_page
	done
	status_is 0 ft-review --verdicts j.jsonl rows.jsonl
	[[ $stderr == *"4 rows: 1 pass, 2 fail, 1 split evenly, 0 skipped"* ]]
	printf '%s\n' "$output" >said.jsonl
	[ "$(jq -c '[.id, .review.pass] + .review.passes' said.jsonl | xargs)" = \
		'[r0,true,true,true,true] [r1,false,false,false,true] [r2,null,true,false,null] [r3,false,true,false,false]' ]
	jq -se '.[1].review | .verdict == "bad" and (.who == "ben" or .who == "anna")' said.jsonl
	jq -c '.judge = (.id == "r0")' said.jsonl >judged.jsonl
	ft-judge --agree .review.pass judged.jsonl | jq -e '.n == 3 and .agreement.value == 1 and .unlabelled == 1'
	ft-judge --agree .review.passes judged.jsonl | jq -e '.n == 3 and .agreement.value == 1 and .tied == 1 and .human.raters == 3
		and (.human.agreement.value - (3 + 1 + 0 + 1) / 10 | fabs) < 1e-12'
	# Dora settles what they differ on, against the majority in r1; her verdict is no fourth opinion.
	open_page -o j.jsonl --as dora --adjudicate rows.jsonl
	for _ in 1 2 3; do decide good; done
	close_page
	status_is 0 ft-review --verdicts j.jsonl rows.jsonl
	[ "$(jq -c '[.id, .review.pass] + .review.passes' <<<"$output" | xargs)" = \
		"[r0,true,true,true,true,null] [r1,true,false,false,true,null] $(
		)[r2,true,true,false,null,null] [r3,true,true,false,false,null]" ]
}

@test "two fixes with different texts are a difference, to be settled like any other" {
	rows 2
	open_page -o j.jsonl --as anna rows.jsonl
	decide fix Hello; decide fix "the same"
	close_page
	open_page -o j.jsonl --as ben --second rows.jsonl
	decide fix Goodbye; decide fix "the same"
	close_page
	[ "$(ft-review --report j.jsonl | jq -c '[.agreement.n, .agreement.agree, .agreement.disputed]')" = '[2,1,1]' ]
	status_is 3 ft-review --apply j.jsonl rows.jsonl
	[[ $stderr == *"reviewers differ"* ]]
	[[ $output != *Hello* && $output != *Goodbye* ]]
	open_page -o j.jsonl --as clara --adjudicate rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.summary.due, [.row.others[].new]]' <<<"$body")" = '[1,["Hello","Goodbye"]]' ]
	decide fix Goodbye
	close_page
	status_is 0 ft-review --apply j.jsonl rows.jsonl
	[[ $output == *Goodbye* ]]
}

# Four rows whose references are JSON.
due_rows() {
	jq -nc 'range(4) | {id: "r\(.)", messages: [{role: "user", content: "note \(.)"},
		{role: "assistant", content: "{\"due\": \(.)}"}]}' >rows.jsonl
}

@test "a fix that breaks the JSON or the schema of its reference is asked about" {
	due_rows
	fixes() { # TEXT [MEMBERS] - a fix of the row that the page would show next
		http GET /api/next
		http POST /api/decide "$(jq -c --arg new "$1" --argjson more "${2:-{\}}" '.row
			| {row, key, hash, random, verdict: "fix", new: $new, why: ""} + $more' <<<"$body")"
	}
	open_page -o j.jsonl --as anna --every 1 rows.jsonl
	for broken in '{"due": 7' 'due 7' '{"due": 7} or so' '{"due": 07}' '7'; do
		fixes "$broken"
		[ "$code" = 200 ]
		[[ $(jq -r .doubt <<<"$body") == *"the reference was JSON"* ]]
		[ "$(jq .saved <<<"$body")" = false ]
	done
	[ ! -s j.jsonl ]
	fixes '{"due": 7}'
	[ "$(jq -c '[.saved, .doubt]' <<<"$body")" = '[true,null]' ]
	fixes 'due 7' '{"sure": true}'
	[ "$(jq -c '[.saved, .doubt]' <<<"$body")" = '[true,null]' ]
	close_page
	[ "$(jq -r .new j.jsonl | xargs -d '\n')" = '{"due": 7} due 7' ]
	# What begins like JSON and is none, where the reference was text.
	rows 2
	open_page -o k.jsonl --as anna --every 1 rows.jsonl
	fixes '{"answer": "x}'
	[[ $(jq -r .doubt <<<"$body") == *"begins like JSON"* ]]
	fixes 'a better answer'
	[ "$code" = 200 ]
	close_page
	# A schema: of all rows, or a row's own.
	due_rows
	echo '{"type": "object", "properties": {"due": {"type": "integer"}}, "required": ["due"]}' >schema.json
	open_page -o l.jsonl --as anna --every 1 --schema schema.json rows.jsonl
	fixes '{"due": "soon"}'
	[[ $(jq -r .doubt <<<"$body") == *"breaks the schema"*".due"* ]]
	fixes '{"due": 8}'
	[ "$code" = 200 ]
	close_page
	jq -c --slurpfile s schema.json '.response_format = {type: "json_schema", json_schema: {name: "d", schema: $s[0]}}' \
		rows.jsonl >own.jsonl
	open_page -o m.jsonl --as anna --every 1 own.jsonl
	fixes '{"late": 8}'
	[[ $(jq -r .doubt <<<"$body") == *"breaks the schema"* ]]
	[ ! -s m.jsonl ]
	close_page
}

@test "the terminal asks too before a fix that breaks JSON: anything but y keeps the edit and saves nothing" {
	need_terminal
	due_rows
	printf '#!/bin/sh\nprintf "{broken" >"$1"\n' >editor
	chmod +x editor
	EDITOR=./editor keys "fnq" -o t.jsonl rows.jsonl
	grep -q "the reference was JSON" screen.txt
	[ ! -s t.jsonl ]
	EDITOR=./editor keys "fyq" -o t.jsonl rows.jsonl
	[ "$(jq -r .new t.jsonl)" = '{broken' ]
}

@test "once every row is judged the error rate is exact" {
	rows 5
	open_page -o j.jsonl --as anna --every 2 rows.jsonl
	decide good; decide bad; decide good; decide fix "another answer"
	ft-review --report j.jsonl | jq -e '.rate | (.exact | not) and .lo < .value and .value < .hi'
	decide good
	http GET /api/summary
	jq -e '.summary.rate | .exact and .value == .4 and .lo == .4 and .hi == .4 and .n == 5' <<<"$body"
	close_page
	ft-review --report j.jsonl | jq -e '.rate | .exact and .value == .4 and .lo == .4 and .hi == .4 and .n == 5 and .errors == 2'
	[[ $(ft-review --report j.jsonl --table) == *"40 % of rows are wrong (all were judged): 2 of 5."* ]]
	# A set that grew has rows that nobody judged; a skipped row is not known.
	cp j.jsonl grown.jsonl
	{ cat rows.jsonl; jq -c '.id = "s" + .id | .messages[0].content += " again"' rows.jsonl; } >more.jsonl
	open_page -o grown.jsonl --as anna --every 1 more.jsonl
	decide good
	close_page
	ft-review --report grown.jsonl | jq -e '.rate | (.exact | not) and .lo < .hi'
	open_page -o k.jsonl --as anna --every 1 rows.jsonl
	decide good; decide bad; decide good; decide skip; decide good
	close_page
	# One that was skipped is right or wrong: that alone is open, whatever was drawn.
	ft-review --report k.jsonl | jq -e '.rate | .all and (.exact | not) and .skipped == 1 and [.value, .lo, .hi] == [0.25, 0.2, 0.4]'
	[[ $(ft-review --report k.jsonl --table) == *"Between 20.0 % and 40.0 % of rows are wrong (all were judged, 1 of them $(
		)skipped): 1 of 4."* ]]
	# On the page it is exact whatever else the journal holds.
	cp j.jsonl other.jsonl
	rows 3
	jq -c '.messages[0].content += " elsewhere"' rows.jsonl >others.jsonl
	open_page -o other.jsonl --as anna --every 3 others.jsonl
	decide bad; decide good; decide good
	http GET /api/summary
	jq -e '.summary | .rate.exact and .rate.n == 3 and .words == "33.3 % of rows are wrong (all were judged)"' <<<"$body"
	close_page
	rows 5
	# Journals that do not say how many rows there were.
	jq -c 'del(.of)' j.jsonl >old.jsonl
	ft-review --report old.jsonl | jq -e '.rate | (.exact | not) and .lo < .hi'
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
	for cut in 2 15 40; do # wherever it was torn; and as a file system may leave it, with zeros
		{ cat whole.jsonl; head -c "$cut" whole.jsonl; } >j.jsonl
		if [ "$cut" -eq 15 ]; then printf '\0\0\0' >>j.jsonl; fi
		status_is 0 ft-review --report j.jsonl
		[[ $stderr == *"the last line is incomplete"*"is not counted"* ]]
		[ "$(jq .judged <<<"$output")" -eq 2 ]
		open_page -o j.jsonl --as anna rows.jsonl
		close_page
		cmp j.jsonl whole.jsonl
	done
	{ head -n 1 whole.jsonl; echo '{"at": 7}'; tail -n 1 whole.jsonl; } >j.jsonl
	cp j.jsonl damaged.jsonl
	status_is 2 ft-review -o j.jsonl rows.jsonl
	[[ $stderr == *j.jsonl:2:* ]]
	cmp j.jsonl damaged.jsonl
}

@test "a last decision that lacks only its newline counts, and gets it with the next one" {
	rows 4
	open_page -o j.jsonl --as anna rows.jsonl
	decide good; decide bad
	close_page
	cp j.jsonl whole.jsonl
	printf '%s' "$(cat whole.jsonl)" >j.jsonl # as an editor may leave it
	[ "$(ft-review --report j.jsonl | jq -c '[.good, .bad]')" = '[1,1]' ]
	open_page -o j.jsonl --as anna rows.jsonl
	http GET /api/next
	[ "$(jq -c '[.summary.good, .summary.bad]' <<<"$body")" = '[1,1]' ]
	decide good
	close_page
	[ "$(wc -l <j.jsonl)" -eq 3 ]
	cmp <(head -n 2 j.jsonl) whole.jsonl
}

@test "a file that is no journal is refused and stays as it is" {
	rows 4
	for text in '{"id":"x","precious":"data"}' '{"at": 7}' '{"at":"2026-11-23T17:05:09Z","who":"x"}' 'some words' $'\n'; do
		printf '%s' "$text" >p.json
		status_is 2 timeout 20 ft-review -o p.json rows.jsonl
		[[ $stderr == *p.json:1:* ]]
		[ "$(cat p.json; echo .)" = "$text." ]
	done
	head -c 20 /dev/zero >p.json
	status_is 2 timeout 20 ft-review -o p.json rows.jsonl
	[ "$(wc -c <p.json)" -eq 20 ]
}

@test "a name that a journal can't hold is refused before anything is made" {
	rows 2
	long=$(printf 'n%.0s' $(seq 256))
	status_is 2 timeout 20 ft-review -o j.jsonl --as "$long" rows.jsonl
	[[ $stderr == *"longer than 255 bytes"* ]]
	status_is 2 timeout 20 ft-review -o j.jsonl --as $'a\xff' rows.jsonl
	[[ $stderr == *UTF-8* ]]
	USER=$'\xff' status_is 2 timeout 20 ft-review -o j.jsonl rows.jsonl
	[ ! -e j.jsonl ]
	open_page -o j.jsonl --as "${long:3}é" rows.jsonl # 255 bytes
	decide good
	close_page
	[ "$(ft-review --report j.jsonl | jq -r '.reviewers[0].who')" = "${long:3}é" ]
}

@test "two servers on one journal are refused" {
	rows 2
	open_page -o j.jsonl rows.jsonl
	status_is 2 ft-review -o j.jsonl rows.jsonl
	[[ $stderr == *"j.jsonl: in use by another process"* ]]
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
			decide good
			acknowledged=$((acknowledged + 1))
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
	jq -nc '{id: "<script>alert(1)</script>", messages: [{role: "user", content: "</script><img src=x onerror=alert(1)>\u202egnp"},
				{role: "assistant", content: ("x" * 1000000)}]}' >rows.jsonl
	open_page -o j.jsonl rows.jsonl
	http GET /api/next
	[ "$code" = 200 ]
	[ "$(jq -r '.row.record.messages[0].content | length' <<<"$body")" -eq 41 ]
	[ "$(jq -r '.row.reference | length' <<<"$body")" -eq 1000000 ]
	decide good
	close_page
}

@test "options are refused outside their mode, and where they exclude each other" {
	echo '{"id":"1"}' >rows.jsonl
	while read -r option others; do
		# shellcheck disable=SC2086
		status_is 2 timeout 20 ft-review $others rows.jsonl
		[[ $stderr == *"${option//./ }"* ]]
	done <<-EOF
		say.one.of.--scan --quiet
		--output.does.not.go.with.--scan --scan -o j.jsonl
		--report.does.not.go.with.--apply --apply j.jsonl --report j.jsonl
		--pairs.does.not.go.with.--output -o j.jsonl --pairs j.jsonl
		--near.goes.with.--scan --near 0.8 -o j.jsonl
		--probs.goes.with.--scan --probs .probs --report j.jsonl
		--schema.goes.with.--scan.or.--output --schema s.json --report j.jsonl
		--model.goes.with.--scan -m ./m -o j.jsonl
		--adapter.goes.with.--model -a ./a --scan
		--threads.goes.with.--scan --threads 1 -o j.jsonl
		--tty.goes.with.--output --tty --scan
		--port.does.not.go.with.--tty:.it.serves.no.page --tty --port 1 -o j.jsonl
		--as.goes.with.--output --as me --apply j.jsonl
		--pair.goes.with.--output --pair --apply j.jsonl
		--seed.goes.with.--output --seed 3 --pairs j.jsonl
		--every.goes.with.--output --every 4 --scan
		--adjudicate.does.not.go.with.--second --second --adjudicate -o j.jsonl
		--table.goes.with.--report --table --scan
		--json.does.not.go.with.--table --table --json --report j.jsonl
	EOF
}
