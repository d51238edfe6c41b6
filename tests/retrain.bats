# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load notes

# Models are played by two scripts: "fit" writes down the years that it is shown, "ask" reads a note as
# it should be read, but writes the last year that it knows where it does not know the note's.
models() {
	cat >fit <<'S'
#!/bin/bash
# fit -m BASE [-a ADAPTER] [--full] -o DIR [--estimate] FILE
while [ $# -gt 1 ]; do
	case $1 in
	-o) out=$2 && shift ;;
	-m | -a) from=$2 && shift ;;
	--epochs | --lr) shift ;;
	--full) full=1 ;;
	--estimate) estimate=1 ;;
	esac
	shift
done
[ ! "$estimate" ] || exec echo '{"seconds": 1}'
cd "$(dirname "$0")"
echo "$from $full" >>trained
mkdir -p "$out"
[ ! "$full" ] || echo '{}' >"$out/config.json"
echo '{"end": "done", "seconds": 1}' >"$out/metrics.jsonl"
years=$(jq -r 'select(.split != "valid") | .messages[-1].content | fromjson | .due_date[:4]' "$1" | sort -u)
# Some forget, and some learn nothing new.
[ ! -e forget ] || years=${years: -4}
[ ! -e stay ] || [[ $from != *model* ]] || years=${years:0:4}
echo "$years" >"$out/years"
S
	cat >ask <<'S'
#!/bin/bash
# ask -m BASE [-a DIR] FILE
while [ $# -gt 1 ]; do
	case $1 in -m | -a) dir=$2 && shift ;; esac
	shift
done
jq -c --arg years "$(paste -sd, "$dir/years")" '($years / ",") as $known | (.messages[0].content
	| capture("Received (?<year>....).*pay (?<amount>[0-9.]+) (?<currency>...) by (?<day>..).(?<month>..)")) as $x
	| .output = ({amount: ($x.amount | tonumber), currency: $x.currency,
		due_date: "\(if $known | index($x.year) then $x.year else $known | last end)-\($x.month)-\($x.day)"} | tojson)' "$1"
S
	chmod +x fit ask
}

# state - a model of 2023 in service.
state() {
	models
	mkdir state
	notes 300 1 2023 12 >state/train.jsonl
	notes 160 2 2023 12 >state/test.jsonl
	./fit -m none -o state/model-0 state/train.jsonl
	ln -s model-0 state/model
	export FIT=$TMP/fit ASK=$TMP/ask RECIPES=$TMP/recipes
	echo 'service 0.5 --epochs 1' >recipes
	rm -f trained
}

# asked N SEED YEAR - what is asked in a January, with the answers of the model in service, in asked.jsonl; right.jsonl has the right ones.
asked() {
	notes "$1" "$2" "$3" 1 >right.jsonl
	./ask -a state/model right.jsonl | jq -c '.messages |= .[:1]' >asked.jsonl
}

retrain() {
	"$ROOT/examples/retrain/retrain" "$@"
}

night() {
	retrain state none asked.jsonl
}

# people WRONG RIGHT [N] - somebody who finds all rows that wait (or N) wrong, for WRONG should be RIGHT.
people() {
	need_terminal
	local rows=${3:-$(cat state/now/asked/learn.jsonl state/now/asked/measure.jsonl | wc -l)}
	printf '#!/bin/sh\nsed -i "s/due_date\\(.*\\)%s-/due_date\\\\1%s-/" "$1"\n' "$1" "$2" >editor
	chmod +x editor
	printf "%${rows}sq" '' | tr ' ' f | VISUAL=$TMP/editor timeout 60 script -qec \
		"$ROOT/examples/retrain/retrain review state --tty --as anna" /dev/null >screen.txt 2>&1
}

@test "retrain: three worlds: it drifts, waits for people, promotes, rests, drifts again, refuses what is bad, and goes back" {
	state
	asked 60 3 2023
	status_is 0 night
	[[ $output == "No drift: nothing to do." ]]
	[ "$(readlink state/model)" = now/model ]
	# Members that one side alone has are no news: of a log without dates, and with what no training row says.
	jq -c '.channel = "web" | del(.created)' asked.jsonl >log.jsonl
	status_is 0 retrain state none log.jsonl
	[[ $output == "No drift: nothing to do." ]]

	asked 130 4 2024
	status_is 4 night
	[[ $output == *"Drift at "*"name 2024"*"it has 2023 only"*"Waiting for people: 98 rows, 60 that show what is new and 38 drawn"* ]]
	[[ $output == *"0 rows to learn from, of at least 30, and 0 to measure by, of about 35: so many decide exact>=0.9"* ]]
	people 2023 2024 40
	status_is 4 night
	[[ $output =~ far:\ ([0-9]+)\ rows\ to\ learn\ from.*and\ ([0-9]+)\ to\ measure ]]
	[ $((BASH_REMATCH[1] + BASH_REMATCH[2])) -eq 40 ]
	[ ! -e trained ]
	people 2023 2024 58
	status_is 0 night
	[[ $output == *"in service is right on 0 % of 38 new rows"*"On the new ones: exact>=0.9 met, 100 %"* ]]
	[[ $output == *"Promoted."*"In service: 0001."* ]]
	[ "$(cat state/model/years)" = $'2023\n2024' ]
	# Every row that was judged is learned from or tested on, beside all that were before.
	[ "$(jq -r .split state/0001/new.jsonl | grep -c test)" -eq 38 ]
	jq -es 'length == 98 and all(.messages[1].content | contains("2024-"))' state/0001/new.jsonl
	[ "$(wc -l <state/now/rows.jsonl)" -eq 558 ]
	grep -q '^Drift at' state/now/why.txt
	[ "$(grep -c verdict state/0001/journal.jsonl)" -eq 98 ]

	# The same night again, another one of this world, a mixture of both, and the old world again.
	status_is 0 night
	[[ $output == "Nothing was asked that generation 0001 has not seen: nothing to do." ]]
	asked 130 5 2024
	status_is 0 night
	[[ $output == "No drift: nothing to do." ]]
	asked 60 6 2023
	status_is 0 night
	[[ $output == *"it is the world of generation 0000 again"* ]]

	asked 130 7 2025
	status_is 4 night
	[[ $output == *"name 2025"*"it has 2024 only"* ]]
	people 2024 2025
	touch forget
	status_is 1 night
	[[ $output == *"On the old test rows, candidate against in service: exact -"*"Refused: "*"The model in service stays."* ]]
	[ "$(readlink state/now)" = 0001 ]
	[ "$(cat state/0002/decided)" = refused ]
	# It is not tried again with the same rows; more are asked for.
	rm forget trained
	status_is 4 night
	[[ $output == *"generation 0002 was made, which was refused: it takes more"*"Waiting for people: "* ]]
	[ ! -e trained ]

	status_is 0 retrain rollback state
	[ "$(cat state/model/years)" = 2023 ]
	[ "$(cat state/0001/decided)" = "rolled back" ]
	status_is 2 retrain rollback state
	[[ $stderr == *"no other model was in service before generation 0000"* ]]
	asked 130 4 2024
	status_is 4 night
	[[ $output == *"generation 0001 was made, which was rolled back: it takes more"* ]]
	status_is 0 retrain history state
	[[ $output == *"0000: In service before"*", in service"*"0001: rolled back"*"Rolled back to 0000"*"0002: refused"* ]]
}

@test "retrain: right answers that came by themselves: too few are waited for, and the choice of the recipe is measured" {
	state
	asked 130 3 2024
	head -n 40 right.jsonl >few.jsonl
	LABELS=few.jsonl status_is 4 night
	[[ $output == *"Waiting for more in few.jsonl"*" rows to learn from, of at least 1, and "*" to measure by, of about 35"* ]]
	[ ! -e state/0000/asked/learn.jsonl ] || [ ! -s state/0000/asked/learn.jsonl ]
	[ ! -e trained ]
	# Whoever goes on from the model in service learns nothing here.
	touch stay
	printf '%s\n' '# what is tried' 'service 0.5 --epochs 1' 'base - --epochs 2' >recipes
	LABELS=right.jsonl status_is 0 night
	[[ $output == *"Recipe 1: right on 50 % of the validation rows (old 100 % of "*", new 0 % of "* ]]
	[[ $output == *"Recipe 2: right on 100 % of the validation rows"*"Promoted."* ]]
	[ "$(cat state/model/years)" = $'2023\n2024' ]
	jq -se 'map(select(.recipe)) | length == 2 and .[1].right == 1 and all(.seconds == 1)' state/now/figures.jsonl
	# Time is heeded.
	asked 160 4 2025
	HOURS=0 LABELS=right.jsonl status_is 1 night
	[[ $output == *"Recipe 2, base - --epochs 2: about 1 s."*"Left out: with it the night would be longer than 0 hours."* ]]
	[[ $output == *"Training 1 candidates"*"Refused"* ]]
}

# log FILE - the records as ft-serve's log holds such calls, with a candidate in shadow, a call that failed
# and one that somebody liked.
log() {
	jq -c '. as $r | .messages as $m | {id, time: "2024-01-09T10:00:00.000Z", route: "payments", target: "big", session: "s\(.id)",
			messages: $m[:1], output, model: "big", latency: 0.1, usage: {total_tokens: 9}, routes_hash: "0123456789abcdef"}
		| ., (. + {shadow: true, model: "tuned", output: "not this"})' "$1"
	jq -c 'limit(1; .) | {id: "failed", route: "payments", messages: .messages[:1], model: "big", error: {type: "timeout"},
		routes_hash: "0123456789abcdef"}' "$1" | head -n 1
	jq -c '{id, feedback: {value: true}}' "$1" | head -n 1
}

@test "retrain: ft-serve's log is traffic; what was booked is learned, and the routes name what is promoted and what is put back" {
	state
	# Rows that came from a log have no date of their own, and some carry what a log says of each call.
	sed -i -E 's/"created":"[^"]*",//' state/*.jsonl
	jq -c '. + {time: "2023-05-05T10:00:00.000Z", latency: 9, model: "old", usage: {total_tokens: 1}, cost: 3, routes_hash: "0"}' \
		state/train.jsonl >state/carried
	mv state/carried state/train.jsonl
	asked 130 3 2024
	mkdir log
	log <(head -n 70 asked.jsonl) >log/2024-01-09.jsonl
	log <(tail -n 60 asked.jsonl) >log/2024-01-10.jsonl
	# What was booked comes on another day than its calls.
	jq -c '{id, feedback: {}, ideal: .messages[-1].content}' right.jsonl >log/2024-01-11.jsonl
	jq -n '{routes: {payments: {targets: [{model: "big", url: "http://127.0.0.1:9/v1", weight: 95},
		{name: "tuned", model: "./old", weight: 5}], shadow: [{name: "tuned", model: "./old"}],
		fallback: [{model: "big"}]}}}' >routes.json
	cp routes.json before.json
	export ROUTES=$TMP/routes.json RELOAD="echo x >>$TMP/reloaded"
	# What ft-serve would refuse does not get into the file, and nothing is trained for it.
	jq '.odd = 1' before.json >routes.json
	status_is 2 retrain state ./none log/*.jsonl
	[[ $stderr == *"ft-serve does not take the routes"* ]]
	[ ! -e trained ]
	cp before.json routes.json
	status_is 0 retrain state ./none log/*.jsonl
	[[ $output == *"Drift at "*2024*"Promoted."* ]]
	[[ $output != *"missing in"* ]]
	[ "$(wc -l <reloaded)" -eq 1 ]
	cmp before.json routes.json.before
	jq -e --arg to "$(realpath state/model)" '.routes.payments | .targets[0].weight == 95 and (.targets[1] | .name == "tuned"
		and .weight == 5 and .adapter == $to and .model == "./none") and .shadow == []' routes.json
	# None of the log's book-keeping is in what is learned, nothing that was in shadow or failed in the reference.
	jq -es 'length > 100 and all((keys - ["id", "messages", "split"]) == [])' state/0001/new.jsonl
	[ "$(wc -l <state/0001/reference.jsonl)" -eq 130 ]
	status_is 0 retrain rollback state
	jq -e --arg to "$(realpath state/model-0)" '.routes.payments.targets[1].adapter == $to' routes.json
	[ "$(wc -l <reloaded)" -eq 2 ]
}

@test "retrain: routes: a model of its own, a route by name, and what is refused" {
	routes() {
		jq --arg route "${2:-}" --argjson weight 1 --arg base none --arg to to --argjson whole true \
			-f "$ROOT/examples/retrain/routes.jq" <<<"$1"
	}
	two='{"routes": {"a": {"targets": [{"model": "big", "url": "http://127.0.0.1:9/v1", "weight": 95}]},
		"b": {"targets": [{"model": "big"}]}}, "default": "b"}'
	# Nobody of this machine yet: beside the others.
	status_is 0 routes "$two" a
	jq -e '.routes.a.targets[1] == {model: "to", weight: 1}' <<<"$output"
	status_is 5 routes "$two" c
	[[ $stderr == *"no route is called c"* ]]
	status_is 5 routes "$(jq '.routes.a.targets += [{model: "./other"}, {model: "./third"}]' <<<"$two")" a
	[[ $stderr == *"several models of this machine"* ]]
	status_is 5 routes "$(jq 'del(.default)' <<<"$two")"
	[[ $stderr == *"ROUTE="* ]]
}

@test "retrain: people's verdicts outlive clean, and count when other rows come" {
	state
	asked 130 3 2024
	status_is 4 night
	people 2023 2024
	# Half of them are known from where they were kept before.
	tail -n 49 state/journal.jsonl >state/run/journal.jsonl
	head -n 49 state/journal.jsonl >some
	mv some state/journal.jsonl
	status_is 0 retrain clean state
	[ ! -e state/run ]
	[ "$(grep -c verdict state/journal.jsonl)" -eq 98 ]
	status_is 0 make -s -C "$ROOT/examples/retrain" clean STATE="$TMP/state"
	[ "$(grep -c verdict state/journal.jsonl)" -eq 98 ]
	asked 130 4 2024
	status_is 0 make -s -C "$ROOT/examples/retrain" STATE="$TMP/state" BASE=none TRAFFIC="$TMP/asked.jsonl"
	[[ $output == *"of 38 new rows"*"Promoted."* ]]
}

@test "retrain: a drift that does no harm, and a gate that needs more rows" {
	state
	asked 130 3 2023
	jq -c '.messages[0].content |= "Hello! \(.) Thank you, kind regards, yours."' right.jsonl >right
	jq -c '.messages[0].content |= "Hello! \(.) Thank you, kind regards, yours."' asked.jsonl >hello
	LABELS=right status_is 0 retrain state none hello
	[[ $output == *"Drift at "*"in service is right on 100 % of"*"it stays"*"In service: 0001."* ]]
	[ "$(cat state/0001/decided)" = kept ]
	[ state/0001/model -ef state/model-0 ]
	[ ! -e trained ]
	# Right on about nineteen of twenty: more than 0.9, and not shown by so few.
	asked 130 4 2024
	sed 's/jq -c/jq -c --arg dir "$dir"/
		s/| tojson)/| tojson | if ($dir | test("candidates")) and test("2024-01-19") then "?" else . end)/' ask >almost
	chmod +x almost
	ASK=$TMP/almost LABELS=right.jsonl status_is 4 night
	[[ $output == *"exact>=0.9 inconclusive, 9"*"so few rows do not show it"*"to measure by, of about "[1-9][0-9][0-9]* ]]
	[ "$(readlink state/now)" = 0001 ]
}

@test "retrain: what cannot work is refused before anything is trained" {
	state
	asked 130 3 2024
	export LABELS=right.jsonl
	GATE='exactly>=0.9' status_is 2 night
	[[ $stderr == *exactly* ]]
	GATE='exact>=1' status_is 2 night
	[[ $stderr == *"no number of rows can show exact>=1"* ]]
	MEASURE=20 status_is 2 night
	[[ $stderr == *"MEASURE=20 rows cannot show exact>=0.9"*"it takes 35"* ]]
	WORSE=0.01 status_is 2 night
	[[ $stderr == *"old test rows cannot show"*"it takes 381."* ]]
	echo 'nowhere 0.5 --epochs 1' >recipes
	status_is 2 night
	[[ $stderr == *"from service or base, not from 'nowhere'"* ]]
	echo 'base half --epochs 1' >recipes
	status_is 2 night
	[[ $stderr == *"'half' is no share of the loss"* ]]
	echo 'base 0.5 --epochs 1' >recipes
	sed -i 's/.*estimate" \].*/[ ! "$estimate" ] || { echo "no such option" >\&2; exit 2; }/' fit
	status_is 2 night
	[[ $stderr == *"no such option"*"recipe 1 of "*" cannot work: base 0.5 --epochs 1"* ]]
	[ ! -e trained ]
	status_is 2 retrain state '' asked.jsonl
	status_is 2 retrain state none
	status_is 2 retrain nowhere none asked.jsonl
	status_is 2 retrain
	[[ $stderr == *"Exit status: 0 nothing to do"* ]]
	# One at a time.
	exec 8>state/lock
	flock 8
	status_is 2 night
	[[ $stderr == *"another run is at work"* ]]
	exec 8>&-
}

@test "retrain: a whole model makes whole candidates" {
	state
	echo '{}' >state/model-0/config.json
	asked 130 3 2024
	printf '%s\n' 'service - --epochs 1' 'base - --epochs 1' >recipes
	LABELS=right.jsonl status_is 0 night
	[ -e state/model/config.json ]
	[ "$(grep -c ' 1$' trained)" -eq 2 ]
	grep -q '^none ' trained
	[ "$(cat state/model/years)" = $'2023\n2024' ]
	asked 130 4 2024
	status_is 0 night
	[[ $output == "No drift: nothing to do." ]]
}
