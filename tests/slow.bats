#!/usr/bin/env bats
# examples/slow: the exit status is the decision, and the sample does not depend on the order of the
# log.
# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model

# judge LOG ANSWERS - starts a judge that fails what no record of LOG has as its right answer, and
# has an eye for nine in ten of those.
judge() {
	jq -n -c --slurpfile log "$1" --slurpfile answers "$2" '[$log[].messages[-1].content] as $right
		| [$answers[].output | select(. as $o | $right | all(contains($o) | not))] | unique | to_entries[] | select(.key % 10 != 9)
		| {match: .value, reply: ({critique: "wrong", verdict: "FAIL"} | tojson)}' >replies
	start_stub --replies replies --reply '{"critique": "right", "verdict": "PASS"}'
}

@test "slow promotes what answers as the log wants and nothing else" {
	make_model a
	make_model b 2
	jq -nc 'range(100) | {id: "r\(.)", messages: [{role: "user", content: "note \(.)"}]}' | ft-prompt -q -m ./a --max-tokens 6 |
		jq -c 'select(.output | explode | index(0) == null)
		| {id, messages: (.messages + [{role: "assistant", content: .output}])}' >log.jsonl
	tac log.jsonl >reversed.jsonl
	export TOKENS=6 DEPLOY=none SHARE=50
	OUT=one status_is 0 "$ROOT/examples/slow/slow" ./a ./b log.jsonl
	[[ $output == *"candidate q8_0"*mcnemar* && $stderr == *promote* ]]
	OUT=two status_is 1 "$ROOT/examples/slow/slow" ./b ./a reversed.jsonl
	cmp <(jq .id one/sample.jsonl | sort) <(jq .id two/sample.jsonl | sort)
	OUT=few SHARE=12 REQUIRE='exact>=0.9' status_is 4 "$ROOT/examples/slow/slow" ./a ./b log.jsonl
	status_is 2 "$ROOT/examples/slow/slow" ./a
	OUT=bad status_is 2 "$ROOT/examples/slow/slow" ./none ./a log.jsonl
}

@test "slow: a judge counts only where it agrees with people on what they have judged" {
	make_model a
	make_model b 2
	# Of the log's answers every other one was wrong; people judged them all.
	jq -nc 'range(200) | {id: "r\(.)", messages: [{role: "user", content: "note \(.)"}]}' >asked.jsonl
	ft-prompt -q -m ./a --max-tokens 6 asked.jsonl >right.jsonl
	ft-prompt -q -m ./b --max-tokens 6 asked.jsonl >wrong.jsonl
	paste -d '\n' right.jsonl wrong.jsonl | jq -c -n '[inputs] as $all | range(0; $all | length; 2) as $i | $all[$i] as $r
		| $all[$i + ($i / 2 % 2)]
		| select([$r.output, .output] | all(explode | index(0) == null))
		| {id, messages: (.messages + [{role: "assistant", content: $r.output}]), output,
			human: {pass: (.output == $r.output)}}' >log.jsonl
	export TOKENS=6 DEPLOY=none SHARE=50
	status_is 0 "$ROOT/examples/slow/slow" ./a ./b log.jsonl
	judge log.jsonl wrong.jsonl
	JUDGE=stub status_is 0 "$ROOT/examples/slow/slow" ./a ./b log.jsonl
	[[ $output == *"judge and people: agreement 0.9"* && $stderr == *"exact>=0.9 and judge>=0.9"* ]]
	# The same judge of the other model: it fails what it sees is wrong.
	JUDGE=stub REQUIRE='exact>=0' status_is 1 "$ROOT/examples/slow/slow" ./b ./a log.jsonl
	JUDGE=stub TRUST='agreement>=0.999' status_is 0 "$ROOT/examples/slow/slow" ./a ./b log.jsonl
	[[ $stderr == *"do not count"* ]]
	jq -c 'del(.human)' log.jsonl >unjudged.jsonl
	OUT=none JUDGE=stub status_is 0 "$ROOT/examples/slow/slow" ./a ./b unjudged.jsonl
	[[ $stderr == *"too few answers"* ]]
}
