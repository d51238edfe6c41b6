#!/usr/bin/env bats
# examples/slow: the exit status is the decision, and the sample does not depend on the order of the log.
load helper
load model

@test "slow promotes what answers as the log wants and nothing else" {
	make_model a
	make_model b 2
	jq -nc 'range(100) | {id: "r\(.)", messages: [{role: "user", content: "note \(.)"}]}' | ft-prompt -q -m ./a --max-tokens 6 |
		jq -c '{id, messages: (.messages + [{role: "assistant", content: .output}])}' >log.jsonl
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
