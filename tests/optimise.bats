#!/usr/bin/env bats
# examples/optimise: a search over prompts, with a stub for the model, which answers right only where the
# prompt says certain things or shows an example, and for the proposer, which finds them now and then.

load helper

# mails N - N of them, of four kinds; the right answer names the kind.
mails() {
	jq -nc --argjson n "$1" '{invoice: "billing", parcel: "delivery", password: "account", jacket: "returns"} as $kinds
		| range($n) | . as $i | (["invoice", "parcel", "password", "jacket"] | .[($i * 7919 + 13) % 97 % 4]) as $word
		| {id: "m\($i)", messages: [{role: "user", content: "Mail \($i): about my \($word), \($i * 37 % 1009)"},
			{role: "assistant", content: $kinds[$word]}]}' >mails.jsonl
}

# teachable RATE - three kinds are known from a sentence of the prompt, which the proposer finds at this rate
# where it is shown such a mail; the fourth from an example, and no sentence helps. Without, one in four
# is guessed.
teachable() {
	jq -nc --argjson rate "$1" '
		def found($word; $rule): {match: "You improve the prompt", last: $word, quote: "prompt", $rate, reply: "\($rule)\n"};
		def knows($rule; $word; $kind): {match: $rule, last: $word, reply: $kind, rate: 0.97};
		def guesses($word; $kind): {match: "", last: $word, reply: $kind, rate: 0.25};
		found("invoice"; "Billing is what is owed."), found("parcel"; "Delivery is what is on its way."),
		found("password"; "Account is what is logged in to."),
		{match: "You improve the prompt", quote: "prompt", reply: "Be careful.\n"},
		knows("what is owed"; "invoice"; "billing"), knows("on its way"; "parcel"; "delivery"),
		knows("logged in to"; "password"; "account"), knows("returns"; "jacket"; "returns"),
		guesses("invoice"; "billing"), guesses("parcel"; "delivery"),
		guesses("password"; "account"), guesses("jacket"; "returns")' >replies
}

# A model that is right six times in ten whatever the prompt says, each time with other rows, and a
# proposer of nothing that helps.
unteachable() {
	jq -nc '
		("Be careful.", "Think first.", "Take your time.", "Mind the words.", "Read twice.", "Be brief."
			| {match: "You improve the prompt", quote: "prompt", rate: 0.3, reply: "\(.)\n"}),
		{match: "You improve the prompt", quote: "prompt", reply: "Do it well.\n"},
		(["invoice", "billing"], ["parcel", "delivery"], ["password", "account"], ["jacket", "returns"]
			| {match: "", last: .[0], reply: .[1], rate: 0.6})' >replies
}

serve() {
	stop_stub
	start_stub --replies replies --reply unclear --log log "$@"
	echo '{"stub": {"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6}}' >prices.json
}

# optimise DIR SEED [VARIABLE=VALUE]... - a search in small.
optimise() { make -s -C "$ROOT/examples/optimise" "${SEARCH[@]}" BUILD="$TMP/$1" SEED="$2" "${@:3}"; }

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
	SEARCH=("PATH=$PATH" DATA="$TMP/mails.jsonl" MODEL=stub PRICES="$TMP/prices.json" MODEL_OPTIONS='-T 0 --max-tokens 20'
		PROPOSER_OPTIONS='--max-tokens 300' POOL=48 BATCH=16 WORDS=3 TRIES=2)
}

# What the stub has been asked, at the prices above.
spent() { curl -s "${STUB_URL%/v1}/stub/state" | jq '.prompt_tokens * 1e-6 + .completion_tokens * 2e-6'; }

# best DIR - whether the prompt in force says all three things, and shows the example.
best() {
	local said
	said=$(cat "$1/best/prompt.txt" "$1/best/examples.jsonl")
	[[ $said == *"what is owed"* && $said == *"on its way"* && $said == *"logged in to"* && $said == *'"returns"'* ]]
}

@test "optimise: what helps is found within the budget and proved on rows that had no part in it; a kill changes nothing" {
	mails 320
	teachable 0.9
	serve --seed 1
	optimise one 1 MAX_COST=0.2 >out 2>err
	best one
	[ "$(cat one/decision)" = enough ]
	grep -q "^Prompting is enough" out
	grep -q "^exact>=0.9: met, " out
	jq -ne --argjson spent "$(spent)" --argjson told "$(sed -n 's/^spent: \([0-9.e-]*\) of 0.2 dollars/\1/p' out)" \
		'$spent <= $told + 1e-9 and $told < 1.02 * $spent' # a row is no example to itself, and so asked as before
	# Nobody saw the validation and test rows but the model that answers them.
	jq -r '.messages[0].content' one/valid.jsonl one/test.jsonl >held
	run ! grep -qF -f held one/r/*/ask.jsonl
	run ! grep -qF -f held one/best/examples.jsonl
	# The test rows were asked with the first prompt and the last, by the one line that the report ends with.
	[ "$(find one -name 'test.answers' | wc -l)" -eq 2 ]
	line=$(sed -n 's/^the prompt: //p' out) # asks only what is in the cache
	[[ $line == "ft-prompt -m stub -T 0 --max-tokens 20 -s @$TMP/one/best/prompt.txt -e $TMP/one/best/examples.jsonl -k "* ]]
	sh -c "$line --cache one/cache.db one/test.jsonl" >again
	was=$(sed -n 's/.*best prompt: exact \([0-9.]*\) .*/\1/p' out)
	ft-eval -q --json again | jq -e --argjson was "$was" '.metrics.exact.mean - $was | fabs < 1e-4'
	# Killed three times and begun again: the same comes of it, and at most what was in flight is asked twice.
	asked=$(wc -l <log)
	: >log
	serve --seed 1 --delay 5
	for n in 100 400 700; do
		setsid make -s -C "$ROOT/examples/optimise" "${SEARCH[@]}" BUILD="$TMP/two" SEED=1 MAX_COST=0.2 >/dev/null 2>&1 3>&- &
		await eval "[ \$(wc -l <log) -ge $n ]"
		kill -KILL -- -$!
		wait $! || true
	done
	[ ! -e two/report.txt ]
	optimise two 1 MAX_COST=0.2 >again 2>/dev/null
	sed "s,$TMP/two,$TMP/one,g" again | diff out -
	diff -r one/best two/best
	[ "$(wc -l <log)" -le $((asked + 3 * 16)) ]
	# Where nothing changed nothing is asked.
	: >log
	optimise two 1 MAX_COST=0.2 2>/dev/null | diff again -
	[ ! -s log ]
}

@test "optimise: a budget ends the search and still pays for the test rows" {
	mails 240
	teachable 0.9
	serve --seed 3
	optimise small 3 MAX_COST=0.03 >out 2>err
	grep -q "^search ended: the budget is used" err
	grep -q "^on [0-9]* test rows, first prompt: exact 0" out
	jq -ne --argjson spent "$(spent)" '$spent > 0.01 and $spent <= 0.03'
	status_is 2 optimise none 3 MAX_COST=0.001
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == *"MAX_COST=0.001 is too little to ask the first prompt anything"* ]]
}

@test "optimise: a proposer of nothing that helps changes nothing" {
	mails 240
	unteachable
	taken=0 runs=$([ -n "${FT_SLOW:-}" ] && echo 60 || echo 1)
	for seed in $(seq "$runs"); do
		serve --seed "$seed"
		optimise "s$seed" "$seed" REQUIRE='exact>=0.95' ROUNDS=3 >out 2>err
		if grep -q "is better than" err; then taken=$((taken + 1)); fi
		stop_stub
	done
	[ $((taken * 20)) -le "$runs" ]
	echo "# a useless proposer was believed in $taken of $runs runs" >&3
}

@test "optimise: the best prompt is found for nine seeds of ten" {
	[ -n "${FT_SLOW:-}" ] || skip "ten searches: make check-slow"
	mails 400
	teachable 0.3
	found=0
	for seed in 1 2 3 4 5 6 7 8 9 10; do
		serve --seed "$seed"
		if optimise "s$seed" "$seed" MAX_COST=0.25 >out 2>err && best "s$seed"; then found=$((found + 1)); fi
		stop_stub
	done
	echo "# the best prompt was found in $found of 10 runs" >&3
	[ "$found" -ge 9 ]
}
