#!/usr/bin/env bats
# ft-drift: what drifted and why, windows, profiles, the rows that speak for it, estimates.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load notes

# drift ARGS... - runs ft-drift; the lines go to out.jsonl, the status to $status.
drift() {
	status=0
	ft-drift -q "$@" >out.jsonl 2>err || status=$?
	cat err >&2
}

# line PATH [TYPE] - the line of a path.
line() {
	jq -c --arg p "$1" --arg t "${2:-}" 'select(.path == $p and ($t == "" or .type == $t))' out.jsonl
}

# numbers N SEED SHIFT - N records with a value between SHIFT and SHIFT + 1 and a constant.
numbers() {
	jq -nc --argjson n "$1" --argjson seed "$2" --argjson shift "$3" '
		def mix: . * 48271 % 2147483647 | ((. % 46337) * (. % 46349) + (. / 7 | floor)) % 2147483647;
		range($n) | {x: ((. * 5003 + $seed * 104729 + 1 | mix | mix | mix) / 2147483647 + $shift), unit: "s"}'
}

@test "the payments case: January 2024 is drift, the due date and the year are named first" {
	notes 1500 1 2023 12 >reference.jsonl
	notes 60 2 2024 1 >january.jsonl
	drift -r reference.jsonl january.jsonl
	[ "$status" -eq 1 ]
	head -1 out.jsonl | jq -e '.path == ".messages[-1].content|.due_date" and .type == "date" and .verdict == "drift" and
		.test == "unseen-year" and .p_adj < 1e-6 and .effect == 1 and (.why | contains("2024") and contains("2023 only"))'
	line '.messages[0].content' date | jq -e '.verdict == "drift" and (.why | contains("2024"))'
	tail -1 out.jsonl | jq -e '.verdict == "drift" and .reference_rows == 1500 and .current_rows == 60 and .drifted == 3'
}

@test "the payments case: answers stuck in 2023 are told by their lag behind the input" {
	notes 1500 1 2023 12 >reference.jsonl
	notes 60 2 2024 1 | jq -c '. + {output: (.messages[-1].content | gsub("2024"; "2023"))} | .messages |= .[:-1]' >january.jsonl
	drift -r reference.jsonl january.jsonl
	[ "$status" -eq 1 ]
	head -1 out.jsonl | jq -e '(.path == ".created" or .path == ".messages[0].content") and .test == "unseen-year"'
	line '.output|.due_date' | jq -e '.verdict == "drift" and .test == "lag" and (.why | contains("before .created"))'
}

@test "the payments case: windows of one month of 2023 are stable" {
	notes 1500 1 2023 12 >reference.jsonl
	notes 4000 3 2023 12 >fresh.jsonl
	bad=0
	for month in 01 02 03 04 05 06 07 08 09 10 11 12; do
		grep "\"created\":\"2023-$month" fresh.jsonl >month.jsonl
		for window in 1 2 3 4; do
			sed -n "$((window * 60 - 59)),$((window * 60))p" month.jsonl >window.jsonl
			[ "$(wc -l <window.jsonl)" -eq 60 ]
			drift -r reference.jsonl window.jsonl
			[ "$status" -ne 1 ] || { bad=$((bad + 1)); head -1 out.jsonl >&2; }
		done
	done
	# 48 windows at a level of 5 %: more than 5 would be surprising (1.2 %).
	[ "$bad" -le 5 ]
}

@test "numbers: a shift is drift, none is not, and a constant is stable without a test" {
	numbers 300 1 0 >a
	numbers 200 2 0 >b
	numbers 200 2 0.3 >c
	drift -r a b
	[ "$status" -eq 0 ]
	line .unit | jq -e '.verdict == "stable" and .test == null and .p == null'
	drift -r a c
	[ "$status" -eq 1 ]
	head -1 out.jsonl | jq -e '.path == ".x" and .type == "number" and .test == "ks" and .effect > 0.2
		and (.why | startswith("median up from"))'
}

@test "numbers: the region that a filter cut away is named" {
	numbers 600 1 0 >a
	numbers 600 1 0 | jq -c 'select(.x < 0.4 or .x > 0.6)' >hole
	drift -r a hole
	[ "$status" -eq 1 ]
	line .x | jq -e '.why | test("none left at 0.4[0-9]* to 0.[56][0-9]*, from 16 % to 0 %")'
	numbers 600 1 0 | jq -c 'select(.x < 0.5)' >lower
	drift -r a lower
	[ "$status" -eq 1 ]
	line .x | jq -e '.why | test("none left at 0.5[0-9]* to 0.9[0-9]*, from")'
}

@test "an effect below the floor is no drift, however sure" {
	numbers 12000 1 0 >a
	numbers 12000 2 0.015 >b
	drift -r a b
	[ "$status" -eq 0 ]
	line .x | jq -e '.p_adj < 0.05 and .effect < 0.05'
	drift -r a --min-effect 0.01 b
	[ "$status" -eq 1 ]
}

@test "categories: shares, values not seen before, many sparse ones" {
	jq -nc 'range(600) | {c: ["a", "b", "c"][. % 3], s: "v\(. * 37 % 211)"}' >a
	jq -nc 'range(200) | {c: ["a", "b", "c", "d"][. % 4], s: "v\(. * 41 % 211)"}' >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .c | jq -e '.verdict == "drift" and .type == "category" and (.why | contains("\"d\" up from 0 % to 25 %")
			and contains("not seen before"))'
	line .s | jq -e '.verdict == "stable" and .test == "permutation"'
}

@test "whole numbers that only count up are ids, in any order, with gaps, as text or nested; amounts are not" {
	keys() { # N FIRST SEED
		awk -v n="$1" -v first="$2" -v seed="$3" 'BEGIN { srand(seed); gap = first
			for (i = 0; i < n; i++) {
				gap += 1 + int(4 * rand())
				printf "%.6f\t{\"order_no\":%d,\"user\":{\"_id\":\"%d\"},\"seq\":%d,\"amount\":%d,\"x\":%.4f}\n",
					rand(), first + i, 90000 + gap, first + i, 100 + int(4000 * rand()), rand() } }'
	}
	for order in cat sort; do
		keys 500 1000 1 | $order | cut -f 2 >a
		keys 500 1500 2 | $order | cut -f 2 >b
		keys 60 3000 3 | $order | cut -f 2 >few
		for current in b few; do
			drift -r a $current
			[ "$status" -eq 0 ]
			for path in .order_no .user._id .seq; do
				line $path | jq -e '.type == "id" and .test == null and (.why | contains("only number the rows"))'
			done
			line .amount | jq -e '.type == "number" and .test == "ks"'
		done
	done
	jq -c '.amount += 3000' b >dearer
	drift -r a dearer
	[ "$status" -eq 1 ]
	line .amount | jq -e '.verdict == "drift"'
	# Whoever wants them compared says so; numbers of which several rows have the same are none.
	drift -r a --path .order_no:number b
	[ "$status" -eq 1 ]
	jq -c '{seat: (.order_no % 50)}' a >seats
	jq -c '{seat: (.order_no % 50 + 25)}' b >other
	drift -r seats other
	[ "$status" -eq 1 ]
	line .seat | jq -e '.type == "number"'
}

@test "the member that --time names is the clock, and no finding: a new year with nothing else new is stable" {
	year() {
		jq -nc --argjson n "$1" --argjson from "$2" 'range($n) | ($from + . * 90000) as $t
			| {at: ($t | todate), m: {t: ($t * 1000)}, c: "k\(. * 7919 % 5)", x: (. * 5003 % 97)}'
	}
	year 300 1672617600 >a # 2023-01-02 on
	year 90 1704240000 >b  # 2024-01-03 on
	for time in .at m.t; do
		[ $time = .at ] && other=.m || other=.at
		drift -r a --exclude $other --time $time b
		[ "$status" -eq 0 ]
		line ".${time#.}" | jq -e '.verdict == "stable" and .test == null and (.why | contains("own time")) and .warning == null'
	done
	ft-drift --profile --time .at a >p
	drift -r p --exclude .m --time .at b
	[ "$status" -eq 0 ]
	# Nobody named it: then a year that the reference never had is news, and so are other dates.
	drift -r a --exclude .m b
	[ "$status" -eq 1 ]
	jq -c '.due = (.at[:10])' a >due
	drift -r due --time .at <(jq -c '.due = (.at[:10])' b)
	[ "$status" -eq 1 ]
	line .due | jq -e '.test == "unseen-year"'
	# Where the clock is missing, that is told.
	jq -c 'if .x % 3 == 0 then del(.at) else . end' b >holes
	drift -r a --exclude .m --time .at holes
	[ "$status" -eq 1 ]
	line .at | jq -e '.test == "kinds" and (.why | startswith("missing in "))'
}

@test "what vanished is named however small its share: a category, a code, a word; and so is what is wholly new" {
	jq -nc 'range(1210) | {p: (. * 7919 % 100 | if . < 4 then "kettle" elif . < 40 then "lamp"
			elif . < 70 then "desk" else "chair" end),
		s: (. * 5003 % 97 | if . < 4 then 404 elif . < 8 then 500 else 200 end),
		t: ("please send me the \(. * 31 % 7) or \(. * 17 % 5) "
			+ if . * 104729 % 89 < 4 then "express" else "slowly" end + " today")}' >all
	jq -c 'select(.p != "kettle")' all >a
	jq -c 'select(.s != 404)' all >b
	jq -c 'select(.t | contains("express") | not)' all >c
	gone() { # PATH NAME BEFORE
		line "$1" | jq -e --arg n "$2" --arg s "$3" '.verdict == "drift" and .effect < 0.06
			and (.why | contains("\($n) is gone: no longer in any of ") and contains("before in \($s)"))'
	}
	drift -r all a
	[ "$status" -eq 1 ]
	gone .p '"kettle"' '4 %'
	drift -r all --min-effect 0.5 b
	[ "$status" -eq 1 ]
	gone .s 404 '4.'
	drift -r all c
	[ "$status" -eq 1 ]
	gone .t '"express"' '4.5 %'
	# The other way round it is new.
	new() { # PATH NAME
		line "$1" | jq -e --arg n "$2" '.verdict == "drift"
			and (.why | contains("\($n) is new: in 4") and contains("before in none"))'
	}
	drift -r a all
	new .p '"kettle"'
	drift -r b all
	new .s 404
	drift -r c all
	new .t '"express"'
	# From a profile, and where both happened at once.
	ft-drift --profile all >all.profile
	drift -r all.profile a
	gone .p '"kettle"' '4 %'
	sed 's/kettle/toaster/' all >d
	drift -r all d
	line .p | jq -e '.why | contains("\"kettle\" is gone") and contains("\"toaster\" is new")'
	# Less than a hundredth is none, nor what so few rows need not hold.
	jq -nc 'range(3000) | {p: (if . % 150 == 0 then "rare" elif . % 2 == 0 then "a" else "b" end)}' >e
	drift -r e <(grep -v rare e)
	[ "$status" -eq 0 ]
	grep -v kettle all | sed -n 1,60p >few
	drift -r all few
	[ "$status" -eq 0 ]
}

@test "a kind of value that vanished, or never stood there before, is found at a few rows in a hundred" {
	jq -nc 'range(900) | {a: ., o: {n: (if . % 40 == 0 then null else . % 9 end)}}
		+ (if . % 33 == 1 then {note: "see \(. % 4)"} else {} end)' >a
	jq -c 'del(.note)' a >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .note | jq -e '.verdict == "drift" and .test == "kinds" and .effect < 0.05
		and (.why | startswith("missing in 100 % of the rows, before in 97 %; text in 0 %, before in 3.1 %"))'
	drift -r <(grep -v null a) a
	line .o.n | jq -e '.verdict == "drift" and .test == "kinds" and (.why | startswith("null in 2.6 % of the rows, before in 0 %"))'
	drift -r a a
	[ "$status" -eq 0 ]
}

@test "numbers far outside the reference's range are named, and several are drift whatever the floor says" {
	numbers 600 1 0 >a
	numbers 200 2 0 >b
	jq -c 'if input_line_number % 40 == 7 then .x = 1000 * .x + 50 else . end' b >some
	drift -r a some
	[ "$status" -eq 1 ]
	line .x | jq -e '.test == "far-off" and .effect == 0.025
		and (.why | startswith("2.5 % far off: values up to ") and contains("far beyond the reference'"'"'s largest, 0.9799"))'
	jq -c 'if input_line_number % 40 == 7 then .x = -9 else . end' b >below
	drift -r a below
	[ "$status" -eq 1 ]
	line .x | jq -e '.why | contains("values down to -9, far below the reference'"'"'s least, ")'
	drift -r a --rows 5 some
	jq -se 'length == 5 and all(.x > 40)' out.jsonl
	# One of them is told, as dates are, and no drift.
	jq -c 'if input_line_number == 100 then .x = 1e6 else . end' b >one
	drift -r a one
	[ "$status" -eq 0 ]
	line .x | jq -e '.warning == "values up to 1000000, far beyond the reference'"'"'s largest, 0.9799"'
	drift -r a b
	line .x | jq -e '.warning == null'
}

@test "sentences: nothing goes from a figure to the same figure, and what chance explains is said in four words" {
	figures() {
		awk -v n="$1" -v seed="$2" -v more="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++) {
			printf "{\"c\":\"%s\",\"n\":%.3f,\"k\":%d,\"v\":%s,\"t\":\"w%d w%d of w%d and w%d\",\"a\":[%s]}\n",
				rand() < 0.75 + more ? "yes" : "no", 1234567 + rand() + more, int(4 * rand() + more),
				rand() < 0.4 + more ? "null" : "1",
				int(9 * rand()), int(9 * rand()), int(9 * rand()), int((9 + more) * rand()),
				rand() < 0.5 + more ? "1" : "1,2" } }'
	}
	figures 20000 1 0 >a
	for more in 0 0.002 0.01 0.03; do
		figures 20000 2 $more >b
		drift -r a --min-effect 0 b
		jq -r 'select(.path) | .why, (.tests // {} | .[].why)' out.jsonl >said
		run ! grep -E '(^|[^0-9.])([0-9.]+( %)?) to \2($|[^0-9.])' said
		run ! grep -E 'in ([0-9.]+ %)[^;]*before in \1($|[^0-9.])' said
		run ! grep -Ei 'spread' said
		[ "$more" != 0 ] || [ "$(grep -c 'no change beyond chance' said)" -ge 4 ]
	done
}

@test "missing values, nulls and other kinds are told against the enclosing object" {
	jq -nc 'range(100) | {o: (if . % 2 == 0 then {a: .} else null end), n: 1, m: .}' >a
	jq -nc 'range(100) | {o: (if . % 2 == 0 then {a: (if . % 4 == 0 then "\(.)" else . end)} else null end),
			n: (if . % 3 == 0 then null else 1 end)}' >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .o.a | jq -e '.verdict == "drift" and .test == "kinds" and (.why | contains("50 %"))'
	line .n | jq -e '.verdict == "drift" and .test == "kinds" and (.why | startswith("null in 34 % of the rows"))'
	line .m | jq -e '.verdict == "drift" and (.why | startswith("missing in 100 %"))'
	line .o | jq -e ".verdict == \"stable\" and .type == \"object\""
}

@test "JSON within output compares with JSON within the reference, invalid JSON is a change of kind" {
	jq -nc 'range(200) | {messages: [{role: "user", content: "q \(.)"}, {role: "assistant", content: ({n: (. % 10)} | tojson)}]}' >a
	jq -nc 'range(100) | {messages: [{role: "user", content: "q \(.)"}], output: (if . % 5 == 0 then "sorry" else {n: (. % 10 + 4)}
				| tojson end)}' >b
	drift -r a b
	[ "$status" -eq 1 ]
	line '.output' | jq -e '.verdict == "drift" and .test == "kinds" and (.why | contains("JSON"))'
	line '.output|.n' | jq -e '.verdict == "drift" and .test == "ks"'
}

@test "text: new words and longer texts" {
	jq -nc 'range(300) | {t: "the \(. % 7) quick brown fox jumps over lazy dog number \(. % 13) again"}' >a
	jq -nc 'range(100) | {t: "the \(. % 7) refund for klarna invoice number \(. % 13) again please and thanks for all of it"}' >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .t text | jq -e '.verdict == "drift" and (.tests["new-words"].why | contains("klarna") or contains("refund"))'
	line .t text | jq -e '.tests.length.p_adj < 0.05'
}

@test "dates in every spelling are dates" {
	jq -nc 'range(60) | (100 + . % 28 + 1 | tostring[1:]) as $d | {
		iso: "2023-05-\($d)T10:00:00Z", rfc: "Tue, \($d) May 2023 10:00:00 +0200", us: "05/\($d)/2023",
			written: "May \(. % 28 + 1), 2023",
		dots: "\($d).05.2023", created_at: (1683000000 + . * 86400), at_ts: (1683000000.25 + . * 86400),
			text: "sent on May \(. % 28 + 1), 2023 by post to number \(.)"}' >a
	sed 's/2023/2025/g; s/"created_at":168/"created_at":174/; s/"at_ts":168/"at_ts":174/' a >b
	drift -r a b
	[ "$status" -eq 1 ]
	for path in .iso .rfc .us .written .dots .created_at .at_ts .text; do
		line $path date | jq -e '.verdict == "drift" and .test == "unseen-year" and (.why | contains("2025"))'
	done
}

@test "slashed dates are read in the order that those of the path show which leave no choice" {
	eu() { jq -nc --arg y "$1" 'range(60) | {d: "\(. % 28 + 1)/0\(. % 3 + 1)/\($y)"}'; }
	eu 2023 >a
	eu 2024 >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .d | jq -e '.type == "date" and (.warning | contains("dates up to 2024-03-27") and contains("last, 2023-03-27"))'
	jq -c '.d |= (split("/") | [.[1], .[0], .[2]] | join("/"))' b >us
	jq -c '.d |= (split("/") | [.[1], .[0], .[2]] | join("/"))' a >us-reference
	drift -r us-reference us
	line .d | jq -e '.warning | contains("dates up to 2024-03-27")'
	ft-drift --profile a >a.profile
	cp out.jsonl want
	drift -r a b
	cp out.jsonl want
	drift -r a.profile b
	cmp want out.jsonl
}

@test "all missing, one row, nulls everywhere: drift, too little data, never an invention" {
	jq -nc 'range(60) | {a: ., b: 1}' >a
	jq -nc 'range(60) | {b: 1}' >missing
	jq -nc 'range(60) | {a: null}' >nulls
	drift -r a missing
	[ "$status" -eq 1 ]
	line .a | jq -e '.test == "kinds" and (.why | startswith("missing in 100 %"))'
	drift -r a --path .a nulls
	[ "$status" -eq 1 ]
	line .a | jq -e '.test == "kinds" and (.why | startswith("null in 100 %"))'
	drift -r nulls nulls
	[ "$status" -eq 4 ]
	head -1 a >one
	for pair in "one a" "a one" "one one"; do
		# shellcheck disable=SC2086
		drift -r $pair
		[ "$status" -eq 4 ]
	done
}

@test "--fdr finds at least what Holm finds, and says what it did" {
	jq -nc 'range(400) | {a: (. * 7919 % 400), b: (. * 104729 % 400), c: (. * 1299709 % 400)}' >a
	jq -nc 'range(150) | {a: (. * 7919 % 400 + 60), b: (. * 104729 % 400 + 45), c: (. * 1299709 % 400 + 50)}' >b
	drift -r a b
	holm=$(tail -1 out.jsonl | jq .drifted)
	drift --fdr -r a b
	tail -1 out.jsonl | jq -e --argjson n "$holm" '.correction == "benjamini-hochberg" and .drifted >= $n'
	jq -se 'all(.[:-1][] | select(.p != null); .p_adj >= .p)' out.jsonl
}

@test "--fdr gives a change of kinds the same small part of the level as --alpha does" {
	jq -nc 'range(200) | {c: (if . % 40 == 0 then null else "s" end)}' >a
	jq -nc 'range(200) | {c: (if . % 12 == 0 then null else "s" end)}' >b
	drift -r a b
	holm=$(line .c | jq .p_adj)
	# Two hypotheses, of weights .2 and 1: the first to be judged gets p / .2 * 1.2 either way.
	line .c | jq -e '.test == "kinds" and (.p_adj - .p * 6 | fabs) < 1e-12 and .p > 0.008 and .p_adj > 0.05'
	drift --fdr -r a b
	[ "$status" -eq 0 ]
	line .c | jq -e --argjson h "$holm" '(.p_adj - $h | fabs) < 1e-12'
}

@test "too little data is 4, and 0, 1, 2 and 3 mean what they say" {
	numbers 300 1 0 >a
	numbers 12 2 0 >few
	drift -r a few
	[ "$status" -eq 4 ]
	tail -1 out.jsonl | jq -e '.verdict == "insufficient"'
	drift -r a /dev/null
	[ "$status" -eq 4 ]
	numbers 12 2 9 >far
	drift -r a far
	[ "$status" -eq 1 ]
	numbers 100 2 0 >b
	drift -r a b
	[ "$status" -eq 0 ]
	{ cat b; echo '{"x":'; } >broken
	drift -r a broken
	[ "$status" -eq 2 ]
	grep -q 'broken:101: ' err
	drift -r a --skip-bad broken
	[ "$status" -eq 3 ]
	drift b
	[ "$status" -eq 2 ]
}

@test "records without a common path are refused" {
	numbers 50 1 0 >a
	jq -c '{y: .x}' a >b
	drift -r a b
	[ "$status" -eq 2 ]
	grep -q 'share no path' err
}

@test "--path looks at what is named only, with the type that is named" {
	jq -nc 'range(200) | {a: {code: (. % 4)}, b: .}' >a
	jq -nc 'range(200) | {a: {code: (. % 4)}, b: (. + 500)}' >b
	drift -r a --path .a b
	[ "$status" -eq 0 ]
	jq -se '.[:-1] | map(.path) == [".a.code"]' out.jsonl
	drift -r a --path a.code:category --path '.b:number' b
	[ "$status" -eq 1 ]
	line .a.code | jq -e '.type == "category"'
	drift -r a --exclude .b b
	[ "$status" -eq 0 ]
	drift -r a --path .nowhere b
	[ "$status" -eq 2 ]
	grep -q '.nowhere' err
}

@test "--path PATH:TYPE tests what it says, whatever kind of JSON the values are" {
	jq -nc 'range(200) | {code: ([1, 1, 1, 1, 1, 1, 1, 1, 2, 3][. % 10]), flag: (. % 10 == 0 | if . then 1 else 0 end),
			when: (1700000000 + . * 100), word: "w\(. % 7)"}' >a
	jq -nc 'range(100) | {code: ([1, 2, 3, 3, 3, 3, 3, 3, 3, 3][. % 10]), flag: (. % 10 == 0 | if . then 0 else 1 end),
			when: (1740000000 + . * 100), word: "w\(. % 7)"}' >b
	drift -r a --path .code:category b
	[ "$status" -eq 1 ]
	line .code | jq -e '.type == "category" and (.why | contains("80 %"))'
	drift -r a --path .code:category --rows 20 b
	jq -se 'length == 20 and all(.code == 3)' out.jsonl
	drift -r a --path .flag:boolean b
	[ "$status" -eq 1 ]
	line .flag | jq -e '.type == "boolean" and .test == "fisher"'
	drift -r a --path .when:date b
	[ "$status" -eq 1 ]
	line .when | jq -e '.type == "date" and .test == "unseen-year" and (.why | contains("2025"))'
	drift -r a --path .code:category a
	[ "$status" -eq 0 ]
	# A profile holds it where it was asked for when it was made.
	ft-drift --profile --path .code:category a >coded
	drift -r coded --path .code:category b
	[ "$status" -eq 1 ]
	ft-drift --profile a >plain
	drift -r plain --path .code:category b
	[ "$status" -eq 4 ]
	for ask in .code:text .word:number .word:date; do
		drift -r a --path $ask b
		[ "$status" -eq 4 ]
		line "${ask%:*}" | jq -e --arg t "${ask#*:}" '.verdict == "insufficient" and .why == "no values of type \($t) on a side"'
	done
	# A type for values of the output holds for the reference that they are compared with.
	jq -c '{prompt: .word, ideal: ({code: .code} | tojson)}' a >ideals
	jq -c '{prompt: .word, output: ({code: .code} | tojson)}' b >outputs
	drift -r ideals --path '.output|.code:category' outputs
	[ "$status" -eq 1 ]
	line '.output|.code' | jq -e '.why | contains("80 %")'
}

@test "a name is one however it is escaped, in nested objects, turns and JSON within text" {
	jq -nc 'range(100) | {o: {"größe": (. % 7), "a\"b": 1}, messages: [{role: "user", "größe": 2}], output: ({"größe": (. % 5)}
				| tojson)}' >a
	jq -nc --ascii-output 'range(100) | {o: {"größe": (. % 7), "a\"b": 1}, messages: [{role: "user", "größe": 2}],
			output: ({"größe": (. % 5)} | tojson)}' |
		sed 's/"gr\\u00f6\\u00dfe/"gr\\u00F6\\u00dFe/; s/a\\"b/a\\u0022b/' >b
	jq -nc --rawfile b b '$b | split("\n")[:-1][] | fromjson' | cmp a -
	drift -r a b
	[ "$status" -eq 0 ]
	jq -c 'del(.output) + {output: (.output | fromjson)}' a | sed 's/ö/\\u00f6/g' >c
	jq -c '.output |= fromjson' a >d
	drift -r c d
	[ "$status" -eq 0 ]
	[ "$(jq -s 'map(select(.path == ".output.größe")) | length' out.jsonl)" -eq 1 ]
}

@test "hostile values: huge numbers, dates out of range, mixed kinds, odd names, deep nesting" {
	jq -nc 'range(50) | {x: ., d: "2023-02-31", "odd.name[0]": "k\(. % 3)", m: (if . % 2 == 0 then . else "s" end)}' |
		sed 's/"x":7,/"x":1e999,/' >a
	{ cat a; printf '{"x":1,"deep":%s1%s}\n' "$(printf '[%.0s' {1..60})" "$(printf ']%.0s' {1..60})"; } >b
	drift -r a b
	[ "$status" -eq 0 ]
	grep -q 'stand too deep' err
	line '.["odd.name[0]"]' | jq -e '.type == "category"'
	line .d | jq -e '.type != "date"'
}

@test "the same input and seed give the same bytes" {
	notes 300 1 2023 12 >a
	notes 80 2 2023 12 >b
	drift -r a b
	cp out.jsonl first
	drift -r a b
	cmp first out.jsonl
}

@test "a table names the reasons in order" {
	notes 300 1 2023 12 >a
	notes 60 2 2024 1 >b
	status_is 1 ft-drift --table -r a b
	[[ $output == *"1. .messages[-1].content|.due_date: 100 % of the dated rows name 2024"* ]]
	[[ $output == *"drift: 3 of 8 paths drifted, 60 rows against 300 of the reference"* ]]
}

@test "a table fits the terminal: rows are folded between columns, reasons broken between words" {
	notes 300 1 2023 12 >a
	notes 60 2 2024 1 >b
	on_terminal 80 "ft-drift -q -r a b"
	grep -qx '.created  *date  *drift  *unseen-year  *< .0001  *1.000' <<<"$output"
	grep -qx '2. .created: 100 % of the dated rows name 2024, a year that the reference never' <<<"$output"
	on_terminal 40 "ft-drift -q -r a b"
	grep -qx '    date      drift    unseen-year' <<<"$output"
	grep -qx "never does: it has 2023 only (dates up" <<<"$output"
	run bash -o pipefail -c 'ft-drift -q -r a b | tail -n 1 | jq -r .verdict'
	[ "$output" = drift ]
}

@test "windows: no alarm without drift, one soon after it begins" {
	numbers 2000 1 0 >reference
	{ numbers 600 7 0; numbers 300 8 0.2; } >stream
	drift -r reference --window 100 --ert 50000 stream
	[ "$status" -eq 1 ]
	jq -se 'map(.verdict) | .[:6] == ["stable", "stable", "stable", "stable", "stable", "stable"] and (.[6:] | any(. == "drift"))
		and length == 9' out.jsonl
	jq -se 'map(select(.verdict == "drift"))[0] | .path == ".x" and .p <= .threshold and .last - .first == 99
		and (.why | startswith("median up"))' out.jsonl
	head -600 stream | ft-drift -q -r reference --window 100 --ert 50000
	drift -r reference --window 100 --ert 150 stream
	[ "$status" -eq 2 ]
	numbers 250 1 0 >small
	drift -r small --window 100 stream
	[ "$status" -eq 2 ]
	grep -q 'too few to learn' err
}

@test "windows: the state survives kill -9 at any moment, and is refused for another reference" {
	numbers 1000 1 0 >reference
	numbers 730 7 0 >stream
	ft-drift -q -r reference --window 100 --ert 5000 stream >whole || true
	mkfifo pipe
	ft-drift -q -r reference --window 100 --ert 5000 --state st pipe >first 2>err &
	pid=$!
	exec 9>pipe
	head -370 stream >&9
	await eval '[ -f st ] && [ "$(wc -l <st)" -eq 71 ]'
	[ "$(wc -l <st)" -eq 71 ]
	kill -9 $pid
	exec 9>&-
	wait $pid || true
	# A row that was being written when the program died.
	printf '{"x":0.1,"un' >>st
	tail -n +371 stream | ft-drift -q -r reference --window 100 --ert 5000 --state st >second || true
	cat first second | cmp whole -
	head -1 st | jq -e '.windows == 7 and .rows == 700'
	[ "$(wc -l <st)" -eq 31 ]
	status_is 2 ft-drift -r stream --window 100 --ert 5000 --state st reference
	[[ $stderr == *"another reference or other options"* ]]
	echo 'no state' >st
	status_is 2 ft-drift -r reference --window 100 --state st stream
	: >st
	status_is 2 ft-drift -r reference --window 100 --state st stream
}

@test "windows: a state is used by one process at a time" {
	numbers 400 1 0 >reference
	mkfifo pipe
	ft-drift -q -r reference --window 100 --state st pipe >first 2>err &
	pid=$!
	exec 9>pipe
	numbers 30 2 0 >&9
	await eval '[ -f st ] && [ "$(wc -l <st)" -eq 31 ]'
	status_is 2 ft-drift -q -r reference --window 100 --state st reference
	[[ $stderr == *"st: in use by another process"* ]]
	[ "$(wc -l <st)" -eq 31 ]
	exec 9>&-
	wait $pid || [ $? -eq 4 ]
	numbers 70 3 0 | ft-drift -q -r reference --window 100 --state st >second || [ $? -eq 1 ]
	jq -e '.window == 1 and .last == 100' second
}

@test "windows: a verdict that could not be written is given by the next run" {
	numbers 400 1 0 >reference
	numbers 145 2 0.5 >stream
	status_is 2 bash -c 'ft-drift -q -r reference --window 100 --state st stream >/dev/full'
	head -1 st | jq -e '.windows == 0 and .alarms == 0'
	[ "$(wc -l <st)" -eq 101 ]
	# The full window is judged before a row is taken, and is not larger for it.
	drift -r reference --window 100 --state st /dev/null
	[ "$status" -eq 1 ]
	jq -se 'length == 1 and (.[0] | .window == 1 and .first == 1 and .last == 100 and .verdict == "drift")' out.jsonl
	head -1 st | jq -e '.windows == 1 and .alarms == 1 and .rows == 100'
	[ "$(wc -l <st)" -eq 1 ]
}

@test "windows: records of another shape altogether are drift" {
	numbers 400 1 0 >reference
	{ numbers 100 2 0; numbers 150 3 0 | jq -c '{y: .x}'; } >stream
	drift -r reference --window 100 --state st stream
	[ "$status" -eq 1 ]
	jq -se 'length == 2 and .[0].verdict == "stable" and (.[1] | .verdict == "drift" and (.why | contains("missing in 100 %")))' \
		out.jsonl
	[ "$(wc -l <st)" -eq 51 ]
	status_is 2 ft-drift -q -r reference --window 100 --path .nowhere stream
}

@test "windows: a state of other options is refused, and one with a damaged row by its line" {
	numbers 400 1 0 >reference
	numbers 40 2 0 >stream
	base=(-q -r reference --window 100 --state st)
	ft-drift "${base[@]}" stream || [ $? -eq 4 ]
	for option in '--path .x' '--exclude .unit' '--time .x' '--min-effect 0.2' --calendar '--seed 3' '--sample 500' '--alpha 0.01' \
		--fdr '--ert 5000'; do
		# shellcheck disable=SC2086
		status_is 2 ft-drift "${base[@]}" $option stream
		[[ $stderr == *"another reference or other options"* ]]
	done
	[ "$(wc -l <st)" -eq 41 ]
	sed -i '5s/.*/{"x":/' st
	status_is 2 ft-drift "${base[@]}" stream
	[[ $stderr == *"st:5: "* ]]
	[ "$(wc -l <st)" -eq 41 ]
}

@test "profiles: -r takes one in place of rows with the same answer, and merged shards equal the whole" {
	notes 400 1 2023 12 | jq -c '. + {"odd.name": (if .id == "n1-7" then "\u0000 \ud83d\ude00" else .messages[0].content[:3] end),
			big: 12345678901234567890}' >reference
	notes 60 2 2024 1 >current
	drift -r reference current
	[ "$status" -eq 1 ]
	cp out.jsonl want
	ft-drift --profile reference >whole.profile
	drift -r whole.profile current
	cmp want out.jsonl
	split -n l/10 reference shard.
	for shard in shard.??; do ft-drift --profile "$shard" >"$shard.profile"; done
	ft-drift --merge shard.??.profile >merged.profile
	drift -r merged.profile current
	cmp want out.jsonl
	drift -r shard.aa.profile -r merged.profile current
	[ "$status" -eq 1 ]
	ft-drift --profile current >current.profile
	drift -r whole.profile current.profile
	cmp want out.jsonl
}

@test "profiles: strings in arrays add up exactly, whatever the shards" {
	jq -nc 'range(900) | . as $i | {tags: [range($i % 5) | "t\($i * 7919 % 31 + . * 7)"],
		o: {list: [range(1 + $i % 3) | {k: "v\($i * 31 % 11 + .)"}]}}' >rows
	ft-drift --profile rows >whole
	for cut in l/3 l/8; do
		rm -f shard.*
		split -n $cut rows shard.
		for shard in shard.??; do ft-drift --profile "$shard" >"$shard.profile"; done
		ft-drift --merge shard.??.profile >merged
		for file in whole merged; do
			jq -c 'select(.levels)
				| {path, kinds, levels: ([.levels as $l | range(0; $l | length; 2) | [$l[.], $l[. + 1]]] | sort)}' $file |
				sort >$file.counts
		done
		grep -q '.tags\[\].*t1' whole.counts
		cmp whole.counts merged.counts
	done
}

@test "codes that no double tells apart are different categories" {
	jq -nc 'range(200)' | sed 's/.*/{"k":90071992547409931}/' >a
	sed '60,$s/931}/933.0}/' a >b
	drift -r a --path .k:category b
	[ "$status" -eq 1 ]
	line .k | jq -e '.why | contains("\"90071992547409933\"")'
	drift -r a --path .k:category <(sed 's/931}/9310e-1}/' a)
	[ "$status" -eq 0 ]
}

@test "profiles: counts are exact and the sample is uniform where rows are too many to keep" {
	numbers 3000 1 0 >rows
	split -n l/5 rows shard.
	for shard in shard.a?; do ft-drift --sample 400 --profile "$shard" >"$shard.profile"; done
	ft-drift --merge shard.a?.profile >merged.profile
	head -1 merged.profile | jq -e '.rows == 3000 and (.sample | length == 800)'
	sed -n 2,3p merged.profile | jq -se 'map({(.path): .kinds[2]}) | add | .[".x"] == 3000'
	drift -r merged.profile rows
	[ "$status" -eq 0 ]
	line .x | jq -e '.reference_values == 3000 and .statistic < 0.09'
	# Every shard is drawn from.
	jq -e '[.sample | range(1; length; 2) as $i | .[$i] / 600 | floor] | unique == [0, 1, 2, 3, 4]' <(head -1 merged.profile)
}

@test "the answer and the profile do not depend on the threads" {
	notes 3000 1 2023 12 >reference
	notes 700 2 2023 12 >current
	for threads in 1 2 5; do
		ft-drift -q --threads $threads -r reference current >got.$threads || true
		ft-drift --threads $threads --sample 500 --profile reference >profile.$threads
		cmp got.1 got.$threads
		cmp profile.1 profile.$threads
	done
}

@test "very many categories: rare ones are no news, a value that comes is named, and shards add up within the stated error" {
	many() {
		awk -v n="$1" -v seed="$2" -v new="$3" 'BEGIN { srand(seed)
			for (i = 0; i < n; i++)
				printf "{\"c\":\"%s\"}\n", rand() < new ? "new" : "k" int(60000 * rand() * rand() * rand()) }'
	}
	many 150000 1 0 >reference
	many 1500 2 0 >same
	many 1500 3 0.1 >other
	ft-drift --profile reference >whole
	split -n l/4 reference shard.
	for shard in shard.a?; do ft-drift --profile "$shard" >"$shard.profile"; done
	ft-drift --merge shard.a?.profile >merged
	for profile in whole merged; do
		drift -r $profile same
		[ "$status" -eq 0 ]
		drift -r $profile other
		[ "$status" -eq 1 ]
		line .c | jq -e '.type == "category" and (.why | startswith("\"new\" is new: in "))'
		# Against the truth: no count is too high, none too low by more than is said, and
		# that is at most n / 20,001.
		jq -se 'map(select(.path == ".c"))[0] | .level_error > 0 and .level_error <= 150000 / 20001
			and (.levels | length / 2 <= 20000)' $profile
	done
	jq -r .c reference | sort | uniq -c | awk '{ print $2, $1 }' >truth
	for profile in whole merged; do
		error=$(jq 'select(.path == ".c") | .level_error' $profile)
		jq -r 'select(.path == ".c") | .levels as $l | range(0; $l | length; 2) | "\($l[.]) \($l[. + 1])"' $profile | sort >counts
		join -a 1 truth counts | awk -v e="$error" '$3 > $2 || $2 - $3 > e { bad++ } END { exit bad > 0 }'
	done
	cmp <(jq -c 'select(.path == ".c") | .distinct' whole) <(jq -c 'select(.path == ".c") | .distinct' merged)
}

@test "profiles: damaged, cut short, of another version or not alike: status 2" {
	numbers 200 1 0 >rows
	ft-drift --profile rows >good
	head -c 900 good >short
	sed 's/"ft_drift_profile":2/"ft_drift_profile":9/' good >version
	sed '2s/"kinds":\[/"kinds":["x",/' good >damaged
	sed '$d' good >endless
	sed '2s/"dims":0/"dims":99999999999/' good >wide
	for file in short version damaged endless wide; do
		status_is 2 ft-drift -r $file rows
		[[ $stderr == *"$file:"* ]]
	done
	ft-drift --sample 100 --profile rows >other
	status_is 2 ft-drift --merge good other
	[[ $stderr == *"different --sample or --seed"* ]]
	status_is 2 ft-drift --merge rows
}

@test "--rows: the rows of the new region come first, whole, with what speaks for them" {
	notes 600 1 2023 12 >reference
	{ notes 60 2 2023 12; notes 40 3 2024 1; } >current
	drift -r reference --rows 30 current
	[ "$status" -eq 1 ]
	jq -se 'length == 30 and all(.created[:4] == "2024" and .drift.score > 0 and (.drift.path | type == "string"))' out.jsonl
	jq -c 'del(.drift)' out.jsonl | sort -u >got
	[ -z "$(jq -c . current | sort | comm -23 got -)" ]
	drift -r reference --rows 30 <current
	jq -c 'del(.drift)' out.jsonl | sort -u | cmp got -
	notes 60 2 2023 12 | ft-drift -q -r reference --rows 10 >none
	[ ! -s none ]
}

# figure PAGE PATH - what stands under a path's heading, up to the next one.
figure() {
	awk -v path="$2" '/^<h[123]>/ { on = index($0, "<h3>" path " <small>") == 1 } on' "$1"
}

@test "a finding is drawn by its own figure: words by words, whole numbers by whole columns, on one axis" {
	# Made so: half of the current notes hold a word that none of the reference does; counts run from 1 to 3, then to 6.
	jq -nc 'range(400) | {id: "r\(.)", n: (. % 3 + 1), k: (. % 40), topic: ["a", "b"][. % 2], price: (. % 5 / 7),
		mail: "my \(["receiver", "contract", "modem", "phone"][. % 4]) is broken, customer \(. * 31 % 40)",
		text: "please look at my order \(. * 7919 % 1009)"}' >reference
	jq -nc 'range(200) | {id: "c\(.)", n: (. % 6 + 1), k: (. % 40), topic: ["a", "c"][. % 2], price: (. % 4 / 7),
		mail: "my \(["camera", "sensor", "bell", "phone"][. % 4]) is broken, customer \(. * 31 % 40)",
		text: "please look at my order \(. * 7919 % 1009)\(if . % 2 == 0 then " kryptopay" else "" end)"}' >current
	drift -r reference --html page.html current
	[ "$status" -eq 1 ]
	figure page.html .text >text
	grep -q 'share of the texts that have the word' text
	grep -q '>kryptopay</text>' text
	[ "$(grep -c '<svg' text)" -eq 2 ]
	# Words that came and words that went stand in one picture, each once.
	figure page.html .mail >mail
	[ "$(grep -c '<svg' mail)" -eq 1 ]
	grep -oE '>(camera|sensor|bell|receiver|contract|modem)</text>' mail | sort >words
	[ "$(grep -oE '[a-z]+<' words | paste -sd ' ')" = "bell< camera< contract< modem< receiver< sensor<" ]
	# Numbers are named without quotes and in digits that can be read.
	grep -qE '0.571429 is gone: ' <<<"$(line .price | jq -r .why)"
	run ! grep -qE '[0-9]{8}|"' <<<"$(line .price | jq -r .why)"
	figure page.html .n | grep -oE 'middle">[0-9.]+<' | tr -dc '0-9.\n' >labels
	[ "$(paste -sd ' ' labels)" = "1 2 3 4 5 6" ]
	figure page.html .topic | grep -q 'share of the rows'
	figure page.html .topic | grep -q '>c</text>'
	# Columns of both number paths go up to the same share.
	[ "$(figure page.html .n | grep -c ' %</text>')" -eq "$(figure page.html .k | grep -c ' %</text>')" ]
}

@test "--html is one page with plots and no way out, --junit is XML with a failure a path" {
	notes 300 1 2023 12 >reference
	notes 60 2 2024 1 | jq -c '.note = "<script>alert(1)</script>\(.id)"' >current
	drift -r reference --html page.html --junit report.xml current
	[ "$status" -eq 1 ]
	grep -q '<svg' page.html
	grep -q 'a year that the reference never does' page.html
	run ! grep -q '<script>alert' page.html
	run ! grep -Eq '(src|href)="https?:|unsafe-inline|style=' page.html
	grep -q '300 reference rows in reference; 60 current rows in current · ft ' page.html
	grep -qE '<code>ft-drift .*-r reference --html page.html --junit report.xml current</code>' page.html
	grep -q '<testsuite name="ft-drift" tests="' report.xml
	[ "$(grep -c '<failure' report.xml)" -eq "$(tail -1 out.jsonl | jq .drifted)" ]
	status_is 2 ft-drift -r reference --html nowhere/page.html current
	# Names may hold what is no character of XML.
	jq -nc 'range(50) | {"a\uffff\ufffe": 1, "b\u0000\u0001\u001b\t\n": 2, "c\ufffd": 3}' >odd
	drift -r odd --junit odd.xml odd
	python3 -c 'import xml.parsers.expat, sys; xml.parsers.expat.ParserCreate().Parse(open("odd.xml", "rb").read(), True)'
}

@test "profiles and rows are not mixed, and a profile is never read as rows" {
	numbers 100 1 0 >rows
	ft-drift --profile rows >p
	status_is 2 ft-drift -r rows -r p rows
	[[ $stderr == *"p is a profile and rows is none"* ]]
	status_is 2 ft-drift -r p rows p
	status_is 2 ft-drift --merge p rows
	status_is 2 bash -c 'ft-drift -r rows <p'
	[[ $stderr == *"a profile where rows belong"* ]]
	status_is 2 ft-drift --profile rows p
	status_is 2 ft-drift -r rows --window 30 p
	ft-drift --seed -1 --profile rows >negative
	drift -r negative --seed -1 rows
	[ "$status" -eq 0 ]
}

@test "--rows: rows with a member that the reference never had are what is new" {
	jq -nc 'range(100) | {x: (. % 7)}' >a
	jq -nc 'range(100) | {x: (. % 7), o: {new: .}}' >b
	drift -r a --rows 5 b
	[ "$status" -eq 1 ]
	jq -se 'length == 5 and all(.drift.path == ".o")' out.jsonl
	jq -c '{x, new: .x}' b >plain
	drift -r a --rows 5 plain
	jq -se 'length == 5 and all(.drift.path == ".new")' out.jsonl
	jq -c 'if .x == 3 then . else del(.o) end' b >some
	drift -r a --rows 5 some
	jq -se 'length == 5 and all(.x == 3)' out.jsonl
}

@test "--rows names a pipe as it was given where its rows are malformed" {
	numbers 40 1 0 >a
	{ cat a; echo '{"x":'; } >broken
	status_is 2 bash -c 'ft-drift -q -r a --rows 3 <broken'
	[[ $stderr == *"standard input:41: "* ]]
	status_is 3 bash -c 'ft-drift -q -r a --skip-bad --rows 3 <broken'
	[[ $stderr == *"standard input:41: "* ]]
}

@test "numbers that no double holds leave no nan in a reason" {
	jq -nc 'range(40) | {x: .}' | sed '21,$s/"x":[0-9]*/"x":1e999/' >a
	jq -nc 'range(60) | {x: 0}' >b
	drift -r a b
	[ "$status" -eq 1 ]
	line .x | jq -e '.why | startswith("median down from") and (contains("nan") | not)'
	jq -nc 'range(41) | {x: .}' | sed '21,$s/"x":[0-9]*/"x":1e999/' >a
	drift -r a b
	line .x | jq -e '.why | startswith("median down from inf to 0")'
}

@test "options that would do nothing are refused, and so are paths that are none" {
	numbers 100 1 0 >a
	ft-drift --profile a >p
	for option in '--html x' '--junit x' '--window 30' '--rows 3' '--estimate-from .x --truth .y'; do
		# shellcheck disable=SC2086
		status_is 2 ft-drift --profile $option a
		# shellcheck disable=SC2086
		status_is 2 ft-drift --merge $option p
		[[ $stderr == *"does not go with --merge"* ]]
	done
	for option in '--html x' '--junit x' '--rows 3' '--estimate-from .x --truth .y'; do
		# shellcheck disable=SC2086
		status_is 2 ft-drift -r a --window 30 $option a
		[[ $stderr == *"does not go with --window"* ]]
	done
	status_is 2 ft-drift -r a --profile a
	[[ $stderr == *"--reference does not go with --profile: they compare nothing"* ]]
	status_is 2 ft-drift -r a --ert 5000 a
	[[ $stderr == *"--ert goes with --window"* ]]
	status_is 2 ft-drift -r a --state st a
	[[ $stderr == *"--state goes with --window"* ]]
	status_is 2 ft-drift -r a --truth .y a
	[[ $stderr == *"--truth goes with --estimate-from"* ]]
	status_is 2 ft-drift -r a --rows 3 --estimate-from .x --truth .y a
	[[ $stderr == *"--estimate-from does not go with --rows"* ]]
	for option in --path --exclude --time; do
		status_is 2 ft-drift -r a $option '.promt[' a
		[[ $stderr == *"$option"*"is no path"* ]]
	done
}

@test "a path may be written in every way that ft-jsonl(5) allows" {
	jq -nc 'range(100) | {prompt: {"a.b": (. % 7)}, tags: [1, .], j: ({k: .} | tojson)}' >a
	for path in '.["prompt"]' 'prompt' '["prompt"]' '.prompt["a.b"]' '.["prompt"].["a\u002eb"]'; do
		drift -r a --path "$path" a
		[ "$status" -eq 0 ]
		line '.prompt.["a.b"]' | jq -e '.verdict == "stable"'
		drift -r a --exclude "$path" a
		[ -z "$(line '.prompt.["a.b"]')" ]
	done
	drift -r a --path '.["tags"][1]' a
	line '.tags[1]' | jq -e '.verdict == "stable"'
	drift -r a --path '["j"]|["k"]:number' a
	line '.j|.k' | jq -e '.verdict == "stable"'
}

# vectors N SEED SHIFT - N records with an embedding of 16 numbers, the first four moved by SHIFT.
vectors() {
	awk -v n="$1" -v seed="$2" -v shift="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++) {
		printf "{\"v\":["
		for (k = 0; k < 16; k++) printf "%s%.4f", k ? "," : "", rand() + rand() + (k < 4 ? shift : 0)
		print "]}" } }'
}

@test "vectors: a cloud that moved is drift, one that did not is not, another length is told, and a profile keeps them" {
	vectors 300 1 0 >a
	vectors 80 2 0 >b
	vectors 80 3 0.4 >c
	drift -r a b
	[ "$status" -eq 0 ]
	jq -se 'length == 2 and .[0].type == "vector" and .[0].test == "mmd"' out.jsonl
	drift -r a c
	[ "$status" -eq 1 ]
	line .v | jq -e '.verdict == "drift" and .test == "mmd" and .effect > 0.4 and (.why | contains("of pairs"))'
	cp out.jsonl want
	ft-drift --profile a >a.profile
	drift -r a.profile c
	cmp want out.jsonl
	# The rows chosen are those that moved.
	{ cat b; head -n 40 c | jq -c '.new = true'; } >mixed
	ft-drift -q -r a --exclude .new --rows 20 mixed >rows || [ $? -eq 1 ]
	[ "$(jq -s 'map(select(.new)) | length' rows)" -ge 14 ]
	jq -c '.v |= .[:12]' b >short
	drift -r a short
	[ "$status" -eq 1 ]
	line .v | jq -e '.type == "number" and (.why | contains("median number of elements down from 16 to 12"))'
	head -n 60 a | jq -c '.v[3] = "x"' >odd
	status_is 0 ft-drift -q -r odd odd
}

@test "vectors: one of another length does not switch the test off, wherever it stands" {
	jq -nc '{v: [range(12)]}' >odd
	vectors 300 1 0 >a
	vectors 80 3 0.4 >c
	for reference in 'odd a' 'a odd' 'a'; do
		for current in 'odd c' 'c odd'; do
			# shellcheck disable=SC2086
			cat $reference >x
			# shellcheck disable=SC2086
			cat $current >y
			drift -r x y
			[ "$status" -eq 1 ]
			line .v | jq -e '.type == "vector" and .test == "mmd"'
			cp out.jsonl want
			ft-drift --profile x >p
			ft-drift --profile y >q
			drift -r p q
			cmp want out.jsonl
		done
	done
}

@test "--estimate-from: a band that holds the truth, 1 where it fell, and none where inputs or scores are unseen" {
	scored() {
		awk -v n="$1" -v seed="$2" -v power="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++) { s = rand() ^ power
			printf "{\"q\":\"k%d\",\"judge\":{\"score\":%.4f},\"eval\":{\"exact\":%d}}\n", i % 3, s, rand() < s } }'
	}
	scored 1000 1 1 >reference
	scored 300 2 1 >same
	scored 300 3 2 >worse
	ask=(--estimate-from .judge.score --truth eval.exact)
	for f in same worse; do
		jq -c 'del(.eval)' $f >current
		drift -r reference "${ask[@]}" current
		truth=$(jq -s 'map(.eval.exact) | add / length' $f)
		jq -se --argjson t "$truth" '.[-2] | .lo <= $t and $t <= .hi and .lo < .value and .value < .hi' out.jsonl
		[ "$(jq -s '.[-2].verdict' out.jsonl)" = "$([ $f = same ] && echo '"stable"' || echo '"drift"')" ]
		[ "$status" -eq "$([ $f = same ] && echo 0 || echo 1)" ]
	done
	jq -c 'del(.eval)' same >current
	drift -r reference --exclude .q "${ask[@]}" <(jq -c '.q = "new"' current)
	[ "$status" -eq 0 ]
	drift -r reference "${ask[@]}" <(jq -c '.q = "new"' current)
	[ "$status" -eq 1 ]
	jq -se '.[-2] | .verdict == "insufficient" and .value == null and (.why | contains("never had") and contains(".q"))' out.jsonl
	drift -r reference --exclude .judge "${ask[@]}" <(jq -c '.judge.score += 0.5' current)
	[ "$status" -eq 4 ]
	jq -se '.[-2].why | contains("beyond those of the reference")' out.jsonl
	drift -r reference --min-effect 0.5 "${ask[@]}" <(head -20 current)
	[ "$status" -eq 4 ]
	status_is 1 ft-drift --table -q -r reference "${ask[@]}" worse
	[[ $output == *".eval.exact by .judge.score: "*" right by estimate ("* ]]
	status_is 2 ft-drift -r reference --estimate-from .judge.score current
	status_is 2 ft-drift -r reference --estimate-from .nothing --truth .eval.exact current
	[[ $stderr == *"no reference record has anything at .nothing"* ]]
	status_is 2 ft-drift -r reference --estimate-from .judge.score --truth .nothing current
}

@test "--estimate-from: of a confidence that says nothing it is said so, and no fall is cried where scores alone moved" {
	noise() { # N SEED POWER
		awk -v n="$1" -v seed="$2" -v power="$3" 'BEGIN { srand(seed); for (i = 0; i < n; i++)
			printf "{\"c\":%.4f,\"ok\":%s}\n", rand() ^ power, rand() < 0.75 ? "true" : "false" }'
	}
	noise 400 1 1 >reference
	for power in 2 3 0.4; do
		noise 300 "${power%.*}2" $power | jq -c 'del(.ok)' >current
		drift -r reference --estimate-from .c --truth .ok current
		jq -se '.[-2] | .verdict == "stable" and .change_lo < 0 and 0 < .change_hi
			and (.why | contains("does not tell right answers from wrong ones"))' out.jsonl
	done
}

# days N FIRST SEED - rows of N days, 25 of each, whose mean differs from day to day by half a deviation of theirs.
days() {
	awk -v n="$1" -v first="$2" -v seed="$3" 'function normal() { return sqrt(-2 * log(1 - rand())) * cos(6.2831853 * rand()) }
		BEGIN { srand(seed); for (d = 0; d < n; d++) { moved = normal() / 2; topic = int(20 * rand())
			for (i = 0; i < 25; i++)
				printf "{\"at\":\"2023-%02d-%02dT%02d:00:00Z\",\"day\":%d,\"x\":%.4f," \
					"\"c\":\"%s\",\"t\":\"w%d w%d w%d and w%d\"}\n",
					1 + int((first + d) / 28) % 12, 1 + (first + d) % 28, i % 24, first + d, normal() + moved,
					rand() < 0.3 ? "k" topic % 5 : "k" int(5 * rand()), topic, int(20 * rand()),
					int(20 * rand()), int(20 * rand()) } }'
}

@test "--cluster: rows of one day are taken together, by a member or by the day of a time, from rows or profiles" {
	days 30 0 1 >a
	days 12 30 2 >b
	drift -r a --exclude .at --exclude .day b
	[ "$status" -eq 1 ]
	for path in .day .at; do
		drift -r a --exclude .at --exclude .day --cluster $path b
		[ "$status" -eq 0 ]
		tail -1 out.jsonl | jq -e --arg p $path '.cluster == $p and .reference_clusters == 30 and .current_clusters == 12'
		line .x | jq -e '.test == "ks" and .p > 0.05'
		cp out.jsonl want
		ft-drift --profile --cluster $path a >a.profile
		drift -r a.profile --exclude .at --exclude .day --cluster $path b
		cmp want out.jsonl
	done
	# What did change is found: every day of the current rows is two deviations off.
	jq -c '.x += 1.5 | .c = "new"' b >moved
	drift -r a --exclude .at --exclude .day --cluster .day moved
	[ "$status" -eq 1 ]
	line .x | jq -e '.verdict == "drift" and .test == "ks"'
	line .c | jq -e '.why | contains("\"new\"")'
	# What one day alone brought is one row's worth.
	jq -c 'if .day == 35 then .c = "burst" | .x = 900 else . end' b >burst
	drift -r a --exclude .at --exclude .day --cluster .day burst
	[ "$status" -eq 0 ]
	line .x | jq -e '.warning | startswith("values up to 900")'
	drift -r a --exclude .at --exclude .day burst
	line .c | jq -e '.why | contains("\"burst\" is new")'
}

@test "--cluster: too few clusters are too little data, a path that is nowhere is refused, and so is what takes single rows" {
	days 30 0 1 >a
	days 4 30 2 >b
	drift -r a --exclude .at --exclude .day --cluster .day b
	[ "$status" -eq 4 ]
	status_is 4 ft-drift --table -q -r a --exclude .at --exclude .day --cluster .day b
	[[ $output == *"rows were taken by their .day: 4 of them against 30, too few to call it stable"* ]]
	status_is 2 ft-drift -q -r a --cluster .nowhere b
	[[ $stderr == *"--cluster: no reference record has anything at .nowhere"* ]]
	ft-drift --profile a >plain
	status_is 2 ft-drift -q -r plain --cluster .day b
	[[ $stderr == *"made without --cluster"* ]]
	status_is 2 ft-drift -q -r a --cluster '.day[' b
	status_is 2 ft-drift -q -r a --cluster .day --window 100 b
	[[ $stderr == *"--cluster does not go with --window"* ]]
	# Vectors, kinds and dates are taken by clusters too, and a row without a value is one of its own.
	days 40 0 3 | jq -c '. + {v: [range(8) as $k | .x * $k + .day % 7], n: (if .day % 3 == 0 then null else 1 end)}' >c
	days 20 40 4 | jq -c '. + {v: [range(8) as $k | .x * $k + .day % 7], n: (if .day % 3 == 0 then null else 1 end)}' >d
	drift -r c --exclude .day --cluster .day <(sed '1,10s/"day":[0-9]*/"day":null/' d)
	[ "$status" -eq 0 ]
	tail -1 out.jsonl | jq -e '.current_clusters == 30'
	line .v | jq -e '.test == "mmd"'
}

# answered N SEED TURNED SHARE - N records whose output follows from a kind (left in SHARE of them), a number, or a word of a text,
# each by its own member; TURNED: the other way round.
answered() {
	awk -v n="$1" -v seed="$2" -v turned="$3" -v share="$4" '
		function follows(x) { return (rand() < 0.9) == ((x != 0) != (turned != 0)) }
		BEGIN { srand(seed); for (i = 0; i < n; i++) {
			left = rand() < share; x = rand() - 0.5; word = rand() < 0.5
			printf "{\"kind\":\"%s\",\"x\":%.4f,\"t\":\"w%d please %s the w%d w%d\",\"z\":%.4f,", left ? "left" : "right", x,
				int(9 * rand()), word ? "refund" : "send", int(9 * rand()), int(9 * rand()), rand()
			printf "\"output\":\"{\\\"by_kind\\\":\\\"%s\\\",\\\"by_x\\\":%s,\\\"by_word\\\":%d}\"}\n",
				follows(left) ? "yes" : "no", follows(x > 0) ? "true" : "false",
				follows(word) ? 10 + int(3 * rand()) : int(3 * rand()) } }'
}

@test "relations: other outputs for the same inputs are found where neither changed by itself, and said with the input" {
	answered 500 1 0 0.5 >a
	answered 300 22 0 0.5 >same
	answered 300 33 1 0.5 >turned
	drift -r a same
	[ "$status" -eq 0 ]
	drift -r a turned
	[ "$status" -eq 1 ]
	jq -se '.[:-1] | map(select(.path | startswith(".output|") | not)) | all(.verdict == "stable")' out.jsonl
	for pair in 'by_kind .kind is "' 'by_x .x is in its ' 'by_word .t has '; do
		line ".output|.${pair%% *}" | jq -e --arg w "where ${pair#* }" '
			.verdict == "drift" and .test == "relation" and .effect > 0.3
			and (.why | startswith("other outputs for the same inputs: ") and contains($w))'
	done
	ft-drift --profile a >a.profile
	cp out.jsonl want
	drift -r a.profile turned
	cmp want out.jsonl
}

@test "relations: inputs that became more frequent change outputs, not what goes with what" {
	answered 800 1 0 0.5 >a
	for seed in 2 3 4; do
		answered 500 $seed 0 0.85 >b
		drift -r a b
		[ "$status" -eq 1 ]
		line .kind | jq -e '.verdict == "drift"'
		line '.output|.by_kind' | jq -e '.verdict == "drift" and .test != "relation" and .tests.relation.p_adj > 0.05'
	done
}

@test "dates: an amount or a number behind a day is no year" {
	year() {
		jq -nc --argjson y "$1" 'range(200) | (. % 28 + 1) as $d | {note: [
			"Sent (INV-\(2040 + $d)) on May \($d), \(2040 + $d) dollars",
			"On \($d) June \($y) EUR \(2030 + $d) was paid, #20\(10 + $d)-01-02",
			"Of USD 20\(50 + $d) May \($d); by \($d).05.\($y)",
			"On May \($d), 20\(10 + $d)-118 came, due 5/28/\($y)"][. % 4]}'
	}
	year 2023 >was.jsonl
	year 2024 >is.jsonl
	status_is 1 ft-drift -q --json -r was.jsonl is.jsonl
	[[ $output == *"name 2024, a year that the reference never does: it has 2023 only"* ]]
	# Rows that come in turn are not two kinds of row.
	status_is 0 ft-drift -q -r was.jsonl <(year 2023)
}

@test "--rows: what is new takes turns" {
	row() { jq -nc --argjson n "$1" "range(\$n) | {text: \"a row of \(. % 7) words, \($2)\"}"; }
	row 300 '"plain"' >was
	# Twelve new words, one of them far more often than the others.
	row 300 'if . % 3 == 0 then "often" elif . % 3 == 1 then "plain" else "word\(. % 11 + 100)" end' >is
	drift -r was --rows 24 is
	[ "$status" -eq 1 ]
	[ "$(jq -r '.text | scan("often|word[0-9]+")' out.jsonl | sort -u | wc -l)" -eq 12 ]
	[ "$(jq -r 'select(.text | contains("often")) | .text' out.jsonl | wc -l)" -lt 8 ]
}
