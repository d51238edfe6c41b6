#!/usr/bin/env bats
# ft-prompt with models on this machine: generation.
# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model

# questions N - N records of different lengths with a common beginning.
questions() {
	jq -nc --argjson n "$1" 'range($n)
		| {id: "q\(.)", messages: [{role: "system", content: "You are a careful assistant. Answer in one word."},
		{role: "user", content: "Question number \(.): \("what " * (. % 7))?"}]}'
}

# differ A B - fails where two files hold the same.
differ() {
	if cmp -s "$1" "$2"; then return 1; fi
}

# What an answer is, less how long it took, from standard input, in an order of its own.
outputs() {
	jq -cS '{id, output, finish_reason, usage}' | sort
}

# tensor_names FILE - those of a safetensors file, whose header is JSON behind eight bytes of its
# length.
tensor_names() {
	tail -c +9 "$1" | head -c "$(od -An -tu8 -N8 "$1")" | jq -r 'keys[] | select(. != "__metadata__")'
}

@test "the published model continues its story word for word" {
	need_shared data/tinystories-656k
	echo '{"prompt": "<|start_story|> Once upon a time, there was a little girl named "}' |
		ft-prompt -q -m "$SHARED/data/tinystories-656k" --max-tokens 40 >out
	story="Lily. She loved to eat yummy food. One day, she found a big, yummy fruit. She did not know what it was,"
	[[ $(jq -r .output out) == "$story so she asked her friend, Tom,"* ]]
	[ "$(jq -c .usage out)" = '{"prompt_tokens":8,"completion_tokens":40,"total_tokens":48}' ]
	[ "$(jq -r .finish_reason out)" = length ]
}

@test "a prompt far longer than the context is refused in the time that its length takes" {
	make_model m
	jq -nc '{id: "long", messages: [{role: "user", content: ("a" * 200000)}]}' >in.jsonl
	# .1 s; when it grew with the square, a minute
	status_is 3 timeout "$(patience 30)" ft-prompt -q -m ./m in.jsonl
	[[ $(jq -r .error.message <<<"$output") == "prompt of 200019 tokens, but the model's context holds 512"* ]]
	# .7 s; minutes when the template was tried without each of the messages, to see whether it leaves one out
	jq -nc '{messages: [range(20001) | {role: (if . % 2 == 0 then "user" else "assistant" end), content: "m\(.)"}]}' >in.jsonl
	status_is 3 timeout "$(patience 60)" ft-prompt -q -m ./m in.jsonl
	[[ $(jq -r .error.message <<<"$output") == "prompt of "*" tokens, but the model's context holds 512"* ]]
}

@test "a chat template that takes its time for any row is refused in words, and is not tried for long at the start" {
	make_model m
	jq -nc '{id: "a", messages: [{role: "user", content: "hi"}]}' >in.jsonl
	cp m/tokenizer_config.json whole.json
	local body long="{% set t = 'a' * 1000000 %}"
	for body in "{% set w = 'a' * 200 ~ 'b' %}{% for i in range(100000) %}{% set x = t.find(w) %}{% endfor %}" \
		"{% for i in range(100000) %}{% set x = t | upper %}{% endfor %}" \
		"{% for i in range(200) %}{{ t }}{% endfor %}"; do
		jq --arg t "$long$body" '.chat_template = $t' whole.json >m/tokenizer_config.json
		# some seconds, of which most for the row; when each trial took as long, more than a minute
		status_is 3 timeout "$(patience 60)" ft-prompt -q -m ./m in.jsonl
		[[ $(jq -r .error.message <<<"$output") == *"the template "@(takes|writes)" more than "* ]]
	done
}

@test "a tokenizer that takes its time for any text, or surrounds it without end, is ended in words" {
	make_model m
	jq -nc '{id: "blocks", messages: [{role: "user", content: (("a" * 24 + "c") * 8000)}]},
		{id: "run", messages: [{role: "user", content: ("a" * 200000)}]}' >in.jsonl
	cp m/tokenizer.json whole.json
	local change
	# each took longer than can be waited for
	for change in '.pre_tokenizer = {type: "Split", pattern: {Regex: "(a+)+b|a"}, behavior: "Isolated", invert: false}' \
		'.normalizer = {type: "Replace", pattern: {Regex: "(a+)+$"}, content: "x"}'; do
		jq "$change" whole.json >m/tokenizer.json
		run timeout "$(patience 30)" ft-prompt -q -m ./m in.jsonl
		[ "$status" -eq 3 ]
		[[ ${lines[0]} == *"the tokenizer's pattern takes too many steps over the text"* ]]
	done
	for change in '.added_tokens += [{id: 260, content: ("a" * 100000), special: false}]' \
		'.post_processor.single = [range(100000) | {SpecialToken: {id: "<|begin|>", type_id: 0}}]' \
		'.normalizer = {type: "Replace", pattern: {Regex: ""}, content: "x"}'; do
		jq "$change" whole.json >m/tokenizer.json
		status_is 2 timeout "$(patience 30)" ft-prompt -q -m ./m in.jsonl
		grep -qE 'added token 260 is longer than|more than 1000 tokens around the text|an empty pattern' <<<"$stderr"
	done
	# runs as long as any text's are no attack on a published pattern
	jq -nc '{id: "spaces", messages: [{role: "user", content: (" " * 3000000)}]}' >in.jsonl
	jq '.pre_tokenizer = {type: "Sequence", pretokenizers: [{type: "Split", behavior: "Isolated",
		invert: false, pattern: {Regex: "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"}}, .pre_tokenizer]}' \
		whole.json >m/tokenizer.json
	status_is 3 timeout "$(patience 60)" ft-prompt -q -m ./m in.jsonl
	[[ $output == *"prompt of 3000019 tokens"* ]]
}

@test "an answer does not depend on threads, on batch size, or on the order of records" {
	make_model m
	questions 40 >q.jsonl
	tac q.jsonl >r.jsonl
	for type in none bf16 q8_0 q4_0; do
		ft-prompt -q -m ./m --max-tokens 24 --quantize $type --threads 1 -j 1 q.jsonl | outputs >one
		ft-prompt -q -m ./m --max-tokens 24 --quantize $type --threads 2 -j 64 r.jsonl | outputs >many
		[ "$(wc -l <one)" -eq 40 ]
		cmp one many
	done
}

@test "the instruction set chosen changes no greedy answer of a small model" {
	make_model m
	questions 10 >q.jsonl
	for isa in base avx2; do
		FT_ISA=$isa ft-prompt -q -m ./m --max-tokens 12 q.jsonl | jq -c .output >$isa
	done
	ft-prompt -q -m ./m --max-tokens 12 q.jsonl | jq -c .output >best
	cmp base avx2
	cmp base best
}

@test "samples are seeded: by the seed, the sample and the prompt, not by order" {
	make_model m
	questions 12 >q.jsonl
	tac q.jsonl >r.jsonl
	ft-prompt -q -m ./m -T 1 --top-p .95 --max-tokens 16 --seed 7 q.jsonl | outputs >a
	ft-prompt -q -m ./m -T 1 --top-p .95 --max-tokens 16 --seed 7 -j 3 r.jsonl | outputs >b
	ft-prompt -q -m ./m -T 1 --top-p .95 --max-tokens 16 --seed 8 q.jsonl | outputs >c
	cmp a b
	differ a c
	# Sample s of a record is what seed + s gives.
	ft-prompt -q -m ./m -T 1 --top-p .95 --max-tokens 16 --seed 7 -N 2 q.jsonl >d
	jq -c 'select(.sample == 0)' d | outputs | cmp a -
	jq -c 'select(.sample == 1)' d | outputs | cmp c -
}

@test "temperature 0, top-k 1 and a tiny top-p are greedy" {
	make_model m
	questions 6 >q.jsonl
	ft-prompt -q -m ./m --max-tokens 16 q.jsonl | outputs >greedy
	ft-prompt -q -m ./m --max-tokens 16 -T 0 q.jsonl | outputs | cmp greedy -
	ft-prompt -q -m ./m --max-tokens 16 -T 1 --top-k 1 q.jsonl | outputs | cmp greedy -
	ft-prompt -q -m ./m --max-tokens 16 -T 1 --top-p 0.0001 q.jsonl | outputs | cmp greedy -
	ft-prompt -q -m ./m --max-tokens 16 -T 1 --min-p 1 q.jsonl | outputs | cmp greedy -
	ft-prompt -q -m ./m --max-tokens 16 --repeat-penalty 3 q.jsonl | outputs >other
	differ greedy other
}

@test "an answer ends at a stop text, which is cut off, at the end token, or at --max-tokens" {
	make_model m
	questions 20 >q.jsonl
	ft-prompt -q -m ./m --max-tokens 30 q.jsonl >whole
	stop=$(jq -rs 'map(select(.finish_reason == "length"))[0].output[5:7]' whole)
	ft-prompt -q -m ./m --max-tokens 30 --stop "$stop" q.jsonl >short
	jq -es --arg stop "$stop" 'all(.[]; .output | contains($stop) | not) and any(.[]; .finish_reason == "stop")' short
	# What stands before the stop text is what was there without it.
	jq -es --arg stop "$stop" --slurpfile whole whole 'to_entries
		| all(.[]; .value.output == ($whole[.key].output | split($stop)[0]))' short
	jq -es 'all(.[]; .usage.total_tokens == .usage.prompt_tokens + .usage.completion_tokens and .usage.completion_tokens <= 30)' whole
	jq -es 'all(.[] | select(.finish_reason == "length"); .usage.completion_tokens == 30)' whole
}

@test "a prompt longer than the context is an error record, never cut" {
	make_model m 1 '{"max_position_embeddings": 64}'
	jq -nc '{id: "short", prompt: "abc"}, {id: "long", prompt: ("x" * 64)}, {id: "last", prompt: "xyz"}' >q.jsonl
	status_is 3 ft-prompt -q -m ./m q.jsonl
	jq -es '.[0].output and .[2].output and (.[1] | has("output") | not)' <<<"$output"
	jq -es '.[1].error | .type == "context_length_exceeded" and (.message | contains("65 tokens"))
		and (.message | contains("64"))' <<<"$output"
	# Others run to the end of the context at most.
	jq -es 'all(.[0, 2]; .usage.total_tokens <= 64)' <<<"$output"
}

@test "log-probabilities are there for every token, and their alternatives begin with the best" {
	make_model m
	questions 3 | ft-prompt -q -m ./m --max-tokens 9 --logprobs 3 >out
	jq -es 'all(.[]; (.logprobs | length) == .usage.completion_tokens)' out
	jq -es 'all(.[].logprobs[]; .logprob <= 0 and (.top_logprobs | length) == 3 and .top_logprobs[0].logprob == .logprob
		and .top_logprobs[1].logprob >= .top_logprobs[2].logprob and ([.top_logprobs[].logprob | exp] | add) <= 1.0001)' out
}

@test "--dry-run shows the rendered prompt and its tokens" {
	make_model m
	echo '{"id": "a", "messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "reference"}]}' >q.jsonl
	status_is 0 ft-prompt -n -q -m ./m q.jsonl
	# The prompt is what the template gives; among the tokens stands also the first, which the tokenizer adds.
	[ "$(jq -c '[.id, .prompt]' <<<"$output")" = '["a","<|turn|>user\nHi<|end|><|turn|>assistant\n"]' ]
	[ "$(jq -c .ids <<<"$output")" = '[256,257,117,115,101,114,10,72,105,258,257,97,115,115,105,115,116,97,110,116,10]' ]
}

@test "with --cache a second run computes nothing and another model is not taken for this one" {
	make_model m
	make_model n 2
	questions 5 >q.jsonl
	# Truncated answers are not kept, so these have to end by themselves: at the third character
	# each would write.
	mapfile -t stop < <(ft-prompt -q -m ./m --max-tokens 8 q.jsonl | jq -r '"--stop", .output[2:3]')
	ft-prompt -m ./m "${stop[@]}" --max-tokens 8 --cache c.db q.jsonl 2>err | outputs >a
	ft-prompt -m ./m "${stop[@]}" --max-tokens 8 --cache c.db q.jsonl 2>err | outputs >b
	cmp a b
	grep -q '5 from the cache' err
	for other in "-m ./n" "-m ./m --quantize q4_0" "-m ./m -T 1" "-m ./m --top-k 3"; do
		# shellcheck disable=SC2086
		ft-prompt $other "${stop[@]}" --max-tokens 8 --cache c.db q.jsonl 2>err >/dev/null
		[[ $(cat err) == *"5 requests"* && $(cat err) != *"from the cache"* ]]
	done
}

@test "an adapter changes the answers, and one for another base is refused" {
	make_model m
	make_model wide 1 '{"hidden_size": 96}'
	train-reference adapter m a 4 5 >/dev/null
	train-reference adapter wide w 4 5 >/dev/null
	questions 5 >q.jsonl
	ft-prompt -q -m ./m --max-tokens 16 q.jsonl >base
	ft-prompt -q -m ./m -a a --max-tokens 16 q.jsonl >tuned
	differ <(jq .output base) <(jq .output tuned)
	[ "$(jq -r .model tuned | sort -u)" = ./m+a ]
	ft-prompt -q -m ./m -a a --unmerged --max-tokens 16 q.jsonl | jq .output | cmp <(jq .output tuned) -
	status_is 2 ft-prompt -q -m ./m --unmerged q.jsonl
	[[ $stderr == *--adapter* ]]
	status_is 2 ft-prompt -q -m ./m -a w q.jsonl
	[[ $stderr == *w:*shape* ]]
}

@test "every program takes -m . and an adapter from the hub's cache as it takes their directories" {
	make_model m
	train-reference adapter m a 4 5 >/dev/null
	questions 3 | jq -c '.messages += [{role: "assistant", content: "yes"}]' >q.jsonl
	export HF_HUB_CACHE=$TMP/cache
	mkdir -p cache/models--org--a/refs cache/models--org--a/snapshots
	echo 1234 >cache/models--org--a/refs/main
	cp -r a cache/models--org--a/snapshots/1234
	cd m
	ft-prompt -q -m . --max-tokens 8 ../q.jsonl | jq .output >../base
	ft-prompt -q -m . -a ../a --max-tokens 8 ../q.jsonl | jq .output >../tuned
	ft-prompt -q -m . -a hf:org/a --max-tokens 8 ../q.jsonl | jq .output | cmp ../tuned -
	differ ../base ../tuned
	ft-prompt -q -m . --max-tokens 8 ../q.jsonl >../answered
	ft-judge -q --max-errors 3 -m . -a hf:org/a --max-tokens 8 ../answered | jq '.judge | del(.model)' >../x
	ft-judge -q --max-errors 3 -m . -a ../a --max-tokens 8 ../answered | jq '.judge | del(.model)' | cmp ../x -
	ft-review --scan -q -m . -a hf:org/a ../q.jsonl >../x
	ft-review --scan -q -m . -a ../a ../q.jsonl | cmp ../x -
	ft-export -q -m . -a hf:org/a -o ../merged
	ft-export -q -m . -a ../a -o ../again
	cmp ../merged/model.safetensors ../again/model.safetensors
	ft-train -q -m . -a hf:org/a -o ../more --steps 1 ../q.jsonl >/dev/null
	[ "$(jq .r ../more/adapter_config.json)" = 4 ]
	status_is 2 ft-train -q -m . -a hf:org/a -o "$HF_HUB_CACHE/models--org--a/snapshots/1234" ../q.jsonl
	[[ $stderr == *"never written over"* ]]
	status_is 2 ft-prompt -q -m . -a hf:org/b ../q.jsonl
	[[ $stderr == *"ft-pull org/b"* ]]
	cd ..
	status_is 2 ft-prompt -q -m m q.jsonl
	[[ $stderr == *"write ./m"* ]]
}

@test "with --cache the weights of a sharded adapter count as those of one in a single file" {
	make_model m
	questions 5 >q.jsonl
	for a in 5 6; do
		train-reference adapter m a$a 4 $a >/dev/null
		mv a$a/adapter_model.safetensors a$a/adapter_model-1.safetensors
		jq -R -n '[inputs] | {weight_map: (map({(.): "adapter_model-1.safetensors"}) | add)}' \
			< <(tensor_names a$a/adapter_model-1.safetensors) >a$a/adapter_model.safetensors.index.json
	done
	# Only the shard differs.
	cmp a5/adapter_model.safetensors.index.json a6/adapter_model.safetensors.index.json
	mapfile -t stop < <(ft-prompt -q -m ./m -a a5 --max-tokens 8 q.jsonl | jq -r '"--stop", .output[2:3]')
	for said in "5 requests" "5 from the cache"; do
		ft-prompt -m ./m -a a5 "${stop[@]}" --max-tokens 8 --cache c.db q.jsonl 2>err >/dev/null
		grep -q "$said" err
	done
	rm -r a5
	mv a6 a5
	ft-prompt -m ./m -a a5 "${stop[@]}" --max-tokens 8 --cache c.db q.jsonl 2>err >/dev/null
	[[ $(cat err) == *"5 requests"* && $(cat err) != *"from the cache"* ]]
}

@test "names that are no model end with status 2 and say what to do" {
	make_model m
	mkdir empty
	status_is 2 ft-prompt -m ./none
	[[ $stderr == *none* ]]
	status_is 2 ft-prompt -m ./empty
	[[ $stderr == *config.json* ]]
	status_is 2 ft-prompt -m m
	[[ $stderr == *./m* ]]
	status_is 2 ft-prompt -m ./m --quantize q5_1
	[[ $stderr == *q8_0* ]]
	truncate -s -10 m/model.safetensors
	status_is 2 ft-prompt -m ./m
	[[ $stderr == *model.safetensors* ]]
}

@test "a model without a chat template says so" {
	make_model m
	jq 'del(.chat_template)' m/tokenizer_config.json >t
	mv t m/tokenizer_config.json
	questions 1 >q.jsonl
	status_is 0 ft-prompt -m ./m --max-tokens 4 q.jsonl
	[[ $stderr == *template* ]]
}

@test "--schema: every answer that is complete parses and is valid, whatever the model would rather say" {
	make_model m
	cat >s.json <<'END'
{"type": "object", "properties": {"name": {"type": "string", "maxLength": 12}, "kind": {"enum": ["cat", "dog"]},
 "age": {"type": "integer", "minimum": 1, "maximum": 99},
 "born": {"type": "string", "format": "date"}, "tags": {"type": "array", "items": {"type": "boolean"}, "maxItems": 3}},
 "required": ["name", "kind", "age", "born"], "additionalProperties": false}
END
	questions 30 >q.jsonl
	for how in "" "-T 1.5 --seed 4" "--quantize q4_0"; do
		# shellcheck disable=SC2086
		status_is 0 ft-prompt -q -m ./m --schema s.json --max-tokens 400 $how q.jsonl
		[ "$(wc -l <<<"$output")" -eq 30 ]
		jq -es 'all(.[]; .finish_reason == "stop" and (.output | fromjson | (.name | type == "string" and length <= 12)
			and (.kind == "cat" or .kind == "dog") and (.age | . >= 1 and . <= 99) and (.born | test("^\\d{4}-\\d\\d-\\d\\d$"))
			and (keys - ["age", "born", "kind", "name", "tags"] == [])))' <<<"$output"
	done
	# Alone or among others, on one thread or two.
	ft-prompt -q -m ./m --schema s.json --max-tokens 400 -T 1 -j 1 --threads 1 q.jsonl | outputs >one
	ft-prompt -q -m ./m --schema s.json --max-tokens 400 -T 1 -j 64 --threads 2 q.jsonl | outputs >many
	cmp one many
}

@test "--schema: one of 300,000 values is found, and they are followed as one tree" {
	make_model m 7
	questions 1 >in.jsonl
	# Each checked against each, and all followed side by side, this takes hours.
	jq -nc '{enum: ([range(300000) | "value number \(.) of many"] + [7, 7.0, null])}' >schema.json
	status_is 0 timeout 120 ft-prompt -q -m ./m --schema schema.json --max-tokens 60 in.jsonl
	jq -e --slurpfile s schema.json '.output | fromjson | IN($s[0].enum[])' <<<"$output"
}

@test "with --cache an answer under one schema is not taken for that under another, or under none" {
	make_model m
	cat >q.jsonl <<'END'
{"id": "a", "prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "boolean"}}}}
{"id": "b", "prompt": "x"}
{"id": "c", "prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": [7]}}}}
END
	ft-prompt -q -m ./m --max-tokens 5 q.jsonl | outputs >plain
	[ "$(sort -u plain | wc -l)" -eq 3 ]
	for _ in 1 2; do
		ft-prompt -q -m ./m --max-tokens 5 --cache c.db q.jsonl | outputs | cmp - plain
	done
}

@test "with --cache a chat is not given the answer to a prompt of the same tokens, which keeps its space" {
	need_shared data/tinystories-656k
	mkdir t
	cp "$SHARED/data/tinystories-656k"/* t
	jq '.chat_template = "{{ messages[0].content }}"' "$SHARED/data/tinystories-656k/tokenizer_config.json" >config
	cat config >t/tokenizer_config.json
	jq -nc '"<|start_story|> She was" | {id: "a", prompt: .}, {id: "b", messages: [{role: "user", content: .}]}' >q.jsonl
	ft-prompt -q -n -m ./t q.jsonl >requests
	[ "$(jq -c .ids requests | sort -u | wc -l)" -eq 1 ]
	ft-prompt -q -m ./t --max-tokens 40 --stop . q.jsonl | outputs >plain
	[ "$(jq -s '.[0].output == " " + .[1].output' plain)" = true ]
	for _ in 1 2; do
		ft-prompt -q -m ./t --max-tokens 40 --stop . --cache c.db q.jsonl | outputs | cmp - plain
	done
}

@test "a record's own response_format is kept, and one that is not understood is an error record" {
	make_model m
	cat >q.jsonl <<'END'
{"id": "a", "prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"enum": ["yes", "no"]}}}}
{"id": "b", "prompt": "x", "response_format": {"type": "text"}}
{"id": "c", "prompt": "x", "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"not": {}}}}}
END
	status_is 3 ft-prompt -q -m ./m --max-tokens 20 q.jsonl
	jq -es '.[0].output == "\"yes\"" or .[0].output == "\"no\""' <<<"$output"
	jq -es '.[1] | has("output")' <<<"$output"
	jq -es '.[2].error.message | contains("not is not covered")' <<<"$output"
}

@test "a schema that answers cannot be held to is refused by name before anything is asked" {
	make_model m
	echo '{"type": "array", "uniqueItems": true}' >s.json
	status_is 2 ft-prompt -q -m ./m --schema s.json
	[[ $stderr == *uniqueItems* ]]
	echo '{"allOf": [{"type": "string"}, {"type": "null"}]}' >s.json
	status_is 2 ft-prompt -q -m ./m --schema s.json
	[[ $stderr == *"no value can meet"* ]]
}

# called - records whose answers are held to what a call of `look` looks like to such a model.
called() {
	jq -nc 'range(6) | {id: "c\(.)", messages: [{role: "user", content: "Number \(.)"}],
		tools: [{type: "function", function: {name: "look", parameters: {type: "object", properties: {n: {type: "integer"}}}}}],
		response_format: {type: "json_schema", json_schema: {name: "call", schema: {type: "object", properties: {
			name: {enum: ["look", "other"]}, parameters: {type: "object", properties: {n: {type: "integer"}}, required: ["n"],
				additionalProperties: false}}, required: ["name", "parameters"], additionalProperties: false}}}}'
}

@test "calls of the request's tools are read back from the text, in the template's form" {
	make_calling_model m 3
	called >q.jsonl
	ft-prompt -q -m ./m --max-tokens 200 q.jsonl >out
	jq -es 'any(.[]; .tool_calls) and all(.[]; (.tool_calls != null) == (.finish_reason == "tool_calls"))' out
	jq -es 'all(.[] | select(.tool_calls); .output == "" and (.tool_calls | length) == 1 and (.tool_calls[0] | .function.name == "look"
		and (.function.arguments | fromjson | .n | type) == "number" and (.id | test("^[a-z0-9]{9}$"))))' out
	# What is no call of a tool that there is stays text, and so does everything where none may be called.
	jq -es 'all(.[] | select(.tool_calls | not); .output | fromjson | .name == "other")' out
	jq -c '.tool_choice = "none"' q.jsonl | ft-prompt -q -m ./m --max-tokens 200 >none
	jq -es 'all(.[]; (has("tool_calls") | not) and (.output | fromjson | has("parameters")))' none
	# A cache tells the two apart.
	ft-prompt -q -m ./m --max-tokens 200 --cache c q.jsonl >first
	jq -c '.tool_choice = "none"' q.jsonl | ft-prompt -q -m ./m --max-tokens 200 --cache c >second
	jq -es 'all(.[]; has("cached") | not)' second
	ft-prompt -q -m ./m --max-tokens 200 --cache c q.jsonl | jq -c .tool_calls | cmp - <(jq -c .tool_calls out)
	jq -c '.tool_choice = "required"' q.jsonl >forced
	ft-prompt -m ./m --max-tokens 200 forced 2>told >out
	grep -q '6 requests asked for a call of a tool (tool_choice), which was left to the model' told
}

@test "an answer costs its share of the machine's time, and says how long it took alone and in its batch" {
	make_model m
	questions 24 >q.jsonl
	echo '{"local": {"price_per_hour": 3600}}' >dollar.json
	start=$(date +%s.%N)
	status_is 0 ft-prompt -m ./m --max-tokens 12 --prices dollar.json -j 16 q.jsonl
	took=$(jq -n "$(date +%s.%N) - $start")
	cp <(printf '%s\n' "$output") many
	[[ $stderr == *'cost: $'* ]]
	# A dollar a second: no more can be shared out than went by, and each has its part.
	[ "$(jq -s "(map(.cost) | add) as \$all | \$all > 0 and \$all <= $took and all(.[]; .cost > 0)" many)" = true ]
	[ "$(jq -s 'all(.[]; .latency > 0 and .latency_batch > 0 and .ttft > 0 and .ttft <= .latency)' many)" = true ]
	# Alone there is no difference: the answer's time is the machine's.
	status_is 0 ft-prompt -q -m ./m --max-tokens 12 --prices dollar.json -j 1 q.jsonl
	[ "$(jq -s 'all(.[]; (.cost - .latency | fabs) < 2e-6 and .latency <= .latency_batch + 2e-6)' <<<"$output")" = true ]
	# Energy has a price too, and the model's own entry comes first.
	echo '{"local": {"price_per_hour": 1}, "./m": {"watts": 1000, "price_per_kwh": 3600}}' >watts.json
	status_is 0 ft-prompt -q -m ./m --max-tokens 12 --prices watts.json -j 1 q.jsonl
	[ "$(jq -s 'all(.[]; (.cost - .latency | fabs) < 2e-6)' <<<"$output")" = true ]
	echo '{"./m": {"watts": 1000}}' >half.json
	status_is 0 ft-prompt -m ./m --max-tokens 12 --prices half.json q.jsonl
	[ "$(jq -c .cost <<<"$output" | sort -u)" = null ]
	[[ $stderr == *"neither price_per_hour nor watts and price_per_kwh"* ]]
	status_is 0 ft-prompt -m ./m --max-tokens 12 q.jsonl
	[ "$(jq -c .cost <<<"$output" | sort -u)" = null ]
	[[ $stderr != *cost* ]]
}

@test "ft-eval chooses the cheapest of an API and a model on this machine by what an hour of it costs" {
	make_model m
	start_stub --reply no
	questions 12 | jq -c '.messages += [{role: "assistant", content: "x"}]' >q.jsonl
	for hour in 1e-9 1e9; do
		jq -n --argjson h "$hour" '{gpt: {input_cost_per_token: 1e-6, output_cost_per_token: 1e-6},
			local: {price_per_hour: $h}}' >prices.json
		{
			ft-prompt -q -m gpt --prices prices.json q.jsonl
			ft-prompt -q -m ./m --max-tokens 5 --prices prices.json q.jsonl
		} >both.jsonl
		status_is 0 ft-eval --compare model --choose cheapest --require 'exact>=0' --json both.jsonl
		[[ $hour == 1e-9 ]] && want=./m || want=gpt
		jq -e --arg m "$want" 'select(.choose) | tostring | contains($m)' <<<"$output"
	done
}

@test "a template that renders nothing leaves nothing to ask with and nothing to train on, and that is said" {
	make_model m
	jq '.chat_template = "{% if false %}x{% endif %}"' m/tokenizer_config.json >config
	mv config m/tokenizer_config.json
	jq '.post_processor = null' m/tokenizer.json >tokenizer
	mv tokenizer m/tokenizer.json
	echo '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]}' >in.jsonl
	status_is 3 ft-prompt -m ./m --max-tokens 3 in.jsonl
	[[ $(jq -r .error.message <<<"$output") == *"the prompt is empty"* ]]
	status_is 2 ft-train -q -m ./m -o out --steps 1 in.jsonl
	[[ $stderr == *"the template leaves this turn out"* ]]
}
