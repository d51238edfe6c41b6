#!/usr/bin/env bats
# ft-eval: scores, intervals, paired comparisons, requirements, and rows that cannot be scored.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

# rows MODEL PATTERN - one record a character of PATTERN: 1 right, 0 wrong, e an error record.
rows() {
	local i error='{"type":"timeout","status":null,"message":""}'
	for ((i = 0; i < ${#2}; i++)); do
		case ${2:i:1} in
		1) echo "{\"id\":\"q$i\",\"model\":\"$1\",\"ideal\":\"yes\",\"output\":\"yes\"}" ;;
		0) echo "{\"id\":\"q$i\",\"model\":\"$1\",\"ideal\":\"yes\",\"output\":\"no\"}" ;;
		e) echo "{\"id\":\"q$i\",\"model\":\"$1\",\"ideal\":\"yes\",\"error\":$error}" ;;
		esac
	done
}

@test "a rate comes with Wilson's interval and the counts it rests on" {
	rows m 1111111100 >in
	status_is 0 ft-eval in
	# scipy.stats.binomtest(8, 10).proportion_ci(.95, "wilson"): 0.4901625, 0.9433178
	jq -e '.n == 10 and .errors == 0 and (.metrics.exact | .mean == 0.8 and .n == 10 and .unscored == 0
		and (.lo - 0.4901625 | fabs) < 1e-6 and (.hi - 0.9433178 | fabs) < 1e-6)' <<<"$output"
}

@test "the documented members of a group line are there, and unknown figures are null" {
	rows m 11 >in
	status_is 0 ft-eval in
	jq -e '(keys_unsorted == ["group", "n", "errors", "metrics", "latency", "tokens", "cost"])
		and .group == {} and .latency.p50 == null and .tokens.total == null
		and .cost == {total: null, per_1k: null, unknown: 2}' <<<"$output"
}

@test "answers that name no choice for certain are wrong, and counted as unclear" {
	printf '%s\n' '{"id":1,"ideal":"B","output":"not B"}' '{"id":2,"ideal":"B","output":"（B）"}' \
		'{"id":3,"ideal":"B","output":"A or B"}' '{"id":4,"ideal":"B","output":"A"}' '{"id":5,"ideal":"none","output":"?"}' >in
	status_is 0 ft-eval -c choice in
	jq -e '.metrics.choice | .mean == 0.25 and .n == 4 and .unscored == 1 and .unclear == 2' <<<"$output"
	[[ $stderr == *"choice: 2 of 5 answers name no choice for certain"* ]]
}

@test "an unclear answer is wrong in not-choice too, and unclear ones are counted in every form" {
	printf '%s\n' '{"id":1,"ideal":"B","output":"not B"}' '{"id":2,"ideal":"B","output":"A or B"}' '{"id":3,"ideal":"B","output":"A"}' \
		'{"id":4,"ideal":"B","output":"B"}' '{"id":5,"ideal":"B","output":""}' >in
	ft-eval -q -c not-choice -p in >out
	[ "$(jq -c '.eval["not-choice"]' out | tr -d '\n')" = 00100 ]
	status_is 0 ft-eval -c not-choice -c choice -c exact --table --junit j.xml --html page.html in
	grep -qE '^all +not-choice +0.2000 .* 5 +0 +3$' <<<"$output"
	grep -qE '^all +exact +0.2000 .* 5 +0 *$' <<<"$output"
	grep -q '<th[^>]*>unclear</th>' page.html
	grep -q 'name="not-choice"><skipped message="0 of 5 rows unscored, 3 answers unclear">' j.xml
	ft-eval -c choice --profile in >profile
	status_is 0 ft-eval --merge profile
	jq -e '.metrics.choice.unclear == 3' <<<"$output"
}

@test "empty input says so and ends with 4; a path that no record holds is an error" {
	for options in "" --table "-c json-fields" "--require exact>=0.5" "--baseline-file in" "--compare model" -p "--html x.html"; do
		rows m 11 >in
		# shellcheck disable=SC2086
		status_is 4 ft-eval $options </dev/null
		[[ $stderr == *"there are no records"* ]]
	done
	status_is 0 ft-eval --profile </dev/null
	status_is 4 ft-eval --merge </dev/null
	for options in "--by langauge" "--by model --by .usage.total" "--cluster custmer" "--baseline-file in --by .x[0]"; do
		# shellcheck disable=SC2086
		status_is 2 ft-eval $options in
		[[ $stderr == *"no record holds anything there"* ]]
	done
	status_is 0 ft-eval --by lang <(cat in; rows m 1 | jq -c '.lang = null')
}

@test "a requirement on pass@k is not met while inputs have fewer than k samples, which are counted in every form" {
	jq -nc 'range(4) as $i | range(3) as $s | select($i < 3 or $s < 2) | {id: "q\($i)", sample: $s, ideal: "yes", output: "yes"}' >in
	status_is 0 ft-eval --require 'exact.pass@2>=0.1' in
	for options in "--require exact.pass@3>=0.1" "--require exact.pass^3<=0.9" "--point --require exact.pass@4>=0" \
		"--pass-at 3 --require exact.pass@3>=0.1"; do
		# shellcheck disable=SC2086
		status_is 4 ft-eval $options --junit j.xml in
		grep -qE 'inconclusive: .*[14] inputs have fewer samples than it needs' j.xml
	done
	jq -se '.[0].metrics.exact["pass@3"] == (.[1] | {value, lo, hi, too_few})
		and .[1].too_few == 1 and .[1].verdict == "inconclusive"' <<<"$output"
	[[ $stderr == *"exact.pass@3: 1 of 4 inputs have fewer than 3 samples"* ]]
	status_is 4 ft-eval --table --html page.html --require 'exact.pass@3>=0.1' in
	grep -qE '^all +exact +pass@3 .* 3 +1$' <<<"$output"
	grep -q 'too few samples' page.html
}

@test "error records are unscored: counted, neither wrong nor dropped in silence" {
	rows m 110e >in
	status_is 0 ft-eval in
	jq -e '.n == 4 and .errors == 1 and .metrics.exact.n == 3 and .metrics.exact.unscored == 1' <<<"$output"
	[[ $stderr == *"1 of 4 rows"*"in:4: an error record"* ]]
	status_is 0 ft-eval --errors fail in
	jq -e '.metrics.exact | .n == 4 and .mean == 0.5 and .unscored == 1' <<<"$output"
	status_is 0 ft-eval --errors drop in
	jq -e '.metrics.exact | .n == 3 and .unscored == 1' <<<"$output"
}

@test "--require and --compare refuse unscored rows unless told what they are" {
	{ rows a 110e; rows b 1111; } >in
	status_is 2 ft-eval --by model --require 'exact>=0.1' in
	[[ $stderr == *"--errors fail"* ]]
	status_is 2 ft-eval --compare model in
	[[ $stderr == *"--errors fail"* ]]
	status_is 0 ft-eval --compare model --errors drop in
	jq -se '.[2].n == 3' <<<"$output"
	status_is 0 ft-eval --compare model --errors fail in
	jq -se '.[2] | .n == 4 and .wins == 2' <<<"$output"
}

@test "reasoning in the output is not scored, and stays in the record" {
	for output in '<think>\nno\n</think>\n\nyes' 'no</think>yes' yes '<think>yes'; do
		echo "{\"ideal\":\"yes\",\"output\":\"$output\"}"
	done >in
	ft-eval -q -p in >out
	[ "$(jq -c .eval.exact out | tr -d '\n')" = 1110 ]
	[ "$(jq -r .output out | head -1)" = '<think>' ]
	status_is 0 ft-eval -c 'think=jq:.output | startswith("<think>")' in
	[ "$(jq .metrics.think.mean <<<"$output")" = 0.5 ]
}

@test "a row without a reference is unscored, and named" {
	echo '{"id":"x","output":"y"}' >in
	status_is 0 ft-eval in
	jq -e '.metrics.exact | .mean == null and .n == 0 and .unscored == 1' <<<"$output"
	[[ $stderr == *"in:1: no reference"* ]]
}

@test "outputs of another type, scores that are no numbers and verdicts off the scale are unscored, each with its reason" {
	printf '%s\n' '{"ideal":"7","output":7}' '{"ideal":"7","output":["7"]}' '{"ideal":"7","output":null}' \
		'{"ideal":"7","output":"7"}' >in
	status_is 0 ft-eval in
	jq -e '.metrics.exact | .n == 1 and .mean == 1 and .unscored == 3' <<<"$output"
	[[ $stderr == *'`output` is no string'* ]]
	for score in '"x"' null 9 0 1e999 '{}'; do
		echo "{\"output\":\"a\",\"judge\":{\"score\":$score,\"scale\":[1,5]}}" >in
		status_is 0 ft-eval -c judge in
		jq -e '.metrics.judge | .n == 0 and .unscored == 1 and .mean == null' <<<"$output"
	done
	echo '{"output":"a"}' >in
	for expression in nan infinite -1 1.5 '"yes"' '[1]'; do
		status_is 0 ft-eval -c "jq:$expression" in
		jq -e '.metrics.jq | .unscored == 1 and .mean == null' <<<"$output"
	done
	printf '%s\n' '{"ideal":7,"output":"7"}' >in
	status_is 2 ft-eval in
	[[ $stderr == *in:1:* ]]
}

@test "a requirement says how many rows like these decide it" {
	# needed RATE_IN_MARKS - what is needed for 0.9; the figures are Wilson's by hand, and Python's NormalDist.
	needed() { rows m "$1" | ft-eval -q --json --require 'exact>=0.9' | jq -sc '.[1] | [.verdict, .rows_needed]'; }
	[ "$(needed "$(printf '1%.0s' {1..34})")" = '["inconclusive",35]' ]
	[ "$(needed "$(printf '1%.0s' {1..35})")" = '["met",35]' ]
	[ "$(needed "$(printf '1%.0s' {1..48})0")" = '["inconclusive",79]' ]
	[ "$(needed 1110111)" = '["inconclusive",425]' ]
	[ "$(needed 1111111110)" = '["inconclusive",null]' ]
	status_is 4 ft-eval --table --require 'exact>=0.9' <(rows m "$(printf '1%.0s' {1..20})")
	[[ $output == *"inconclusive (about 15 rows more)"* ]]
	# Scores that are no rates, by their spread; rows that hang together have no number.
	rows m 110 | jq -c '.output += "xy"' >in
	ft-eval -q --json -c levenshtein --point --require 'levenshtein>=0.1' in | jq -se '.[1].rows_needed == null'
	status_is 4 ft-eval -q --json -c levenshtein --require 'levenshtein>=0.1' in
	jq -se '.[1].rows_needed > 3' <<<"$output"
	status_is 4 ft-eval -q --json --cluster .ideal --require 'exact>=0.9' <(rows m 1101)
	jq -se '.[1].rows_needed == null' <<<"$output"
}

@test "a requirement ends with 0 met, 1 missed, 4 not yet decided" {
	rows m "$(printf '1%.0s' {1..60})" >in
	status_is 0 ft-eval --require 'exact>=0.9' in
	jq -se '.[1] | .require == "exact>=0.9" and .verdict == "met" and .value == 1 and .lo < 1 and .hi == 1' <<<"$output"
	status_is 4 ft-eval --require 'exact>=0.99' in
	jq -se '.[1].verdict == "inconclusive"' <<<"$output"
	status_is 0 ft-eval --point --require 'exact>=0.99' in
	status_is 1 ft-eval --require 'exact<=0.5' in
	jq -se '.[1].verdict == "missed"' <<<"$output"
	status_is 1 ft-eval --require 'exact>=0.99' --require 'exact<=0.5' in
	status_is 2 ft-eval --require 'speed>=1' in
	[[ $stderr == *"no figure 'speed'"*"latency.p95"* ]]
	status_is 2 ft-eval --require 'exact=1' in
	status_is 4 ft-eval --require 'exact>=0.9' /dev/null
	for figure in nosuch exact.nosuch exact.pass@0 latency.p12; do
		status_is 2 ft-eval --require "$figure>=1" /dev/null
		[[ $stderr == *"no figure '$figure'"* ]]
	done
	status_is 4 ft-eval -c json-fields --require 'json-fields.total>=1' --require 'json-fields.pass@3>=1' \
		--require 'json-fields.majority>=1' /dev/null
	status_is 4 ft-eval --require 'latency.p95<=1' in
}

@test "one value is one group, however it is written" {
	printf '%s\n' '{"model":"\u00e9\/","by":{"a":1,"b":[2]},"id":"1","output":"x","ideal":"x"}' \
		'{"model":"é/","by":{ "b":[2], "a":1 },"id":"2","output":"x","ideal":"x"}' >in
	status_is 0 ft-eval --by .model --by .by in
	jq -e '.n == 2 and .group == {model: "é/", by: {a: 1, b: [2]}}' <<<"$output"
	printf '%s\n' '{"model":{"a":1,"b":2},"id":"1","output":"x","ideal":"x"}' '{"model":"b","id":"1","output":"x","ideal":"x"}' >in
	status_is 0 ft-eval --compare .model --baseline '{"a":1,"b":2}' <(sed 's/{"a":1,"b":2}/{ "b": 2, "a": 1 }/' in)
}

@test "a check called latency leaves the figures of the latency as they are" {
	jq -nc 'range(4) | {output: "x", latency: (0.6 + . / 10)}' >in
	status_is 0 ft-eval -c latency:1 --point --require 'latency.mean<=0.8' --require 'latency>=1' --require 'latency.p50<=0.8' in
	jq -se '[.[1:][] | .value * 100 | round] == [75, 100, 75]' <<<"$output"
	status_is 2 ft-eval -c words:1-2 --require 'words.mean>=0.5' in
}

@test "comparison pairs rows by id, whatever their order, with the exact McNemar test" {
	{ rows a 1111100000; rows b 1111111110 | sort -r; } >in
	status_is 0 ft-eval --compare .model in
	# scipy.stats.binomtest(0, 4).pvalue = 0.125
	jq -se '.[2] | .metric == "exact" and .a == "a" and .b == "b" and .n == 10 and .diff == 0.4 and .p == 0.125 and .p_adj == 0.125
		and .test == "mcnemar" and .wins == 4 and .losses == 0 and .ties == 6 and .lo < .diff and .hi > .diff' <<<"$output"
	status_is 0 ft-eval --compare .model --baseline b in
	jq -se '.[2] | .a == "b" and .diff == -0.4 and .losses == 4' <<<"$output"
	status_is 0 ft-eval --compare .model --diff in
	jq -se '[.[] | select(.diff == "fixed") | .id] == ["q5", "q6", "q7", "q8"]' <<<"$output"
}

@test "several models share one error level (Holm)" {
	{ rows a 0000000000; rows b 1111110000; rows c 1111111000; rows d 0000000000; } >in
	status_is 0 ft-eval --compare model in
	# p = 2/64, 2/128, 1; Holm: 2 x 2/64, 3 x 2/128, 1
	jq -se '[.[4:][] | .p_adj] == [0.0625, 0.046875, 1]' <<<"$output"
}

@test "groups that do not hold the same rows are refused, with the ids that are missing" {
	{ rows a 111; rows b 11; echo '{"id":"other","model":"b","ideal":"x","output":"x"}'; } >in
	status_is 2 ft-eval --compare model in
	[[ $stderr == *"1 of the first are missing in the second - q2"*"1 of the second in the first - other"* ]]
}

@test "an id that stands twice in one group is refused, unless sample tells the rows apart" {
	{ rows a 11; rows a 1; rows b 11; } >in
	status_is 2 ft-eval --compare model in
	[[ $stderr == *"in:3: id 'q0' occurs twice in group {\"model\":\"a\"}"* ]]
	jq -c '. + {sample: 0}, . + {sample: 1}' <(rows a 10; rows b 11) >in
	status_is 0 ft-eval --compare model in
	jq -se '.[2].n == 4' <<<"$output"
}

@test "rows without id are paired by their input, repeats in their order" {
	jq -nc '("a", "b") as $m | (1, 2, 1) as $q
		| {model: $m, messages: [{role: "user", content: "q\($q)"}, {role: "assistant", content: "r"}],
		output: (if $m == "a" then "r" else "s" end)}' >in
	status_is 0 ft-eval --compare model in
	jq -se '.[2] | .n == 3 and .losses == 3' <<<"$output"
}

@test "a single group or a baseline that is not there is refused" {
	rows a 11 >in
	status_is 2 ft-eval --compare model in
	[[ $stderr == *"only value of .model"* ]]
	{ rows a 11; rows b 11; } >in
	status_is 2 ft-eval --compare model --baseline c in
	[[ $stderr == *"no group has the value 'c'"* ]]
	status_is 2 ft-eval --baseline a in
}

@test "groups may be formed by several paths, and comparisons stay within the others" {
	{ rows a 10; rows b 11; } | jq -c '., . + {id: (.id + "x"), lang: "de"}' >in
	status_is 0 ft-eval --by lang --compare model in
	jq -se '([.[:4][].group] == [{lang: null, model: "a"}, {lang: "de", model: "a"}, {lang: null, model: "b"},
				{lang: "de", model: "b"}])
		and [.[4:][].within] == [{lang: null}, {lang: "de"}] and .[4].n == 2' <<<"$output"
}

@test "json-fields gives each field its own rate, and fields can be required" {
	jq -nc 'range(40) | {id: "\(.)", ideal: ({due: "2024-01-31", amount: 12.5, note: null} | tojson),
		output: ({due: (if . % 4 == 0 then "2023-01-31" else "31 January 2024" end), amount: "$12.50"} | tojson)}' >in
	status_is 1 ft-eval -c json-fields --require 'json-fields.due>=0.95' --require 'json-fields.amount>=0.9' in
	jq -se '(.[0].metrics["json-fields"] | .fields.due.mean == 0.75 and .fields.amount.mean == 1 and .fields.note.mean == 1
		and .recall == 70 / 80 and .precision == 70 / 80 and (.mean - 11 / 12 | fabs) < 1e-12)
		and .[1].verdict == "missed" and .[2].verdict == "met"' <<<"$output"
}

@test "json-fields: a tolerance for each field, named fields that are on neither side, and names that occur nowhere" {
	jq -nc '{ideal: ({total: 100, net: 80, due: "2024-01-31", to: {city: "Oslo"}} | tojson),
			output: ({total: "100.60", net: 80.6, due: "31.1.2024", to: {city: "oslo"}} | tojson)}' >in
	status_is 0 ft-eval -c 'json-fields:total~1%,net~0.5,due,to,note' in
	jq -e '.metrics["json-fields"] | (.mean - 0.8 | fabs) < 1e-12 and .fields.total.mean == 1 and .fields.net.mean == 0
		and .fields["to.city"].mean == 1
		and .fields.note.mean == 1 and .fields.note.recall == null' <<<"$output"
	[[ $stderr == *"no reference and no answer holds the field 'note'"* ]]
	status_is 0 ft-eval -c 'json-fields:~1%' in
	jq -e '.metrics["json-fields"].mean == 1' <<<"$output"
	for bad in 'a~' 'a~x' 'a~-1' '~1%%' ','; do status_is 2 ft-eval -c "json-fields:$bad" in; done
	jq -nc '{ideal: ({items: [{price: 5, on: "2024-05-01"}, {price: 7}]} | tojson),
			output: ({items: [{price: "$5.00", on: "May 1, 2024"}, {price: 7, on: null}]} | tojson)}' >lists
	status_is 0 ft-eval -c json-fields lists
	jq -e '.metrics["json-fields"].mean == 1' <<<"$output"
}

@test "pair verdicts rank the models with intervals and compare each with the baseline" {
	pair() { echo "{\"id\":\"$RANDOM$RANDOM\",\"a\":{\"model\":\"$1\"},\"b\":{\"model\":\"$2\"},\"judge\":$3}"; }
	{
		for _ in 1 2 3 4 5 6 7 8; do pair x y '{"winner":"a"}'; done
		pair y x '{"winner":"a"}'; pair x y '{"winner":"tie"}'
		for _ in 1 2 3 4 5 6; do pair z y '{"winner":"b"}'; done
		pair x y '{"error":{"type":"unparsable"}}'
	} >in
	status_is 0 ft-eval in
	jq -se '[.[:3][].model] == ["x", "y", "z"] and [.[:3][].rank] == [1, 2, 3] and (.[0] | .wins == 8 and .losses == 1 and .ties == 1
			and .strength.lo < .strength.value)
		and (.[3] | .a == "x" and .b == "y" and .n == 10 and .diff == -0.7 and .test == "sign" and .p == 0.0390625)
		and (length == 4)' <<<"$output"
	[[ $stderr == *"1 of 17 pairs hold no verdict"* ]]
	status_is 0 ft-eval -q --compare model --baseline y in
	# Holm over the two: 2 x 2/64, 0.0390625
	jq -se '.[3].b == "x" and .[3].p_adj == 0.0625 and .[4].b == "z" and .[4].p == 0.03125 and .[4].p_adj == 0.0625' <<<"$output"
	status_is 2 ft-eval -q --compare model --baseline nobody in
	status_is 0 ft-eval -q --table --html report.html in
	[[ $output == *"strength"*"x "* ]]
	grep -q 'Ranking by pairs' report.html
	{ cat in; rows x 11; } >both
	status_is 0 ft-eval -q both
	jq -se '.[0].n == 2 and .[1].rank == 1' <<<"$output"
}

@test "jq expressions share one jq process" {
	printf '#!/bin/sh\necho run >>%s/runs\nexec jq "$@"\n' "$TMP" >jq-counted
	chmod +x jq-counted
	jq -nc 'range(600) | {id: "\(.)", output: (if . % 3 == 0 then "{\"n\":\(.)}" else "none" end)}' >in
	FT_JQ=$TMP/jq-counted status_is 0 ft-eval -c 'a=jq:.output|fromjson?|.n >= 0' -c 'b=jq:(.id|tonumber) / 1000 # a score' \
		-c 'not=not-jq:.output == "none"' in
	[ "$(wc -l <runs)" -eq 1 ]
	jq -e '.metrics.a.mean == 1 / 3 and .metrics.a.n == 600 and (.metrics.b.mean - 0.2995 | fabs) < 1e-12
		and .metrics.not.mean == 1 / 3' <<<"$output"
}

@test "a record that jq cannot read or get through is unscored, and jq goes on with the others" {
	{
		rows a 11
		awk 'BEGIN { printf "{\"id\":\"deep\",\"ideal\":\"x\",\"output\":\"x\",\"in\":"; for (i = 0; i < 300; i++) printf "[";
			for (i = 0; i < 300; i++) printf "]"; print "}" }'
		echo '{"id":"half","ideal":"\ud800","output":"y"}'
		echo '{"id":"long","ideal":"y","output":"y"}'
		rows b 110
	} >in
	status_is 0 ft-eval --timeout 1 -c 'jq:if .id == "long" then def f: f; f else .ideal == .output end' in
	jq -e '.metrics.jq | .n + .unscored == 8 and .unscored >= 1 and .mean < 1' <<<"$output"
	# Of what an older jq cannot read, the line is named; a newer one reads deeper.
	[[ $(jq --version) != jq-1.[56]* || $stderr == *"jq cannot read this record"* ]]
	status_is 0 ft-eval --timeout 2 -c 'jq:if .id == "long" then def f: f; f else true end' <(grep -v deep in | grep -v half)
	[ "$(jq -c '.metrics.jq | [.n, .unscored]' <<<"$output")" = '[5,1]' ]
	[[ $stderr == *"jq gave no answer within 2 s"* ]]
	# Strings of 512 MiB, one after another.
	local many='[range(8) | tostring as $s | reduce range(29) as $i ($s; . + .)] | length > 0'
	status_is 0 ft-eval -c "jq:if .id == \"long\" then $many else true end" <(grep -v deep in | grep -v half)
	[ "$(jq -c '.metrics.jq | [.n, .unscored]' <<<"$output")" = '[5,1]' ]
	[[ $stderr == *"jq broke off here, as when it takes over 2 GiB"* ]]
	# Of what it writes to standard error, which is for nobody, a megabyte is kept.
	printf '#!/bin/sh\njq "$@"\nstat -L -c %%s /proc/self/fd/2 >%q\n' "$TMP/said" >jq-weighed
	chmod +x jq-weighed
	FT_JQ=$TMP/jq-weighed status_is 0 ft-eval -c 'jq:("x" * 3000000 | debug) == ""' <(head -n 1 in)
	jq -e '.metrics.jq | .n == 1 and .mean == 0' <<<"$output"
	[ "$(cat said)" -eq 1048576 ]
	status_is 2 ft-eval -c 'jq:.output ==' in
	[[ $stderr == *"jq ended early"*"syntax error"* ]]
	FT_JQ=no-such-jq status_is 2 ft-eval -c 'jq:.output' in
	[[ $stderr == *"cannot run no-such-jq"* ]]
}

@test "jq does not outlive ft-eval, however that ends" {
	rows a 1 >in
	FT_JQ=$TMP/jq-named
	cp "$(command -v jq)" jq-named
	export FT_JQ
	for signal in INT TERM KILL; do
		ft-eval -c 'jq:def f: f; f' in 2>/dev/null &
		local pid=$!
		await eval 'pgrep -P $pid >child'
		kill -$signal $pid
		wait $pid || :
		await eval '! kill -0 "$(cat child)"'
	done
}

@test "a jq expression that fails on a row leaves it unscored; one that is no jq stops the run" {
	printf '%s\n' '{"output":"a"}' '{"output":1e400}' '{"output":"b"}' >in
	status_is 0 ft-eval -c 'jq:.output|test("a")' in
	jq -e '.metrics.jq.n == 2 and .metrics.jq.unscored == 1 and .metrics.jq.mean == 0.5' <<<"$output"
	status_is 0 ft-eval -c 'jq:.output.x' in
	jq -e '.metrics.jq.unscored == 3' <<<"$output"
	[[ $stderr == *"Cannot index string"* ]]
	status_is 0 ft-eval -c 'jq:[inputs]|length' in
	jq -e '.metrics.jq.unscored == 3' <<<"$output"
	for several in '(true, false)' '.output | ., "x"' 'range(3) == 0'; do
		status_is 0 ft-eval -c "jq:$several" <(head -n 1 in)
		jq -e '.metrics.jq | .unscored == 1 and .mean == null' <<<"$output"
		[[ $stderr == *"the expression gave several results"* ]]
	done
	status_is 0 ft-eval -c 'jq:empty' <(head -n 1 in)
	jq -e '.metrics.jq | .unscored == 0 and .mean == 0' <<<"$output"
	status_is 2 ft-eval -c 'jq:.output ==' in
	[[ $stderr == *"syntax error"* ]]
	FT_JQ=/no/such/jq status_is 2 ft-eval -c jq:true in
	[[ $stderr == *"cannot run /no/such/jq"* ]]
}

@test "weights add the weighted mean as score" {
	rows m 10 >in
	status_is 0 ft-eval -c exact -c includes:o -c words:1-1 --weight exact=2 --weight words=0 in
	# row 1: exact 1, includes 0: 2/3; row 2: 0, 1: 1/3
	jq -e '(.metrics.score.mean - 0.5 | fabs) < 1e-12 and .metrics.score.n == 2' <<<"$output"
	status_is 0 ft-eval -p -c exact -c includes:o -c words:1-1 --weight exact=2 --weight words=0 <(cat in; rows m e)
	jq -se '(map(.eval) | .[0].score == 2 / 3 and .[1] == {exact: 0, includes: 1, words: 1, score: (1 / 3)}
			and .[2].score == null)' <<<"$output"
	status_is 2 ft-eval -c exact --weight regex=1 in
	status_is 2 ft-eval -c exact --weight exact=-1 in
	status_is 2 ft-eval -c exact -c exact in
	[[ $stderr == *"NAME=exact"* ]]
}

@test "latency quantiles, tokens and costs are summed up; one unknown cost makes the total unknown" {
	jq -nc 'range(101) | {id: "\(.)", ideal: "x", output: "x", latency: (. / 100), cost: 0.002,
			usage: {prompt_tokens: 10, completion_tokens: 2, total_tokens: 12}}' >in
	status_is 0 ft-eval --require 'latency.p95<=1' --require 'cost.per_1k<=2.5' in
	jq -se '.[0] | .latency.p50 == 0.5 and (.latency.p95 - 0.95 | fabs) < 1e-12 and (.latency.p99 - 0.99 | fabs) < 1e-12
		and .tokens == {prompt: 10, completion: 2, total: 12, n: 101}
		and (.cost.total - 0.202 | fabs) < 1e-12 and (.cost.per_1k - 2 | fabs) < 1e-12' <<<"$output"
	jq -c 'if .id == "7" then .cost = null else . end' in >unknown
	status_is 4 ft-eval --require 'cost.per_1k<=2.5' unknown
	jq -se '.[0].cost == {total: null, per_1k: null, unknown: 1} and .[1].value == null' <<<"$output"
}

@test "-p passes records through with eval added and every other byte kept" {
	printf '%s\n' '{"id": "a",  "big":12345678901234567890, "ideal":"x","output":"x" , "eval":{"old":1}}' '{"id":"b","output":"y"}' >in
	status_is 0 ft-eval -p in
	[ "${lines[0]}" = '{"id": "a",  "big":12345678901234567890, "ideal":"x","output":"x" , "eval":{"exact":1}}' ]
	[ "${lines[1]}" = '{"id":"b","output":"y","eval":{"exact":null}}' ]
}

@test "the output does not depend on the number of threads" {
	jq -nc 'range(3000) | {id: "\(.)", model: "m\(. % 2)", ideal: "a b c", output: (if . % 7 == 0 then "a c" else "a b c" end),
			latency: (. * 0.001)}' >in
	ft-eval -j 1 -c exact -c normalized --by model in >one
	ft-eval -j 7 -c exact -c normalized --by model in >seven
	cmp one seven
	# Rows before one whose reference is of no use are scored and come out.
	sed '2000s/"ideal":"a b c"/"ideal":7/; 1200s/^{//' in >bad
	ft-eval --threads 1 -p in >one
	for threads in 1 3; do
		ft-eval --threads "$threads" -p in | cmp one -
		run -2 ft-eval --threads "$threads" -p bad
		[[ $output == *"bad:1200: "* ]]
		status_is 2 ft-eval --threads "$threads" --skip-bad -p bad
		[[ $stderr == *"bad:1200: "*"bad:2000: "* ]]
		sed -n 1,1999p one | sed 1200d | cmp - <(printf '%s\n' "$output")
	done
}

@test "a table on request, with Markdown as another form" {
	{ rows a 1111100000; rows b 1111111110; } >in
	status_is 0 ft-eval --table --compare model --require 'exact>=0.2' in
	[[ ${lines[0]} == group*metric*mean*"95% interval"*unscored ]]
	[[ $output == *McNemar* || $output == *mcnemar* ]]
	[[ $output == *"+0.4000"* && $output == *met* ]]
	status_is 0 ft-eval --markdown in
	[[ ${lines[1]} == '|---'* ]]
	status_is 2 ft-eval --markdown --json in
}

@test "on a terminal, rows that are too wide are folded between columns, and nothing breaks inside a word" {
	{ rows a 1111100000; rows b 1111111110; } >in
	on_terminal 80 "ft-eval -q --compare model in"
	grep -qx 'metric  a (baseline)  b    b - a  95% interval             p  p adjusted  wins' <<<"$output"
	grep -qx '    losses  ties  test' <<<"$output"
	grep -qE '^exact   a             b  [+]0.4000  .* +4$' <<<"$output"
	grep -qx '         0     6  mcnemar' <<<"$output"
	on_terminal 40 "ft-eval -q --compare model in"
	grep -qx '    95% interval             p' <<<"$output"
	grep -qx '    mcnemar' <<<"$output"
	on_terminal 60 "stty cols 200; COLUMNS=60 ft-eval -q --compare model in"
	status_is 0 ft-eval -q --compare model --table in
	[ "$(COLUMNS=40 ft-eval -q --compare model --table in)" = "$output" ]
}

# peak FILE TIMES - the most memory (kB) of ft-eval that read the file so often.
peak() {
	mkfifo "fifo$2"
	ft-eval -j 1 <"fifo$2" >/dev/null &
	local pid=$! i
	exec 9>"fifo$2"
	for ((i = 0; i < $2; i++)); do cat "$1" >&9; done
	awk '/VmHWM/{print $2}' "/proc/$pid/status"
	exec 9>&-
	wait "$pid"
}

@test "memory does not grow with the rows" {
	grep -q __asan_init "$BUILD/bin/ft-eval" && skip "the address sanitizer keeps freed memory"
	jq -nc 'range(20000) | {id: "\(.)", ideal: "a", output: "a", latency: (. % 1000 / 1000)}' >in
	small=$(peak in 1)
	large=$(peak in 10)
	[ "$small" -gt 0 ]
	[ "$large" -lt $((small + 2048)) ]
}

@test "cmd: a command decides, several at a time; one that hangs, dies or is missing leaves the row unscored" {
	jq -nc 'range(12) | {id: "\(.)", output: (if . % 3 == 0 then "good" else "bad" end)}' >in
	status_is 0 ft-eval -c 'cmd:jq -e ".output == \"good\"" >/dev/null' in
	jq -e '.metrics.cmd | .n == 12 and (.mean - 1 / 3 | fabs) < 1e-12' <<<"$output"
	status_is 0 ft-eval -c 'cmd:exit 127' -c 'dies=cmd:kill -9 $$' -c 'deaf=cmd:exec true' in
	jq -e '.metrics.cmd.unscored == 12 and .metrics.dies.unscored == 12 and .metrics.deaf.mean == 1' <<<"$output"
	head -n 2 in >few
	status_is 0 ft-eval --timeout 0.2 --jobs 2 -c 'cmd:sleep 60.7 & sleep 60.7' few
	jq -e '.metrics.cmd.unscored == 2' <<<"$output"
	[[ $stderr == *"took too long"* ]]
	run ! pgrep -f 'sleep 60[.]7' -s 0
	# What a command leaves in a session of its own holds its output open, which is not waited for.
	SECONDS=0
	status_is 0 ft-eval --timeout 0.2 -c 'cmd:setsid sleep 20 2>/dev/null 3>&-; exit 0' few
	[ "$SECONDS" -lt 15 ]
	jq -e '.metrics.cmd.unscored == 2' <<<"$output"
}

@test "regex: a pattern with much to come back to matches long outputs" {
	jq -nc '{output: (("ten bytes\n" * 20000) + "END")}, {output: (("ten bytes\n" * 50) + "ND")}' >in
	status_is 0 ft-eval -c 'regex:(.|\n)*END' in
	jq -e '.metrics.regex | .n == 2 and .unscored == 0 and .mean == 0.5' <<<"$output"
}

@test "20,000 calls and 200,000 fields in another order are compared" {
	# Call by call, and field by field, each with each, this takes hours.
	jq -nc '[range(20000) | {type: "function", function: {name: "f\(. % 7)", arguments: ({a: ., b: "x"} | tojson)}}] as $calls
		| ([range(20000) | 19999 - . | {function: {name: "f\(. % 7)", arguments: "{\"b\": \"x\", \"a\": \(.).0}"}}]) as $same
		| {messages: [{role: "user", content: "q"}, {role: "assistant", content: null, tool_calls: $calls}]} as $row
		| $row + {id: "same", tool_calls: $same}, $row + {id: "twice", tool_calls: ($same[1:] + [$same[5]])}' >in
	status_is 0 timeout 120 ft-eval -c tool-calls --by id in
	jq -r 'select(.group.id) | "\(.group.id) \(.metrics["tool-calls"].mean)"' <<<"$output" >got
	[ "$(paste -sd ' ' got)" = 'same 1 twice 0' ]
	seq 0 199999 | awk '{printf "%s\"k%d\": %d", (NR > 1 ? ", " : "{"), $1, $1} END {print "}"}' >up
	seq 199999 -1 0 | awk '{printf "%s\"k%d\": %d", (NR > 1 ? ", " : "{"), $1, $1} END {print "}"}' >down
	jq -nc --rawfile up up --rawfile down down '{id: "1", ideal: $up, output: $down},
		{id: "2", ideal: "{\"a\": [\($up)]}", output: "{\"a\": [\($down)]}"}' >in
	status_is 0 timeout 120 ft-eval -c json-fields in
	jq -e '.metrics["json-fields"] | .mean == 1 and .n == 2' <<<"$output" >/dev/null
}

@test "texts too long for levenshtein and rouge-l are unscored and said so, unless they differ in little" {
	# 900 KB each: 8e11 steps, an hour. The words are in no order that the other has.
	seq 150000 | awk '{printf "w%d ", $1 * 7919 % 99991}' >a
	seq 150000 | awk '{printf "w%d ", $1 * 104729 % 99991}' >b
	jq -nc --rawfile a a --rawfile b b '{id: "far", ideal: $a, output: $b},
		{id: "near", ideal: ($a + "one two three" + $b), output: ($a + "one three" + $b)}' >in
	status_is 0 timeout 120 ft-eval -c levenshtein -c rouge-l in
	jq -e '.metrics | all(.levenshtein, .["rouge-l"]; .n == 1 and .unscored == 1 and .mean > 0.99999 and .mean < 1)' <<<"$output"
	[[ $stderr == *"in:1: output and reference are too long to be compared"* ]]
}

@test "a schema that cannot be decided in its bounds leaves the row unscored, and is not failed" {
	# Each level asks for the one below twice: 2^40 looks.
	jq -nc '{"$defs": ([range(40) | {key: "n\(.)", value: {allOf: [{"$ref": "#/$defs/n\(. + 1)"}, {"$ref": "#/$defs/n\(. + 1)"}]}}]
		+ [{key: "n40", value: {type: "integer"}}] | from_entries), "$ref": "#/$defs/n0"}' >wide.json
	echo '{"type": "string", "pattern": "^(a+)+$"}' >slow.json
	echo '{"id": "1", "output": "7"}' >in
	jq -nc '{id: "2", output: ("\"" + "a" * 40 + "!\"")}' >>in
	status_is 0 ft-eval -c wide=schema:wide.json -c slow=schema:slow.json in
	jq -e '.metrics.wide | .n == 1 and .unscored == 1 and .mean == 0' <<<"$output"
	jq -e '.metrics.slow | .n == 1 and .unscored == 1 and .mean == 0' <<<"$output"
	[[ $stderr == *"the schema's limits were met"* ]]
	status_is 0 ft-eval -c not-schema:wide.json in
	jq -e '.metrics["not-schema"] | .n == 1 and .unscored == 1 and .mean == 1' <<<"$output"
}

@test "schema: and tool-calls" {
	echo '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}' >schema.json
	printf '%s\n' '{"output":"{\"n\": 3}"}' '{"output":"{\"n\": \"3\"}"}' '{"output":"3"}' '{"output":"{"}' >in
	status_is 0 ft-eval -c schema:schema.json in
	jq -e '.metrics.schema | .mean == 0.25 and .n == 4' <<<"$output"
	status_is 2 ft-eval -c schema:none.json in
	[[ $stderr == *none.json* ]]
	jq -nc 'def call($n; $a): {type: "function", id: "c", function: {name: $n, arguments: $a}};
		[call("f"; "{\"x\": 1, \"y\": 2}"), call("g"; "{}")] as $want
		| ([call("g"; "{ }"), call("f"; "{\"y\": 2.0, \"x\": 1}")], [call("f"; "{\"x\": 1, \"y\": 3}"), call("g"; "{}")],
			[call("g"; "{}")], null) as $got
		| {messages: [{role: "user", content: "q"}, {role: "assistant", content: null, tool_calls: $want}], output: "",
			tool_calls: $got}' >in
	status_is 0 ft-eval -c tool-calls in
	jq -e '.metrics["tool-calls"] | .mean == 0.25 and .n == 4' <<<"$output"
}

@test "text similarities are scores, and the best of several references counts" {
	echo '{"ideal":["nothing like it","the cat sat on the mat"],"output":"The cat sat on a mat"}' >in
	status_is 0 ft-eval -c f1 -c rouge-1 -c rouge-2 -c rouge-l -c bleu -c chrf -c levenshtein in
	jq -e '.metrics | .f1.mean == 1 and ([."rouge-1", ."rouge-2", ."rouge-l", .bleu, .chrf, .levenshtein]
			| all(.mean > 0.3 and .mean < 1))' <<<"$output"
}

@test "samples of one input are one cluster: wider interval, majority, pass@k" {
	# Eight inputs, five samples each; input i is answered right i of 5 times (6 and 7: always).
	jq -nc 'range(8) as $i | range(5) as $s
		| {id: "q\($i)", sample: $s, ideal: "yes", output: (if $s < $i then "yes" else "no \($s % 2)" end)}' >in
	status_is 0 ft-eval --pass-at 1,5 in
	# Counts 0,1,2,3,4,5,5,5: pass@1 is their mean / 5, pass@5 counts those above 0, pass^5
	# those that are 5. Majority: 2 right of 5 tie with "no 0" or "no 1" at i = 2 (2 yes, 2 of
	# one no, 1 of the other: half), 1 of 5 loses, 3 and more win.
	jq -e '.metrics.exact | .n == 40 and .clusters == 8 and .mean == 0.625 and (.["pass@1"].value - 0.625 | fabs) < 1e-12
		and .["pass@5"].value == 0.875
		and .["pass^5"].value == 0.375 and .majority.value == 5.5 / 8 and (.hi - .lo) > 0.5' <<<"$output"
	status_is 0 ft-eval --require 'exact.pass@5>=0.3' --require 'exact.majority>=0.2' in
	jq -c 'del(.sample)' in >plain
	status_is 0 ft-eval plain
	jq -e '.metrics.exact | (.hi - .lo) < 0.32 and (has("clusters") | not)' <<<"$output"
	status_is 0 ft-eval --cluster id plain
	jq -e '.metrics.exact | (.hi - .lo) > 0.5 and .clusters == 8' <<<"$output"
	jq -e '.metrics.exact | has("majority")' <<<"$output"
	# Rows of one customer ask different things: no answer is a vote against another.
	jq -c '.customer = (.id[1:] | tonumber % 3) | .id += "-\(.sample)" | del(.sample)' in >customers
	status_is 0 ft-eval --cluster customer customers
	jq -e '.metrics.exact | .clusters == 3 and (has("majority") | not)' <<<"$output"
	status_is 4 ft-eval --cluster customer --require 'exact.majority>=0.2' customers
	jq -c '.messages = [{role: "user", content: .id[:2]}]' customers >asked
	status_is 0 ft-eval --cluster customer asked
	jq -e '.metrics.exact | has("majority") | not' <<<"$output"
	status_is 0 ft-eval --cluster '.messages[0].content' asked
	jq -e '.metrics.exact | .clusters == 8 and .majority.value == 5.5 / 8' <<<"$output"
	{ cat plain in; } >mixed
	status_is 2 ft-eval mixed
	[[ $stderr == *"--cluster"* ]]
}

@test "the majority's vote is by calls of tools too, and what was not answered has none in common" {
	jq -nc 'def call($i; $a): [{id: "c\($i)", type: "function", function: {name: "f", arguments: $a}}];
		("{\"x\": 9}", "{\"x\":1,\"y\":2}", "{\"y\": 2, \"x\": 1}") as $a
		| {id: "q", messages: [{role: "user", content: "q"}, {role: "assistant", tool_calls: call(0; "{\"x\":1,\"y\":2}")}],
			output: null, tool_calls: call($a; $a)}' |
		jq -c '.sample = input_line_number' >in
	status_is 0 ft-eval -c tool-calls in
	jq -e '.metrics["tool-calls"] | (.mean - 2 / 3 | fabs) < 1e-12 and .clusters == 1 and .majority.value == 1' <<<"$output"
	for s in 0 1 2 3 4; do
		case $s in 3 | 4) answer='"output":"yes"' ;; *) answer='"error":{"type":"timeout"}' ;; esac
		echo "{\"id\":\"q\",\"sample\":$s,\"ideal\":\"yes\",$answer}"
	done >in
	status_is 0 ft-eval --errors fail in
	jq -e '.metrics.exact | .mean == 0.4 and .majority.value == 1' <<<"$output"
}

@test "scores that do not vary prove no more than so many rows or clusters can" {
	jq -nc 'range(2) as $i | range(2) as $s | {id: "q\($i)", sample: $s, ideal: "x y", output: "x y"}' >right
	jq -c '.output = "no"' right >wrong
	jq -c '.output = "x z"' right >half
	for options in "" "--bootstrap 1000"; do
		# shellcheck disable=SC2086
		status_is 4 ft-eval $options --require 'exact>=0.95' right
		jq -se '.[0].metrics.exact | .mean == 1 and .lo == .majority.lo and .lo < 0.4 and .hi == 1' <<<"$output"
		# shellcheck disable=SC2086
		status_is 4 ft-eval $options --cluster id --require 'f1>=0.3' --require 'f1<=0.7' -c f1 half
		# shellcheck disable=SC2086
		status_is 4 ft-eval $options --require 'f1>=0.3' -c f1 <(jq -c 'select(.sample == 0) | del(.sample)' half)
		# The p-values are scipy's 2 * norm.sf(sqrt(2)) and 2 * norm.sf(1): n |difference| = 2 and 1.
		# shellcheck disable=SC2086
		status_is 0 ft-eval $options --baseline-file right wrong
		jq -se '.[2] | .diff == -1 and .lo == -1 and .hi > 0 and (.p - 0.157299 | fabs) < 1e-6
			and .detectable == null' <<<"$output"
		# shellcheck disable=SC2086
		status_is 0 ft-eval $options -c f1 --baseline-file right half
		jq -se '.[2] | .diff == -0.5 and .hi > 0 and .lo < -0.5 and (.p - 0.317311 | fabs) < 1e-6' <<<"$output"
	done
	# Forty clusters do prove it.
	for f in right wrong half; do jq -c 'range(20) as $k | .id += "\($k)"' $f >many; mv many $f; done
	status_is 0 ft-eval --require 'exact>=0.9' right
	status_is 1 ft-eval --baseline-file right wrong
	status_is 1 ft-eval -c f1 --baseline-file right half
	for f in right half; do jq -c 'select(.sample == 0) | del(.sample)' $f >many; mv many $f; done
	status_is 1 ft-eval -c f1 --baseline-file right half
	jq -se '.[2] | .test == "paired-t" and .diff == -0.5 and .hi < -0.3 and .p < 1e-4 and .detectable == null
		and .rows_needed == null' <<<"$output"
}

@test "what a comparison could have shown goes by the clusters" {
	# Ten clusters of five equal rows are worth ten rows, of which three got better.
	jq -nc 'range(10) as $i | range(5) as $s | ("a", "b") as $m | {id: "q\($i)", sample: $s, model: $m, ideal: "yes",
		output: (if $m == "a" or $i < 7 then "no" else "yes" end)}' >in
	status_is 0 ft-eval --compare model in
	# standard error sqrt(10 / 9 * (3 * .7^2 + 7 * .3^2)) / 10 = .152753; (1.959964 + .841621) times
	# that, and 50 rows times the square of the ratio
	jq -se '.[2] | .n == 50 and (.detectable - 0.427950 | fabs) < 1e-5 and .rows_needed == 102' <<<"$output"
}

@test "figures of samples stay within 0 and 1" {
	jq -nc 'range(3) as $i | range(2) as $s
		| {id: "q\($i)", sample: $s, ideal: "x y", output: (if $i == 0 and $s == 0 then "x" else "x y" end)}' >in
	status_is 0 ft-eval --pass-at 1,2 -c f1 in
	jq -e '.metrics.f1 | .majority.hi <= 1 and .majority.lo >= 0 and .["pass@1"].hi <= 1 and .["pass@1"].lo >= 0' <<<"$output"
}

@test "classes: figures equal scikit-learn's, answers outside the classes are (other)" {
	jq -nc '[range(10) | "a"] + [range(6) | "b"] + [range(4) | "c"] | to_entries[] | {ideal: .value, i: .key}' |
		jq -c '. + {output: (["a","a","a","a","a","a","a","a","b","b","b","b","b","b","b","c","c","c","a","a"][.i] + "\n")}' >in
	status_is 0 ft-eval --labels in
	# sklearn.metrics: f1_score(average="macro"), "weighted", matthews_corrcoef
	jq -e 'def near(x): (. - x | fabs) < 1e-12; .labels | .n == 20 and (.accuracy.value | near(0.75))
		and (.macro_f1.value | near(0.7135531135531137)) and (.weighted_f1.value | near(0.7450549450549452))
		and (.mcc.value | near(0.5959630476342985)) and .classes.a.said == {a: 8, b: 2} and .macro_f1.lo < .macro_f1.value
		and .macro_f1.hi > .macro_f1.value' <<<"$output"
	echo '{"ideal":"a","output":"hm"}' >>in
	status_is 0 ft-eval --labels in
	jq -e '.labels.classes.a.said["(other)"] == 1' <<<"$output"
	echo '{"ideal":"b","error":{"type":"timeout"}}' >>in
	status_is 0 ft-eval --labels --errors drop in
	jq -e '.labels.n == 21 and .labels.classes.b.said["(other)"] == null' <<<"$output"
	status_is 0 ft-eval --labels --errors fail in
	jq -e '.labels.n == 22 and .labels.classes.b.said["(other)"] == 1 and .labels.accuracy.value == 15 / 22' <<<"$output"
}

@test "tokens are counted under the names of each API" {
	jq -nc '({prompt_tokens: 10, completion_tokens: 2, total_tokens: 12}, {input_tokens: 3, cache_read_input_tokens: 5,
			cache_creation_input_tokens: 2, output_tokens: 2},
			{input_tokens: 10, input_tokens_details: {cached_tokens: 4}, output_tokens: 2, total_tokens: 12},
			{output_tokens: 2}, {})
		| {output: "a", ideal: "a", usage: .}' >in
	status_is 0 ft-eval --json in
	[ "$(jq -c '.tokens | [.prompt, .completion, .total]' <<<"$output")" = '[10,2,12]' ]
}

@test "reasoning is scored only where asked, as it stands in the output or apart" {
	{
		echo '{"id":"1","output":"<think>it is no</think>yes","ideal":"yes"}'
		echo '{"id":"2","output":"yes","reasoning":"it is no","ideal":"yes"}'
		echo '{"id":"3","output":"<think>it is no</think>yes","reasoning":"it is no","ideal":"yes"}'
	} >in
	status_is 0 ft-eval -p -c exact -c no=includes:no -c two=words:1-1 in
	[ "$(jq -c .eval <<<"$output" | sort -u)" = '{"exact":1,"no":0,"two":1}' ]
	status_is 0 ft-eval -p --with-reasoning -c exact -c no=includes:no -c begins='starts:it is no' in
	[ "$(jq -c '[.eval.exact, .eval.no, .eval.begins]' <<<"$output" | paste -sd ' ')" = '[0,1,0] [0,1,1] [0,1,0]' ]
	status_is 0 ft-eval -p -c 'w=words:4-4' --with-reasoning in
	[ "$(jq .eval.w <<<"$output" | paste -sd ' ')" = '0 1 0' ]
}

@test "--choose cheapest names the cheapest group that meets every requirement, and exits 1 when none does" {
	{ rows dear "$(printf '1%.0s' {1..60})" | jq -c '.cost = 0.01'; rows cheap "$(printf '1%.0s' {1..60})" | jq -c '.cost = 0.001'
	  rows poor "$(printf '0%.0s' {1..60})" | jq -c '.cost = 0.0001'; rows unknown "$(printf '1%.0s' {1..60})"; } >in
	status_is 0 ft-eval --by model --choose cheapest --require 'exact>=0.9' in
	jq -se '.[] | select(.choose) | .group == {model: "cheap"}' <<<"$output"
	status_is 1 ft-eval --by model --choose cheapest --require 'exact>=0.99' in
	jq -se '.[] | select(.choose) | .group == null' <<<"$output"
	status_is 2 ft-eval --by model --choose cheapest in
	status_is 2 ft-eval --by model --choose best --require 'exact>=0.9' in
}

@test "--choose never names the earlier run, and a regression still ends with 1" {
	good=$(printf '1%.0s' {1..60})
	rows m "$good" | jq -c '.cost = 0.001' >right
	{ rows m "${good:0:50}"; rows m "${good:0:50}0000000000" | tail -n 10; } | jq -c '.cost = 0.001' >worse
	rows m "${good//1/0}" | jq -c '.cost = 0.001' >wrong
	status_is 1 ft-eval --baseline-file right --choose cheapest --require 'exact>=0.5' wrong
	jq -se '.[] | select(.choose) | .group == null' <<<"$output"
	status_is 1 ft-eval --baseline-file right --choose cheapest --require 'exact>=0.5' worse
	jq -se '.[] | select(.choose) | .group == {run: "now"}' <<<"$output"
	status_is 0 ft-eval --baseline-file right --choose cheapest --require 'exact>=0.5' right
	jq -se '.[] | select(.choose) | .group == {run: "now"}' <<<"$output"
}

@test "the Pareto front leaves out what another group beats" {
	{ rows good 1111 | jq -c '.cost = 0.01'; rows cheap 1100 | jq -c '.cost = 0.001'; rows beaten 1000 | jq -c '.cost = 0.002'; } >in
	status_is 0 ft-eval --by model in
	jq -se 'map({(.group.model): .pareto}) | add == {good: true, cheap: true, beaten: false}' <<<"$output"
	status_is 0 ft-eval --by model --table in
	[[ $output == *"Not beaten on exact, cost and latency together: good; cheap."* ]]
}

@test "break-even: the calls after which training is repaid" {
	{ rows big 1111 | jq -c '.cost = 0.004'; rows tuned 1111 | jq -c '.cost = 0.001'; } >in
	status_is 0 ft-eval --compare model --train-cost 30 in
	jq -se '.[] | select(has("break_even")) | .break_even == 10000 and .b == "tuned"' <<<"$output"
	status_is 0 ft-eval --compare model --baseline tuned --train-cost 30 in
	jq -se '.[] | select(has("break_even")) | .break_even == null' <<<"$output"
}

@test "advice follows the documented thresholds" {
	# shellcheck disable=SC2069 # standard error alone is what is wanted
	advice() { ft-eval "${@:2}" <(rows m "$1") 2>&1 >/dev/null || true; }
	good=$(printf '1%.0s' {1..100}) half=$(printf '10%.0s' {1..50}) few=$(printf '1000%.0s' {1..25})
	[[ $(advice "$good" --require 'exact>=0.9') == *"prompting is enough"* ]]
	[[ $(advice "$half" --require 'exact>=0.9') == *"worth fine-tuning: the task is possible"* ]]
	[[ $(advice "$few" --require 'exact>=0.9') == *"not yet shown to be possible"* ]]
	[[ $(advice "$few" --require 'exact>=0.5') == *"worth fine-tuning: the task is possible"* ]]
	[[ $(advice "${good:0:20}" --require 'exact>=0.9') == *"not decided"* ]]
	[[ $(ft-eval --require 'exact>=0.9' --require 'latency.p50<=1' <(rows m "$good" |
		jq -c '.latency = 3') 2>&1 >/dev/null) == *"worth fine-tuning: the quality is there"* ]]
	[ -z "$(advice "$good" --require 'latency.p50<=1')" ]
	# The group it is about is named, and nothing is said of how its answers came about.
	{ rows base "$few"; rows tuned "$half"; } >in
	status_is 1 ft-eval --compare model --require 'exact>=0.9' in
	[[ $stderr == *"ft-eval: tuned: worth fine-tuning: the task is possible"* ]]
	[[ $stderr != *"prompting does not"* ]]
}

@test "where exact fails on JSON that is equal, -c json is named" {
	printf '%s\n' '{"ideal":"{\"a\":1,\"b\":[2]}","output":"{ \"a\": 1, \"b\": [ 2 ] }\n"}' '{"ideal":"[1,2]","output":"[1, 2]"}' \
		'{"ideal":"{\"a\":1}","output":"{\"a\":2}"}' '{"ideal":"5","output":"5.0"}' >in
	status_is 1 ft-eval --require 'exact>=0.5' in
	[[ $stderr == *"exact: 2 of 4 answers"*"-c json"* ]]
	[[ $stderr == *"look at the check first: 2 answers"*"-c json"* ]]
	status_is 0 ft-eval -c json -c exact in
	jq -e '.metrics.json.mean == 0.75' <<<"$output"
	status_is 0 ft-eval -c not-exact in
	[[ $stderr != *"-c json"* ]]
}

@test "--baseline-file compares with an earlier run, ends with 1 where it got worse beyond doubt, and writes JUnit" {
	rows m "$(printf '1%.0s' {1..40})" >old
	{ rows m "$(printf '0%.0s' {1..10})"; rows m "$(printf '1%.0s' {1..40})" | tail -n 30; } >new
	status_is 1 ft-eval --baseline-file old --junit j.xml new
	jq -se '.[] | select(.metric) | .a == "baseline" and .b == "now" and .losses == 10 and .hi < 0' <<<"$output"
	[ "$(grep -c '<failure' j.xml)" -eq 11 ]
	grep -q '<testcase classname="exact" name="q3"><failure message="score 0, before 1">' j.xml
	status_is 0 ft-eval --baseline-file new --junit j.xml old
	[ "$(grep -c '<failure' j.xml)" -eq 0 ]
	# Names may hold what is no character of XML.
	for run in old new; do jq -c '.id = "\uffff\ufffe\u0001\n" + .id' $run >odd.$run; done
	status_is 1 ft-eval --baseline-file odd.old --require 'exact>=0.9' --junit odd.xml odd.new
	python3 -c 'import xml.etree.ElementTree as e
case = e.parse("odd.xml").find(".//testcase[@classname=\"exact\"][2]")
assert case.get("name") == "\ufffd\ufffd\ufffd\nq0"'
	status_is 0 ft-eval --baseline-file old --require 'exact>=0.5' old
	jq -se '[.[] | select(.require)] | length == 1' <<<"$output"
	head -n 39 old >short
	status_is 2 ft-eval --baseline-file old short
	[[ $stderr == *q39* ]]
}

# look N ... - what --sequential says of the first N rows of `log`.
look() { status_is "$1" ft-eval -q --sequential "${@:3}" <(head -n "$2" log); }

@test "--sequential: a gate may be asked after each row: met, missed, or go on with the rows that are likely needed" {
	rows m "$(printf '11111111111111111110%.0s' {1..60})" >log
	# Bounds by tests/fixtures/stats-betting.py: of 20 rows with one wrong.
	look 4 20 --require 'exact>=0.9'
	jq -se '(.[0].metrics.exact.lo - 0.634449 | fabs) < 1e-5 and (.[0].metrics.exact.hi - 0.999921 | fabs) < 1e-5
		and .[1].verdict == "go on" and .[1].more > 100' <<<"$output"
	more=$(jq -s '.[1].more' <<<"$output")
	# As many rows more of the same kind are enough, one in five fewer are not.
	look 0 $((20 + more / 20 * 20 + 20)) --require 'exact>=0.9'
	jq -se '.[1].verdict == "met" and (.[1] | has("more") | not)' <<<"$output"
	look 4 $((20 + more * 4 / 5 / 20 * 20)) --require 'exact>=0.9'
	look 1 1200 --require 'exact>=0.98'
	look 4 1200 --require 'exact>=0.95'
	jq -se '.[1].more == null' <<<"$output"
	look 0 1200 --require 'exact>0.9' --require 'exact<=0.98' --require 'errors<=0.02'
	for bad in 'latency.p50<=1' 'cost.total<=1' 'exact.majority>=0.5' 'exact.pass@2>=0.5' 'tokens.total<=9'; do
		look 2 20 --require "$bad"
		[[ $stderr == *"--sequential bounds rates and scores"* ]]
	done
	for bad in --point '--cluster id' '--bootstrap 100' '--pass-at 2' --labels; do
		# shellcheck disable=SC2086
		look 2 20 --require 'exact>=0.5' $bad
	done
	status_is 2 ft-eval --sequential <(head -n 2 log | jq -c '.sample = 0')
	[[ $stderr == *"one answer an input"* ]]
	# Profiles of shards hold all that is needed.
	split -n l/3 log shard.
	for f in shard.??; do ft-eval --profile $f; done >profiles
	status_is 0 ft-eval --sequential --merge --table --require 'exact>=0.92' profiles
	[[ $output == *"exact>=0.92"*" met"* ]]
	status_is 4 ft-eval --sequential --merge --table --junit j.xml --require 'exact>=0.945' profiles
	grep -qE 'go on \(about [0-9]+ rows more\)' <<<"$output"
	grep -qE '<error message="go on: .*\(about [0-9]+ rows more\)">' j.xml
	look 4 1200 --html page.html --require 'exact>=0.945'
	grep -qE 'go on \(about [0-9]+ rows more\)' page.html
}

@test "--sequential: fields and scores that are no rates are bounded at every row too" {
	jq -nc 'range(300) | {id: "\(.)", ideal: ({a: 1, b: 2} | tojson),
		output: ({a: 1, b: (if . % 4 == 0 then 3 else 2 end)} | tojson)}' >log
	look 0 300 -c json-fields --require 'json-fields>=0.8' --require 'json-fields.a>=0.95' --require 'json-fields.b<=0.9'
	jq -se '.[0].metrics["json-fields"] | .mean == 0.875 and .lo > 0.8 and .hi < 0.93 and .fields.b.lo > 0.6' <<<"$output"
	look 4 30 -c json-fields --require 'json-fields.a>=0.95'
	jq -se '.[1].more > 50 and .[1].more < 150' <<<"$output"
}

@test "--sequential --baseline-file: worse, not worse or go on, while the later run has not come to all rows" {
	printf -v good '1%.0s' {1..400}
	rows m "$good" >old
	rows m "$(printf '1111011111%.0s' {1..40})" >log
	look 4 20 --baseline-file old
	jq -se '.[2] | .n == 20 and .verdict == "go on" and .more > 20 and .test == "betting" and .p > 0.05' <<<"$output"
	more=$(jq -s '.[2].more' <<<"$output")
	look 1 $((30 + more)) --baseline-file old --junit j.xml
	jq -se '.[2] | .verdict == "worse" and .p <= 0.05 and .hi < 0' <<<"$output"
	grep -q '<failure' j.xml
	# A tenth is within the margin of a fifth, and beyond doubt so in the end.
	look 4 20 --baseline-file old --margin 0.2
	look 0 400 --baseline-file old --margin 0.2 --junit j.xml
	jq -se '.[2] | .verdict == "not worse" and .lo > -0.2 and .p <= 0.05' <<<"$output"
	run ! grep -qE '<failure|<error' j.xml
	# What never differs goes on without a margin, and not for long with one.
	look 4 400 --baseline-file log
	jq -se '.[2] | .more == null and .p == 1' <<<"$output"
	look 0 400 --baseline-file log --margin 0.02
	# One alpha for all checks.
	# shellcheck disable=SC2046
	look 4 $((30 + more)) $(checks 10) --baseline-file old
	jq -se '.[2] | .verdict == "go on" and .p <= 0.05 and .p_adj > 0.05' <<<"$output"
	# Rows that the earlier run lacks, and without --sequential rows that the later one lacks, are refused.
	status_is 2 ft-eval --sequential --baseline-file <(head -n 10 old) log
	status_is 2 ft-eval --baseline-file old <(head -n 20 log)
	status_is 2 ft-eval --sequential --margin 0.1 log
	status_is 2 ft-eval --margin 0.1 --baseline-file old log
}

# checks N NAME - options for N checks, the first of them exact, the others the same on every row.
checks() {
	printf -- '-c exact'
	for ((i = 1; i < $1; i++)); do printf ' -c c%d=words:0-9' "$i"; done
}

@test "--baseline-file shares one alpha among all checks and groups: exit 1 and the printed p agree, and so does JUnit" {
	rows m 11111111111111111111 >old
	rows m 00000011111111111111 >new
	# binomtest(0, 6).pvalue = 2/64 = 0.03125, below 0.05 alone; Holm's factors 2 and 10 lift it above.
	status_is 1 ft-eval --baseline-file old --junit j.xml new
	jq -se '.[2] | .p == 0.03125 and .p_adj == 0.03125 and .verdict == "worse"' <<<"$output"
	[ "$(grep -c '<failure' j.xml)" -eq 7 ]
	for n in 2 10; do
		# shellcheck disable=SC2046
		status_is 0 ft-eval $(checks "$n") --baseline-file old --junit j.xml new
		jq -se --argjson n "$n" '.[2]
			| .p == 0.03125 and .p_adj == 0.03125 * $n and .hi < 0 and .verdict == "not worse"' <<<"$output"
		run ! grep -q '<failure' j.xml
		grep -q '<testcase classname="exact" name="q3">' j.xml
	done
	for f in old new; do { cat $f; jq -c '.lang = "de" | .output = "yes"' $f; } >two.$f; done
	status_is 0 ft-eval --by lang --baseline-file two.old two.new
	jq -se '[.[] | select(.metric) | .p_adj] == [0.0625, 1]' <<<"$output"
	# Side by side, groups are only compared.
	jq -c '.model = "n"' new >other
	status_is 0 ft-eval --compare model --junit j.xml old other
	run ! grep -q '<failure' j.xml
	# Of groups one of which was chosen, the others' misses fail nothing.
	{ rows dear "$(printf '1%.0s' {1..60})"; rows poor "$(printf '0%.0s' {1..60})"; } | jq -c '.cost = 0.1' >in
	status_is 0 ft-eval --by model --choose cheapest --require 'exact>=0.9' --junit j.xml in
	run ! grep -q '<failure' j.xml
	status_is 1 ft-eval --by model --choose cheapest --require 'exact>=0.99' --junit j.xml in
	grep -q '<failure' j.xml
}

@test "bootstrap intervals and the permutation test are seeded" {
	jq -nc 'range(60) as $i | ("a", "b") as $m
		| {id: "\($i)", model: $m, ideal: "one two three four", output: (if $m == "a" then "one two" elif $i % 3 == 0
				then "one two three four" else "one" end)}' >in
	status_is 0 ft-eval --bootstrap 2000 -c f1 --compare model in
	one=$output
	jq -se '.[2].test == "permutation" and .[2].lo < .[2].diff and .[2].p <= 1' <<<"$output"
	status_is 0 ft-eval --bootstrap 2000 -c f1 --compare model -j 3 in
	[ "$one" = "$output" ]
	status_is 0 ft-eval --bootstrap 2000 --seed 7 -c f1 --compare model in
	[ "$one" != "$output" ]
}

@test "the HTML report holds figures, plots and rows, fetches nothing, and has no script error" {
	{ rows a 1111100000; rows b 1111111110; } | jq -c '.messages = [{role: "user", content: "<script>alert(1)</script> & \(.id)"}]
		| .latency = 0.2' >in
	status_is 0 ft-eval --compare model --labels --html report.html --require 'exact>=0.2' in
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt; &amp; q0' report.html
	run ! grep -qE 'src=|https?://|@import|url\(|unsafe-inline|style=' report.html
	grep -q '20 rows in in · ft ' report.html
	grep -qF "<code>ft-eval --compare model --labels --html report.html --require 'exact&gt;=0.2' in</code>" report.html
	[ "$(grep -c '<svg' report.html)" -ge 3 ]
	[ "$(grep -c 'data-differ' report.html)" -ge 4 ]
	command -v chromium >/dev/null || skip "no chromium here; the page was checked without it"
	timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$TMP/chromium" --enable-logging=stderr \
		--dump-dom "file://$PWD/report.html" >dom 2>log
	grep -q '10 of 10 rows' dom
	run ! grep CONSOLE log
}

@test "a baseline that no pair holds is refused in every form" {
	echo '{"id":"1","a":{"model":"x","output":"1"},"b":{"model":"y","output":"2"},"judge":{"winner":"A"}}' >in
	for form in --json --table --markdown; do
		status_is 2 ft-eval "$form" --compare .model --baseline zzz in
		[[ $stderr == *"no pair holds an answer of the model 'zzz'"* && -z $output ]]
		status_is 0 ft-eval "$form" --compare .model --baseline y in
	done
}

@test "profiles of shards, merged in any order, give the figures of the whole byte for byte" {
	jq -nc 'range(900) | {id: "\(.)", model: "m\(. % 2)", ideal: ({a: 1, b: "x"} | tojson), latency: (. * 0.001 + 0.1),
			cost: (. * 0.00001), usage: {prompt_tokens: ., completion_tokens: 2, total_tokens: (. + 2)},
		output: (if . % 3 == 0 then ({a: 1, b: "y"} | tojson) elif . % 7 == 0 then "none" else ({a: 1, b: "x"} | tojson) end)}' >in
	sed -n '0~50s/"output".*/"error":{"type":"timeout"}}/;p' in >mixed
	options=(-q -c exact -c json-fields -c f1 --by model)
	ft-eval "${options[@]}" mixed >whole
	for i in 0 1 2; do awk "NR % 3 == $i" mixed | ft-eval "${options[@]}" --profile >"p$i"; done
	for order in "p0 p1 p2" "p2 p0 p1"; do
		# shellcheck disable=SC2086
		ft-eval -q --merge $order | jq -cS . | sort >merged
		jq -cS . whole | sort | cmp - merged
	done
	status_is 2 ft-eval -q --merge --require 'f1>=0.99' p0 p1 p2
	ft-eval "${options[@]}" --errors drop --profile mixed >dropped
	status_is 1 ft-eval -q --merge --require 'f1>=0.99' dropped
	status_is 2 ft-eval -q --merge p0 dropped
	status_is 2 ft-eval --merge in
	[[ $stderr == *"in:1: this is no profile"* ]]
	ft-eval -q --profile in >other
	status_is 2 ft-eval --merge p0 other
	[[ $stderr == *"other checks"* ]]
	status_is 2 ft-eval --profile --compare model in
	status_is 2 ft-eval --profile <(jq -c '.sample = 0' in)
	[[ $stderr == *"a profile holds no rows"*sample* && -z $output ]]
	status_is 2 ft-eval --profile <(echo '{"a":{"model":"x","output":"1"},"b":{"model":"y","output":"2"},"judge":{"winner":"A"}}')
	[[ $stderr == *"a profile holds no rows"*pairs* && -z $output ]]
	status_is 2 ft-eval --merge -c exact p0
}

@test "options are refused outside their mode, and where they exclude each other" {
	echo '{"id":"1","ideal":"x","output":"x"}' >in
	while read -r option others; do
		# shellcheck disable=SC2086
		status_is 2 ft-eval $others in
		[[ $stderr == *"${option//./ }"* ]]
	done <<-EOF
		--baseline.goes.with.--compare --baseline x
		--diff.goes.with.--compare.or.--baseline-file --diff
		--train-cost.goes.with.--compare --train-cost 0
		--choose.goes.with.--require --choose cheapest
		--baseline-file.does.not.go.with.--compare --baseline-file in --compare .id
		--compare.does.not.go.with.--profile:.a.profile.holds.no.rows --compare .id --profile
		--html.does.not.go.with.--merge --html x --merge
		--cluster.does.not.go.with.--profile --cluster .id --profile
		--labels.does.not.go.with.--profile --labels --profile
		--criterion.does.not.go.with.--merge --criterion exact --merge
		--by.does.not.go.with.--merge --by .id --merge
		--errors.does.not.go.with.--merge --errors drop --merge
		--json.does.not.go.with.--table --table --json
		--markdown.does.not.go.with.--json --markdown --json
		--pass-through.does.not.go.with.--markdown -p --markdown
		--pass-through.does.not.go.with.--profile -p --profile
	EOF
}
