# shellcheck shell=bash
# people: which rows they judge, what is known once they have, and how many it takes. Sourced by retrain.

# gather - all that is known of the new world: what people judged, what was booked, and LABELS. Sets $measured and $learned.
gather() {
	touch "$now/asked/"{learn.jsonl,measure.jsonl,earlier.jsonl,raw,drawn}
	renew
	{
		judged "$now/asked/measure.jsonl" | jq -c '.split = "test"'
		judged "$now/asked/learn.jsonl" | sides 75:25:0
		judged "$now/asked/earlier.jsonl" | sides 75:25:0
		cat "$run/booked.jsonl" "${labels[@]}" | sides 50:15:35
	} >"$run/known.jsonl"
	# Each input once, and none of which the model in service was made.
	jq -nc --slurpfile have "$now/rows.jsonl" -f "$here/fresh.jq" "$run/known.jsonl" >"$run/new.jsonl"
	side test "$run/new.jsonl" >"$run/new-test.jsonl"
	measured=$(count "$run/new-test.jsonl")
	learned=$(($(count "$run/new.jsonl") - measured))
}

# renew - rows that were drawn from another world than tonight's do not measure what is now: all that were asked about are to learn from, and
# others are drawn.
renew() {
	unasked <"$run/traffic.jsonl" >"$run/ask"
	[ -s "$now/asked/drawn" ] && [ -s "$run/ask" ] || return 0
	answer "${drift[@]}" --json -r "$now/asked/drawn" "$run/ask" >"$run/renew"
	[ $answer -eq 1 ] || return 0
	say 'The world has moved on since rows were drawn to measure by: these are to learn from now.'
	cat "$now/asked/"{learn,measure}.jsonl >>"$now/asked/earlier.jsonl"
	rm -f "$now/asked/"{learn.jsonl,measure.jsonl,drawn,want}
	touch "$now/asked/"{learn.jsonl,measure.jsonl,drawn}
}

# judged FILE - of the rows that people were asked about those they have judged, with what they made of the answers.
judged() {
	answer=0
	ft-review -q --apply "$journal" "$1" >"$run/applied.jsonl" || answer=$?
	[ $answer -eq 0 ] || [ $answer -eq 3 ] || die "the verdicts in $journal cannot be used"
	jq -c 'select(.review) | del(.review)' "$run/applied.jsonl"
}

# sides RATIO - standard input with the side of each row, by its hash: the same every night.
sides() {
	jq -c 'del(.split)' >"$run/to-split"
	[ ! -s "$run/to-split" ] || ft-split -q --ratio "$1" "$run/to-split"
}

# plan - sets $want, how many new rows decide GATE, by the rule of ft-eval(1) for a candidate that is right there as often as the model in
# service is on the old test rows; $fewest, without which nothing can; $least, how many to learn from.
plan() {
	side test "$now/rows.jsonl" >"$run/old-test.jsonl"
	[ -s "$run/old-test.jsonl" ] || die "there are no test rows in $now/rows.jsonl"
	answers "$now/model" "$run/old-test.jsonl" >"$run/old-service.jsonl"
	jq -c '.output = .messages[-1].content | .tool_calls = .messages[-1].tool_calls' "$run/old-test.jsonl" >"$run/perfect.jsonl"
	answer evaluate --require "$gate" "$run/perfect.jsonl" >"$run/perfect"
	[ $answer -ne 1 ] || die "the references themselves miss $gate: set CHECK or GATE"
	fewest=$(figure 'if .value == null then 1 else .rows_needed // 0 end' "$run/perfect")
	[ "$fewest" -gt 0 ] || die "no number of rows can show $gate: set GATE"
	answer evaluate --require "$gate" "$run/old-service.jsonl" >"$run/old-service.figures"
	IFS=: read -r was_right want < <(figure "\"\(.value | pc):\(.rows_needed // $fewest)\"" "$run/old-service.figures")
	answer evaluate --point --require "$gate" "$run/old-service.jsonl" >/dev/null
	[ $answer -eq 0 ] || want=$fewest
	[ ! -e "$now/asked/want" ] || want=$(cat "$now/asked/want")
	want=${MEASURE:-$((want > 400 ? 400 : want < fewest ? fewest : want))}
	[ "$want" -ge "$fewest" ] || die "MEASURE=$want rows cannot show $gate, were they all right: it takes $fewest"
	least=1
	[ ${#labels[@]} -gt 0 ] || [ -s "$run/booked.jsonl" ] || least=$(((look + 1) / 2))
}

# wait_for_rows - says what is waited for, and ends the night.
wait_for_rows() {
	local learn measure
	if [ ${#labels[@]} -eq 0 ]; then
		ask_people
		learn=$(count "$now/asked/learn.jsonl") measure=$(count "$now/asked/measure.jsonl")
		say "Waiting for people: $((learn + measure)) rows, $learn that show what is new and $measure drawn at random, which tell how good a model is: $here/retrain review $state"
		[ "$measure" -ge "$want" ] || say 'The traffic has too few rows for that: name more days of it, or wait for the next.'
	else
		say "Waiting for more in ${labels[*]}; 35 of 100 rows are kept to measure by."
	fi
	say "Known so far: $learned rows to learn from, of at least $least, and $measured to measure by, of about $want: so many decide $gate for a candidate that is right as often as the model in service was before, $was_right. Fewer than $fewest cannot, were they all right."
	exit 4
}

# ask_people - sees to it that as many rows as are wanted wait for people. A candidate that failed asks for more to learn from.
ask_people() {
	local n=$((look * (1 + $(failed | wc -l)) - $(count "$now/asked/learn.jsonl")))
	if [ $n -gt 0 ]; then
		moved "$now/reference.jsonl" "$run/traffic.jsonl" --rows $((n + $(count "$now/asked/raw"))) >"$run/telling"
		jq -c 'del(.drift)' "$run/telling" | unasked | awk "NR <= $n" >"$run/ask"
		propose "$now/asked/learn.jsonl"
	fi
	n=$((want * 11 / 10 - $(count "$now/asked/measure.jsonl")))
	if [ $n -gt 0 ]; then
		unasked <"$run/traffic.jsonl" | shuf -n $n --random-source=<(yes) >"$run/ask"
		propose "$now/asked/measure.jsonl"
		cat "$run/ask" >>"$now/asked/drawn"
	fi
}

# unasked - the rows of standard input about which nobody was asked yet.
unasked() {
	grep -vxFf "$now/asked/raw" || [ $? -eq 1 ]
}

# propose FILE - the rows in run/ask wait there, however the traffic goes on; the answer that each got is the proposal, else the answer that
# the model in service gives.
propose() {
	jq -c 'select(.output or .tool_calls)' "$run/ask" >"$run/answered"
	jq -c 'select(.output or .tool_calls | not)' "$run/ask" >"$run/unanswered"
	[ ! -s "$run/unanswered" ] || answers "$now/model" "$run/unanswered" >>"$run/answered"
	jq -c '.messages += [{role: "assistant", content: (.output // ""), tool_calls} | with_entries(select(.value != null))]
		| {id, messages, tools, response_format} | with_entries(select(.value != null))' "$run/answered" >>"$1"
	cat "$run/ask" >>"$now/asked/raw"
}
