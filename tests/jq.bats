#!/usr/bin/env bats
# ft.jq: rows in the forms that other programs document become the records of ft-jsonl(5), and what
# cannot be carried is named. The rows were written after the documentation that ft.jq(5) cites, the
# records by hand.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

ft() {
	local filter=$1
	shift
	jq -L "$ROOT/lib/jq" -c "include \"ft\"; $filter" "$@"
}

# becomes FILTER ROW RECORDS - the same members with the same values, whatever their order.
becomes() {
	printf '%s\n' "$2" >row
	printf '%s\n' "$3" | jq -cS . >want
	ft "$1" row >got.raw
	jq -cS . got.raw >got
	diff want got
	jq -c --arg filter "$1" '{filter: $filter, row: .}' row >>"$BATS_FILE_TMPDIR/rows"
}

# refuses FILTER ROW WORDS - jq's status 5, nothing written, and words that name what it is.
refuses() {
	printf '%s\n' "$2" >row
	status_is 5 ft "$1" row
	[ -z "$output" ]
	[[ $stderr == *"$3"* ]] || { echo "$stderr"; return 1; }
}

# returns FILTER THERE RECORD - there and back again leaves nothing changed.
returns() { becomes "$2 | $1" "$3" "$3"; }

# --- ShareGPT ---

@test "from_sharegpt: calls, observations, tools and the system column of LLaMA-Factory" {
	becomes from_sharegpt '{"conversations": [
		{"from": "human", "value": "Rain in Łódź?"},
		{"from": "function_call", "value": "{\"name\": \"rain\", \"arguments\": {\"city\": \"Łódź\", \"days\": 1.0}}"},
		{"from": "observation", "value": "{\"mm\": 3}"},
		{"from": "gpt", "value": "3 mm ☔"}],
		"system": "Be brief.", "tools": "[{\"name\": \"rain\", \"parameters\": {\"type\": \"object\"}}]", "source": "demo",
		"id": 7}' \
		'{"id": "7", "messages": [
		{"role": "system", "content": "Be brief."},
		{"role": "user", "content": "Rain in Łódź?"},
		{"role": "assistant", "content": null, "tool_calls": [{"id": "call00001", "type": "function",
			"function": {"name": "rain", "arguments": "{\"city\": \"Łódź\", \"days\": 1.0}"}}]},
		{"role": "tool", "content": "{\"mm\": 3}", "tool_call_id": "call00001"},
		{"role": "assistant", "content": "3 mm ☔"}],
		"tools": [{"type": "function", "function": {"name": "rain", "parameters": {"type": "object"}}}], "source": "demo"}'
}

@test "from_sharegpt: parallel calls keep their numbers and escapes, each has its own id" {
	local calls='[{\"name\": \"f\", \"arguments\": {\"n\": 12345678901234567890, \"s\": \"]},\\u00e9\\\"\"}},'
	calls+=' {\"arguments\": [1e400], \"name\": \"g\"}, {\"name\": \"h\"}]'
	becomes 'from_sharegpt | [.messages[1].tool_calls[] | [.id, .function.name, .function.arguments]], .messages[2].tool_call_id' \
		'{"conversations": [{"from": "user", "value": "a"},
		{"from": "function_call", "value": "'"$calls"'"},
		{"from": "tool", "value": "b"}, {"from": "assistant", "value": "c"}]}' \
		'[["call00001", "f", "{\"n\": 12345678901234567890, \"s\": \"]},\\u00e9\\\"\"}"], ["call00002", "g", "[1e400]"],
		["call00003", "h", "{}"]]
		"call00001"'
}

@test "from_sharegpt: Axolotl's train is a turn's weight" {
	becomes 'from_sharegpt | .messages | map(.weight)' '{"conversations": [
		{"from": "system", "value": "s", "train": false}, {"from": "human", "value": "a", "train": false},
		{"from": "gpt", "value": "b", "train": false}, {"from": "human", "value": "c"}, {"from": "gpt", "value": "d",
		"train": true},
		{"from": "human", "value": "e", "weight": 0}, {"from": "gpt", "value": "f", "weight": 0},
		{"from": "human", "value": "g"},
		{"from": "gpt", "value": "h"}]}' \
		'[null, null, 0, null, 1, null, 0, null, null]'
	refuses from_sharegpt '{"conversations": [{"from": "human", "value": "a", "train": true}, {"from": "gpt", "value": "b"}]}' \
		'turn 1 is from human and trained on'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "b", "train": "no"}]}' 'turn 1 has train "no"'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "b", "train_detail": [{"begin_offset": 0, "end_offset": 1,
		"train": false}]}]}' train_detail
}

@test "from_sharegpt: preferences and thumbs" {
	becomes from_sharegpt '{"conversations": [{"from": "human", "value": "a"}], "chosen": {"from": "gpt", "value": "b"},
		"rejected": {"from": "gpt", "value": "c"}, "tools": ""}' \
		'{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": [
		{"role": "assistant", "content": "b"}],
		"non_preferred_output": [{"role": "assistant", "content": "c"}]}'
	becomes from_sharegpt '{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}], "kto_tag": false}' \
		'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "label": false}'
	refuses from_sharegpt '{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}],
		"kto_tag": "yes"}' kto_tag
}

@test "from_sharegpt: what it cannot read is named" {
	refuses from_sharegpt '{"messages": []}' 'it has no conversations'
	refuses from_sharegpt '{"conversations": []}' 'it has no conversations'
	refuses from_sharegpt '{"conversations": [{"from": "bing", "value": "a"}]}' 'turn 1 is from "bing"'
	refuses from_sharegpt '{"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": null}]}' \
		'turn 2 has no value'
	refuses from_sharegpt '{"conversations": [{"value": "a"}]}' 'turn 1 is from null'
	refuses from_sharegpt '{"conversations": ["a"]}' 'turn 1 is no turn'
	refuses from_sharegpt '{"conversations": [{"from": "function_call", "value": "f(1)"}]}' 'turn 1 is no JSON: "f(1)"'
	refuses from_sharegpt '{"conversations": [{"from": "function_call", "value": "{\"arguments\": {}}"}]}' 'a call without a name'
	refuses from_sharegpt '{"conversations": [{"from": "function_call", "value": "{\"name\": \"f\", \"thought\": \"t\"}"}]}' \
		'a call with name, thought'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "a"}], "tools": "use them"}' 'tools is no JSON'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "a"}], "images": ["a.png"]}' 'images'
	refuses from_sharegpt '{"conversations": [{"from": "system", "value": "a"}, {"from": "gpt", "value": "b"}], "system": "c"}' \
		'two system prompts'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "a", "content": "b"}]}' 'a turn and a message at once'
	# The first of them ends a run over inputs.
	printf '%s\n' '{"conversations": [{"from": "gpt", "value": "a"}]}' '{}' '{"conversations": [
		{"from": "gpt", "value": "c"}]}' >rows
	status_is 5 ft 'inputs | from_sharegpt' -n rows
	[ "$output" = '{"messages":[{"role":"assistant","content":"a"}]}' ]
	[[ $stderr == *"(at rows:2): it has no conversations"* ]]
}

@test "from_sharegpt: other members stay, those that would make another row of it in metadata" {
	becomes from_sharegpt '{"conversations": [{"from": "gpt", "value": "a", "name": "n", "x": null}], "text": "t", "prompt": "p",
		"metadata": {"m": 1}, "model": "gpt-4", "images": [], "null": null}' \
		'{"messages": [{"role": "assistant", "content": "a", "name": "n"}], "metadata": {"m": 1, "text": "t", "prompt": "p"},
		"model": "gpt-4", "null": null}'
	refuses from_sharegpt '{"conversations": [{"from": "gpt", "value": "a"}], "text": "t", "metadata": {"text": 1}}' \
		'no place for text'
}

@test "to_sharegpt and back: several turns, weights, calls with ids of their own, a pair, a thumb" {
	returns from_sharegpt to_sharegpt '{"id": "1", "messages": [{"role": "system", "content": "s"},
		{"role": "user", "content": "a\n\u0000\"é"},
		{"role": "assistant", "content": "b", "weight": 0}, {"role": "user", "content": "c"},
		{"role": "assistant", "content": "d", "weight": 1}],
		"split": "train", "weight": 2.5, "output": "x", "model": "m", "metadata": {"k": [1, null]}}'
	returns from_sharegpt to_sharegpt '{"messages": [{"role": "user", "content": "a"},
		{"role": "assistant", "content": null, "tool_calls": [
			{"id": "call_B", "type": "function", "function": {"name": "f",
		"arguments": "{ \"n\": 12345678901234567890, \"x\": 1.50 }"}},
			{"id": "call_A", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
		{"role": "tool", "content": "1", "tool_call_id": "call_A"}, {"role": "tool", "content": "2", "tool_call_id": "call_B",
		"name": "f"},
		{"role": "assistant", "content": "c"}],
		"tools": [{"type": "function", "function": {"name": "f", "strict": true}},
		{"type": "function", "function": {"name": "g"}}]}'
	returns from_sharegpt to_sharegpt '{"input": {"messages": [{"role": "user", "content": "a"}], "tools": [
		{"type": "function", "function": {"name": "f"}}]},
		"preferred_output": [{"role": "assistant", "content": null, "tool_calls": [{"id": "call00001", "type": "function",
		"function": {"name": "f", "arguments": "{}"}}]}],
		"non_preferred_output": [{"role": "assistant", "content": "b"}]}'
	returns from_sharegpt to_sharegpt '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
		"label": true}'
}

@test "to_sharegpt: ids that would be given again are not written" {
	becomes to_sharegpt '{"messages": [{"role": "user", "content": "a"},
		{"role": "assistant", "content": "", "tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "f",
		"arguments": ""}}]},
		{"role": "tool", "content": "1", "tool_call_id": "call00001"}], "tools": [
		{"type": "function", "function": {"name": "f"}}]}' \
		'{"conversations": [{"from": "human", "value": "a"},
		{"from": "function_call", "value": "{\"name\": \"f\", \"arguments\": {}}"}, {"from": "observation", "value": "1"}],
		"tools": "[{\"name\":\"f\"}]"}'
}

@test "to_sharegpt: what ShareGPT has no place for is named" {
	refuses to_sharegpt '{"prompt": "a", "completion": "b"}' 'it has no messages'
	refuses to_sharegpt '{"messages": [{"role": "developer", "content": "a"}]}' 'message 1 has the role developer'
	refuses to_sharegpt '{"messages": [{"role": "assistant", "content": "a", "reasoning_content": "r"}]}' \
		'message 1 has reasoning_content'
	refuses to_sharegpt '{"messages": [{"role": "assistant", "content": "a", "tool_calls": [{"function": {"name": "f",
		"arguments": "{}"}}]}]}' 'text beside its calls'
	refuses to_sharegpt '{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f",
		"arguments": "{"}}]}]}' 'is no JSON'
	refuses to_sharegpt '{"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}]}' 'message 1 is no text'
	refuses to_sharegpt '{"messages": [{"role": "user", "content": "a"}], "system": "s"}' 'a member system of its own'
	refuses to_sharegpt '{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": [],
		"non_preferred_output": []}' 'an answer that is not one message'
	refuses to_sharegpt '{"messages": [{"role": "user", "content": "a"}], "preferred_output": [], "non_preferred_output": []}' \
		'it has messages and preferred_output'
	becomes to_sharegpt '{"messages": [{"role": "user", "content": "a"}], "input": "kept"}' '{"conversations": [
		{"from": "human", "value": "a"}], "input": "kept"}'
}

# --- Alpaca ---

@test "from_alpaca: input below the instruction, system, history, pairs and thumbs" {
	becomes from_alpaca '{"instruction": "Sum up.", "input": "Long\ntext", "output": "Short", "text": "### Instruction: ..."}' \
		'{"messages": [{"role": "user", "content": "Sum up.\nLong\ntext"}, {"role": "assistant", "content": "Short"}],
		"metadata": {"text": "### Instruction: ..."}}'
	becomes from_alpaca '{"instruction": "c", "input": "", "output": "", "system": "s", "history": [["a", "b"], ["x", "y"]],
		"id": 12}' \
		'{"id": "12", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "a"},
		{"role": "assistant", "content": "b"},
		{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}, {"role": "user", "content": "c"},
		{"role": "assistant", "content": ""}]}'
	becomes from_alpaca '{"instruction": "a", "input": null, "chosen": "b", "rejected": "c", "output": "kept"}' \
		'{"input": {"messages": [{"role": "user", "content": "a"}]}, "preferred_output": [
		{"role": "assistant", "content": "b"}],
		"non_preferred_output": [{"role": "assistant", "content": "c"}], "output": "kept"}'
	becomes from_alpaca '{"instruction": "a", "output": "b", "kto_tag": true}' \
		'{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "label": true}'
}

@test "from_alpaca: what it cannot read is named" {
	refuses from_alpaca '{"instruction": "a"}' 'output is no text: null'
	refuses from_alpaca '{"instruction": "a", "output": 42}' 'output is no text: 42'
	refuses from_alpaca '{"instruction": "", "input": null, "output": "b"}' 'it has no instruction'
	refuses from_alpaca '{"instruction": ["a"], "output": "b"}' 'is no text: ["a"]'
	refuses from_alpaca '{"instruction": "a", "output": "b", "history": [["c"]]}' 'history has no pairs'
	refuses from_alpaca '{"instruction": "a", "output": "b", "history": [["c", null]]}' 'history is no text'
	refuses from_alpaca '{"instruction": "a", "chosen": "b"}' 'rejected is no text'
	refuses from_alpaca '{"instruction": "a", "output": "b", "images": ["x.png"]}' images
}

@test "to_alpaca and back, and what Alpaca has no place for" {
	returns from_alpaca to_alpaca '{"id": "x", "messages": [{"role": "system", "content": "s"},
		{"role": "user", "content": "a\nb"}, {"role": "assistant", "content": "c"},
		{"role": "user", "content": "d"}, {"role": "assistant", "content": ""}], "weight": 3}'
	returns from_alpaca to_alpaca '{"input": {"messages": [{"role": "user", "content": "a"}]},
		"preferred_output": [{"role": "assistant", "content": "b"}],
		"non_preferred_output": [{"role": "assistant", "content": "c"}]}'
	returns from_alpaca to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}],
		"label": false}'
	becomes to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}' \
		'{"instruction": "a", "input": "", "output": "b"}'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}]}' 'its turns are user'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]}' 'its turns are user, user'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}' \
		'message 2 has weight'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null,
		"tool_calls": [{}]}]}' 'message 2 has tool_calls'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "tools": [{}]}' \
		'it has tools'
	refuses to_alpaca '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], "output": "c"}' \
		'a member output of its own'
}

# --- logs ---

@test "from_openai_logs: a stored completion with the list of its messages" {
	becomes from_openai_logs '{"object": "chat.completion", "id": "chatcmpl-1", "model": "gpt-4o-2024-08-06",
		"created": 1738960610, "request_id": "req_1",
		"tool_choice": null, "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}, "temperature": 1.0,
		"tools": null,
		"metadata": {"use": "demo"}, "response_format": null, "choices": [{"index": 0, "message": {"content": "Hi",
		"role": "assistant", "tool_calls": null,
		"function_call": null, "refusal": null, "annotations": []}, "finish_reason": "stop", "logprobs": null}],
		"messages": {"object": "list", "data": [{"id": "chatcmpl-1-0", "role": "user", "content": null, "name": null,
		"content_parts": [{"type": "text", "text": "Hello"}]}],
		"has_more": false}}' \
		'{"id": "chatcmpl-1", "messages": [{"id": "chatcmpl-1-0", "role": "user", "content": [{"type": "text",
		"text": "Hello"}]}], "output": "Hi", "finish_reason": "stop",
		"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
		"metadata": {"use": "demo"},
		"openai": {"object": "chat.completion", "created": 1738960610, "request_id": "req_1", "temperature": 1.0}}'
	refuses from_openai_logs '{"object": "chat.completion", "id": "c1", "choices": [{"message": {"content": "Hi"}}]}' \
		'/chat/completions/c1/messages'
	# A page of the list, and two answers to one question.
	becomes 'from_openai_logs | [.id, .sample, .output]' '{"object": "list", "data": [
		{"id": "a", "choices": [{"message": {"content": "1"}}, {"message": {"content": "2"}}], "messages": [
		{"role": "user", "content": "q"}]}]}' \
		'["a", 0, "1"] ["a", 1, "2"]'
}

@test "from_openai_logs: a stored response with the list of its input" {
	becomes from_openai_logs '{"object": "response", "id": "resp_1", "created_at": 1, "status": "completed", "error": null,
		"incomplete_details": null, "instructions": "Be brief.", "model": "gpt-5", "metadata": {"use": "demo"}, "store": true,
		"tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": false}],
		"tool_choice": {"type": "function", "name": "f"},
		"text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low"},
		"output": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"},
			{"type": "summary_text", "text": "ok"}]},
		{"type": "message", "role": "assistant", "phase": "commentary", "content": [{"type": "output_text", "text": "wait"}]},
		{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hi", "annotations": []}]},
		{"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}", "id": "fc"}],
		"usage": {"input_tokens": 9}, "input": {"object": "list", "data": [
		{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "q"},
		{"type": "input_image", "image_url": "https://h/a", "detail": "auto"}]},
		{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "why"}]},
		{"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
		{"type": "custom_tool_call", "call_id": "c3", "name": "sh", "input": "ls"},
		{"type": "function_call_output", "call_id": "c1", "output": "42"},
		{"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, {"role": "user", "content": "and?"}]}}' \
		'{"id": "resp_1", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [
		{"type": "text", "text": "q"}, {"type": "image_url", "image_url": {"url": "https://h/a", "detail": "auto"}}]},
		{"role": "assistant", "content": null, "reasoning_content": "why", "tool_calls": [
		{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}},
		{"id": "c3", "type": "custom", "custom": {"name": "sh", "input": "ls"}}]},
		{"role": "tool", "tool_call_id": "c1", "content": "42"}, {"role": "assistant", "content": null, "refusal": "no"},
		{"role": "user", "content": "and?"}],
		"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": false}}],
		"tool_choice": {"type": "function", "function": {"name": "f"}},
		"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
		"output": "Hi", "tool_calls": [{"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
		"reasoning": "hm\n\nok\n\nwait", "finish_reason": "tool_calls", "model": "gpt-5", "usage": {"input_tokens": 9},
		"metadata": {"use": "demo"}, "openai": {"object": "response", "created_at": 1, "status": "completed", "store": true,
		"input": [{"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "why"}]}],
		"text": {"verbosity": "low"}, "message": {"output": [{"type": "reasoning", "summary": [
		{"type": "summary_text", "text": "hm"}, {"type": "summary_text", "text": "ok"}]}]}}}'
	becomes 'from_openai_logs | [.messages, .output, .finish_reason]' '{"object": "response", "status": "incomplete", "input": "q",
		"incomplete_details": {"reason": "max_output_tokens"}, "output": [{"type": "message", "content": [
		{"type": "output_text", "text": "cu"}]}]}' '[[{"role": "user", "content": "q"}], "cu", "length"]'
	becomes 'from_openai_logs | [.error, .output]' '{"object": "response", "status": "failed", "input": "q", "output": [],
		"error": {"code": "server_error", "message": "no"}}' \
		'[{"type": "server_error", "status": null, "message": "no", "output": ""}, null]'
	refuses from_openai_logs '{"object": "response", "id": "resp_1", "output": []}' '/responses/resp_1/input_items?order=asc'
	refuses from_openai_logs '{"object": "response", "input": [{"type": "computer_call"}], "output": []}' \
		'an item of type computer_call'
	refuses from_openai_logs '{"object": "response", "input": [{"role": "user", "content": [{"type": "video"}]}], "output": []}' \
		'message 1 has a part of another kind'
}

@test "from_openai_logs: output items, data source items and samples of evals" {
	becomes from_openai_logs '{"object": "eval.run.output_item", "id": "outputitem_1", "run_id": "r", "eval_id": "e",
		"created_at": 1743092076, "status": "pass",
		"datasource_item_id": 5, "datasource_item": {"input": "x", "ideal": "7"}, "results": [{"name": "exact",
		"passed": true, "score": 1.0, "sample": null}],
		"sample": {"input": [{"role": "developer", "content": "Add."}, {"role": "user", "content": "3+4"}],
		"output": [{"role": "assistant", "content": "7"}],
		"finish_reason": "stop", "model": "gpt-4o-mini", "usage": {"total_tokens": 9}, "error": null, "temperature": 0.0,
		"seed": 42}}' \
		'{"id": "5", "messages": [{"role": "developer", "content": "Add."}, {"role": "user", "content": "3+4"}], "ideal": "7",
		"output": "7", "model": "gpt-4o-mini",
		"finish_reason": "stop", "usage": {"total_tokens": 9}, "openai": {"object": "eval.run.output_item",
		"id": "outputitem_1", "run_id": "r", "eval_id": "e", "created_at": 1743092076, "status": "pass",
		"datasource_item": {"input": "x", "ideal": "7"}, "results": [{"name": "exact", "passed": true, "score": 1.0,
		"sample": null}], "sample": {"temperature": 0.0, "seed": 42}}}'
	becomes from_openai_logs '{"item": {"input": [{"role": "user", "content": "q"}], "ideal": ["a", "b"], "topic": "t"},
		"sample": {"output_text": "a", "model": "m"}}' \
		'{"messages": [{"role": "user", "content": "q"}], "ideal": ["a", "b"], "output": "a", "model": "m",
		"openai": {"item": {"topic": "t"}}}'
	becomes from_openai_logs '{"input": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "ideal": "a"}' \
		'{"messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "ideal": "a"}'
	becomes from_openai_logs '{"input": "2+2=", "ideal": "4"}' '{"prompt": "2+2=", "ideal": "4"}'
	becomes 'from_openai_logs | .error, .output' '{"object": "eval.run.output_item", "datasource_item_id": 1,
		"sample": {"input": [{"role": "user", "content": "q"}], "output": [],
		"error": {"code": "rate_limit", "message": "slow"}}}' '{"type": "rate_limit", "status": null, "message": "slow"} null'
	refuses from_openai_logs '{"item": {"ticket": "t", "label": "l"}}' 'its members are label, ticket'
	refuses from_openai_logs '{"a": 1}' 'neither a stored completion or response nor an item of an eval'
}

@test "from_langfuse: a generation from the blob storage and one from the API" {
	local input='{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}],'
	input+=' \"tools\": [{\"type\": \"function\", \"function\": {\"name\": \"f\"}}]}'
	local answer='{\"role\": \"assistant\", \"content\": null, \"tool_calls\": [{\"id\": \"c\", \"type\": \"function\",'
	answer+=' \"function\": {\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1.0}\"}}]}'
	becomes from_langfuse '{"id": "o1", "trace_id": "t1", "type": "GENERATION", "start_time": "2026-01-02 03:04:05.000000",
		"name": "chat", "metadata": {"k": "v"}, "level": "DEFAULT",
		"status_message": null,
		"input": "'"$input"'", "output": "'"$answer"'",
		"provided_model_name": "gpt-4o", "model_parameters": "{\"temperature\": 0}", "usage_details": {"input": "10",
		"output": 2, "total": 12}, "cost_details": {"total": 0.001},
		"total_cost": 0.001, "latency": 0.5, "time_to_first_token": null}' \
		'{"id": "o1", "messages": [{"role": "user", "content": "q"}], "tools": [
		{"type": "function", "function": {"name": "f"}}], "output": "",
		"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1.0}"}}],
		"model": "gpt-4o",
		"usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}, "latency": 0.5, "cost": 0.001,
		"metadata": {"k": "v"},
		"langfuse": {"trace_id": "t1", "type": "GENERATION", "start_time": "2026-01-02 03:04:05.000000", "name": "chat",
		"level": "DEFAULT",
		"model_parameters": "{\"temperature\": 0}", "usage_details": {"input": "10", "output": 2, "total": 12},
		"cost_details": {"total": 0.001},
		"provided_model_name": "gpt-4o", "total_cost": 0.001, "latency": 0.5}}'
	becomes from_langfuse '{"id": "o2", "traceId": "t", "type": "GENERATION", "model": "m", "input": [
		{"role": "user", "content": "q"}], "output": "a", "usageDetails": {"input": 1, "output": 1, "total": 2},
		"calculatedTotalCost": 0.5, "latency": 1.25, "timeToFirstToken": 0.25, "level": "DEFAULT"}' \
		'{"id": "o2", "messages": [{"role": "user", "content": "q"}], "output": "a", "model": "m",
		"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
		"latency": 1.25, "ttft": 0.25, "cost": 0.5, "langfuse": {"traceId": "t", "type": "GENERATION", "model": "m",
		"usageDetails": {"input": 1, "output": 1, "total": 2}, "calculatedTotalCost": 0.5, "latency": 1.25,
		"timeToFirstToken": 0.25, "level": "DEFAULT"}}'
}

@test "from_langfuse: text stays as it is written, errors are errors, other observations are named" {
	becomes 'from_langfuse | [.prompt, .output]' '{"type": "GENERATION", "input": "Total?",
		"output": "{\"total\": 12.50, \"n\": 12345678901234567890}"}' \
		'["Total?", "{\"total\": 12.50, \"n\": 12345678901234567890}"]'
	becomes 'from_langfuse | .output' '{"type": "GENERATION", "input": [{"role": "user", "content": "q"}],
		"output": {"total": "x"}}' '"{\"total\":\"x\"}"'
	becomes 'from_langfuse | [.error, .output]' '{"type": "GENERATION", "input": [{"role": "user", "content": "q"}],
		"output": null, "level": "ERROR", "statusMessage": "429 slow"}' \
		'[{"type": "error", "status": null, "message": "429 slow"}, null]'
	becomes 'from_langfuse | [.error, .output]' '{"type": "GENERATION", "input": [{"role": "user", "content": "q"}],
		"output": "half", "level": "ERROR", "status_message": "cut"}' \
		'[{"type": "error", "status": null, "message": "cut", "output": "half"}, null]'
	refuses from_langfuse '{"type": "SPAN", "input": "a", "output": "b"}' 'select(.type == "GENERATION")'
	refuses from_langfuse '{"type": "GENERATION", "input": [{"role": "user", "content": "q"}], "output": null}' 'there is no output'
	refuses from_langfuse '{"type": "GENERATION", "input": {"question": "q"}, "output": "a"}' \
		'neither messages nor text: {"question":"q"}'
	refuses from_langfuse '{"type": "GENERATION", "input": null, "output": "a"}' 'neither messages nor text'
	refuses from_langfuse '{"type": "GENERATION", "input": "q", "output": {"role": "user", "content": "a"}}' \
		'the answer is from the user'
	refuses from_langfuse '{"type": "GENERATION", "input": [{"role": "ai", "content": "q"}], "output": "a"}' \
		'message 1 has the role "ai"'
	refuses from_langfuse '{"type": "GENERATION", "input": [{"role": "user", "content": "q"}], "output": [
		{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]}' 'an output of 2 messages'
}

@test "from_litellm: a StandardLoggingPayload, a failure, a redacted one" {
	becomes from_litellm '{"id": "chatcmpl-1", "trace_id": "t", "call_type": "acompletion", "stream": true, "status": "success",
		"response_cost": 2.5e-05, "total_tokens": 12, "prompt_tokens": 10,
		"completion_tokens": 2, "startTime": 1700000000.25, "endTime": 1700000001.75, "completionStartTime": 1700000000.5,
		"response_time": 0.25, "model": "gpt-4o", "cache_hit": null,
		"metadata": {"user_api_key_hash": "h", "user_api_key_alias": null}, "request_tags": [], "messages": [
		{"role": "user", "content": "q"}],
		"response": {"id": "chatcmpl-1", "created": 1, "object": "chat.completion", "model": "gpt-4o-2024-08-06",
		"usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12},
		"choices": [{"finish_reason": "stop", "index": 0, "message": {"role": "assistant", "content": "a", "tool_calls": null,
		"reasoning_content": "because"}}]},
		"model_parameters": {"temperature": 0.2, "tools": [{"type": "function", "function": {"name": "f"}}],
		"tool_choice": "auto"}, "error_str": null}' \
		'{"id": "chatcmpl-1", "messages": [{"role": "user", "content": "q"}], "tools": [
		{"type": "function", "function": {"name": "f"}}], "tool_choice": "auto", "output": "a",
		"reasoning_content": "because", "finish_reason": "stop", "model": "gpt-4o", "usage": {"prompt_tokens": 10,
		"completion_tokens": 2, "total_tokens": 12}, "latency": 1.5, "ttft": 0.25,
		"cost": 2.5e-05, "metadata": {"user_api_key_hash": "h"}, "litellm": {"trace_id": "t", "call_type": "acompletion",
		"stream": true, "status": "success",
		"startTime": 1700000000.25, "endTime": 1700000001.75, "completionStartTime": 1700000000.5, "response_time": 0.25,
		"model_parameters": {"temperature": 0.2},
		"response_cost": 2.5e-05, "total_tokens": 12, "prompt_tokens": 10, "completion_tokens": 2,
		"response": {"id": "chatcmpl-1", "created": 1, "object": "chat.completion", "model": "gpt-4o-2024-08-06"}}}'
	becomes 'from_litellm | [.messages, .output, .error]' '{"status": "failure", "messages": [{"role": "user", "content": "q"}],
		"response": null, "error_str": "slow down",
		"error_information": {"error_code": "429", "error_class": "RateLimitError"}}' \
		'[[{"role": "user", "content": "q"}], null, {"type": "RateLimitError", "status": 429, "message": "slow down"}]'
	refuses from_litellm '{"messages": [{"role": "user", "content": "redacted-by-litellm"}],
		"response": {"choices": [{"message": {"content": "redacted-by-litellm"}}]}}' turn_off_message_logging
	refuses from_litellm '{"call_type": "aembedding", "messages": [{"role": "user", "content": "q"}], "response": {"data": []}}' \
		'call_type aembedding'
	refuses from_litellm '{"messages": null, "response": {"choices": []}}' 'messages is no list'
	refuses from_litellm '{"messages": [{"role": "user", "content": "q"}], "response": {"choices": []}}' \
		'the completion has no choices'
}

# --- results of evaluations ---

@test "from_promptfoo: a row of results, prompts of messages, calls, a failed request and what it cannot read" {
	becomes from_promptfoo '{"id": "e1", "promptIdx": 0, "testIdx": 3, "promptId": "h", "success": false, "score": 0.5,
		"latencyMs": 312, "testCase": {"vars": {"q": "2+2"}, "assert": [
		{"type": "equals", "value": "4"}, {"type": "latency", "threshold": 900}]},
		"provider": {"id": "openai:gpt-4o-mini", "label": ""},
		"prompt": {"raw": "Add: 2+2", "label": "Add: {{q}}", "config": {}},
		"vars": {"q": "2+2"},
		"response": {"output": "5", "tokenUsage": {"total": 9, "prompt": 8, "completion": 1}, "cached": false},
		"error": "Expected output \"5\" to equal \"4\"", "failureReason": 1, "namedScores": {}, "cost": 0.5,
		"gradingResult": {"pass": false, "score": 0.5, "reason": "x", "componentResults": []}}' \
		'{"id": "3", "messages": [{"role": "user", "content": "Add: 2+2"}], "output": "5", "model": "openai:gpt-4o-mini",
		"prompt_label": "Add: {{q}}", "ideal": "4", "usage": {"prompt_tokens": 8, "completion_tokens": 1, "total_tokens": 9},
		"latency": 0.312, "cost": 0.5, "promptfoo": {"id": "e1", "promptIdx": 0, "testIdx": 3, "promptId": "h",
		"testCase": {"vars": {"q": "2+2"}, "assert": [{"type": "equals", "value": "4"}, {"type": "latency", "threshold": 900}]},
		"provider": {"id": "openai:gpt-4o-mini", "label": ""}, "prompt": {"label": "Add: {{q}}"}, "vars": {"q": "2+2"},
		"response": {"tokenUsage": {"total": 9, "prompt": 8, "completion": 1}, "cached": false},
		"error": "Expected output \"5\" to equal \"4\"", "success": false, "score": 0.5, "latencyMs": 312, "cost": 0.5,
		"gradingResult": {"pass": false, "score": 0.5, "reason": "x"}, "failureReason": 1}}'
	becomes 'from_promptfoo | [.messages, .output, .tool_calls, .ideal, .promptfoo.asked]' '{"testIdx": 0, "provider": {"id": "p"},
		"prompt": {"raw": "[{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", \"content\": \"q\"}]"},
		"testCase": {"assert": [{"type": "equals", "value": "a"}, {"type": "equals", "value": "b"}]},
		"response": {"output": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}}' \
		'[[{"role": "system", "content": "s"}, {"role": "user", "content": "q"}], "",
		[{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}], null, null]'
	becomes 'from_promptfoo | [.messages, .output, .promptfoo.asked]' '{"prompt": {"raw":
		"{\"model\": \"m\", \"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}"}, "response": {"output": {"a": [1, "b"]}}}' \
		'[[{"role": "user", "content": "q"}], "{\"a\":[1,\"b\"]}", {"model": "m"}]'
	becomes 'from_promptfoo | [.id, .output, .error]' '{"testIdx": 1, "prompt": {"raw": "q"}, "failureReason": 2,
		"error": "API error: 429", "response": null}' '["1", null, {"type": "error", "status": null, "message": "API error: 429"}]'
	refuses from_promptfoo '{"prompt": {"raw": "q"}, "response": {"cached": true}}' 'there is no output'
	refuses from_promptfoo '{"prompt": {"raw": "- role: user\n  content: q"}, "response": {"output": "a"}}' 'its prompt is YAML'
	refuses from_promptfoo '{"version": 3, "results": {"results": []}}' 'take .results.results'
}

@test "from_inspect: samples of a log and of a data set, reasoning, calls, attachments, several answers" {
	becomes from_inspect '{"id": 1, "epoch": 2, "input": "2+2?", "target": "4", "messages": [
		{"id": "a", "content": "attachment://k", "role": "system"},
		{"id": "b", "content": "2+2?", "source": "input", "role": "user"},
		{"id": "c", "content": "4", "source": "generate", "role": "assistant", "model": "gpt-4o"}],
		"output": {"model": "gpt-4o", "completion": "4", "time": 0.75,
		"choices": [{"message": {"id": "c", "content": [{"type": "reasoning", "reasoning": "hm", "redacted": false},
		{"type": "text", "text": "4", "refusal": null}], "source": "generate", "role": "assistant", "model": "gpt-4o"},
		"stop_reason": "max_tokens"}],
		"usage": {"input_tokens": 9, "output_tokens": 1, "total_tokens": 10, "input_tokens_cache_read": 4}},
		"scores": {"match": {"value": "C", "answer": "4"}}, "metadata": {"topic": "sum"}, "store": {},
		"attachments": {"k": "Add."},
		"total_time": 0.9}' \
		'{"id": "1", "messages": [{"role": "system", "content": "Add."}, {"role": "user", "content": "2+2?"}], "output": "4",
		"reasoning_content": "hm", "finish_reason": "length", "sample": 1, "model": "gpt-4o", "ideal": "4",
		"usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}, "latency": 0.75, "metadata": {"topic": "sum"},
		"inspect": {"epoch": 2, "input": "2+2?", "output": {"model": "gpt-4o", "time": 0.75, "usage": {"input_tokens": 9,
		"output_tokens": 1, "total_tokens": 10, "input_tokens_cache_read": 4}}, "scores": {"match": {"value": "C", "answer": "4"}},
		"last": {"id": "c", "content": "4", "source": "generate",
		"role": "assistant", "model": "gpt-4o"}, "attachments": {"k": "Add."}, "total_time": 0.9}}'
	becomes from_inspect '{"input": "q", "target": ["a", "b"], "id": "x", "choices": ["a", "b", "c"], "metadata": {"m": 1}}' \
		'{"id": "x", "messages": [{"role": "user", "content": "q"}], "ideal": ["a", "b"], "metadata": {"m": 1},
		"inspect": {"choices": ["a", "b", "c"]}}'
	becomes 'from_inspect | [.messages, .output, .sample]' '{"id": 2, "epoch": 1, "input": "q", "target": "", "messages": [
		{"role": "user", "content": "q"},
		{"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": "f",
		"arguments": {"n": 1}, "type": "function"}]},
		{"role": "tool", "content": "7", "tool_call_id": "c", "function": "f"}, {"role": "assistant", "content": "7"}],
		"output": {"choices": [{"message": {"role": "assistant", "content": "7"}, "stop_reason": "stop"}]}}' \
		'[[{"role": "user", "content": "q"}, {"role": "assistant", "content": "", "tool_calls": [
		{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"n\":1}"}}]},
		{"role": "tool", "content": "7", "tool_call_id": "c", "name": "f"}], "7", 0]'
	becomes '[from_inspect | [.sample, .output]]' '{"id": 3, "epoch": 1, "input": [{"role": "user", "content": "q"}],
		"output": {"choices": [
		{"message": {"role": "assistant", "content": "a"}}, {"message": {"role": "assistant", "content": "b"}}]}}' \
		'[[0, "a"], [1, "b"]]'
	becomes 'from_inspect | [.messages, .output, .error]' '{"id": 4, "epoch": 1, "input": "q", "output": {"choices": []},
		"error": {"message": "timed out", "traceback": "t"}}' \
		'[[{"role": "user", "content": "q"}], null, {"type": "error", "status": null, "message": "timed out"}]'
	refuses from_inspect '{"id": 5, "epoch": 1, "input": "q", "output": {"choices": []}}' 'there is no output'
	refuses from_inspect '{"version": 2, "samples": []}' 'take .samples[]'
	refuses from_inspect '{"input": "attachment://k", "attachments": {"other": "x"}}' 'not in the log: attachment://k'
	refuses from_inspect '{"input": [{"role": "user", "content": [{"type": "image", "image": "data:"}]}]}' 'part that is not text'
	refuses from_inspect '{"input": [{"role": "assistant", "content": [{"type": "reasoning", "reasoning": "x", "redacted": true}]}]}' \
		'reasoning of another form'
}

@test "from_helicone: an exported request, a thumb, an error, a body that was left out" {
	becomes from_helicone '{"response_id": "r", "request_id": "q1", "response_status": 200,
		"request_created_at": "2026-01-02T03:04:05Z", "request_model": "gpt-4o", "response_model": "gpt-4o-2024-08-06",
		"request_path": "/v1/chat/completions", "provider": "OPENAI", "delay_ms": 1250, "time_to_first_token": null,
		"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4, "costUSD": 0.01,
		"feedback_rating": false, "request_user_id": "u", "request_properties": {"app": "x"}, "properties": {"app": "x"},
		"request_body": {"model": "gpt-4o", "temperature": 0, "messages": [{"role": "user", "content": "q", "name": null}]},
		"response_body": {"id": "c", "choices": [{"index": 0, "message": {"role": "assistant", "content": "a"},
		"finish_reason": "stop"}]}}' \
		'{"id": "q1", "messages": [{"role": "user", "content": "q"}], "output": "a", "finish_reason": "stop",
		"model": "gpt-4o-2024-08-06",
		"usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}, "latency": 1.25, "cost": 0.01,
		"label": false, "metadata": {"app": "x"},
		"helicone": {"response_id": "r", "response_status": 200, "request_created_at": "2026-01-02T03:04:05Z",
		"request_model": "gpt-4o", "request_path": "/v1/chat/completions",
		"provider": "OPENAI", "request_user_id": "u", "response_model": "gpt-4o-2024-08-06", "delay_ms": 1250,
		"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4, "costUSD": 0.01, "feedback_rating": false,
		"request_properties": {"app": "x"}, "properties": {"app": "x"}, "request_body": {"model": "gpt-4o", "temperature": 0},
		"response_body": {"id": "c"}}}'
	becomes 'from_helicone | [.output, .error]' '{"request_id": "q", "response_status": 429,
		"request_body": {"messages": [{"role": "user", "content": "q"}]},
		"response_body": {"error": {"message": "slow", "type": "requests", "code": null}}}' '[null, {"type": "requests",
		"status": 429, "message": "slow"}]'
	becomes 'from_helicone | [.output, .error]' '{"request_id": "q", "response_status": 500,
		"request_body": "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}",
		"response_body": "{\"error\": \"oops\"}"}' \
		'[null, {"type": "error", "status": 500, "message": "oops"}]'
	refuses from_helicone '{"request_id": "q", "request_body": {}}' '--include-body'
	refuses from_helicone '{"request_body": {"helicone_message": "request body too large"}, "response_body": {}}' \
		'request body too large'
	refuses from_helicone '{"provider": "ANTHROPIC", "request_body": {"messages": [{"role": "user", "content": "q"}]},
		"response_body": {"content": [{"type": "text", "text": "a"}]}}' 'provider ANTHROPIC'
}

@test "from_openpipe: an exported log with parallel calls, and the rows of a data set" {
	becomes from_openpipe '{"input": {"model": "openpipe:x", "tools": [{"type": "function", "function": {"name": "w"}}],
		"messages": [{"role": "system", "content": "SF and Orlando"}]},
		"output": {"id": "o", "model": "openpipe:x", "usage": {"total_tokens": 106}, "object": "chat.completion",
		"choices": [{"index": 0, "message": {"role": "assistant", "content": null,
		"tool_calls": [{"id": "", "type": "function", "function": {"name": "w", "arguments": "{\"location\": \"SF\"}"}},
		{"id": "", "type": "function", "function": {"name": "w", "arguments": "{}"}}]},
		"finish_reason": "stop"}], "created": 1702666185703}, "tags": {"promptId": "p", "$sdk": "python"}}' \
		'{"id": "o", "messages": [{"role": "system", "content": "SF and Orlando"}], "tools": [
		{"type": "function", "function": {"name": "w"}}], "output": "",
		"tool_calls": [{"id": "", "type": "function", "function": {"name": "w", "arguments": "{\"location\": \"SF\"}"}},
		{"id": "", "type": "function", "function": {"name": "w", "arguments": "{}"}}],
		"finish_reason": "stop", "model": "openpipe:x", "usage": {"total_tokens": 106}, "metadata": {"promptId": "p",
		"$sdk": "python"},
		"openpipe": {"input": {"model": "openpipe:x"}, "output": {"object": "chat.completion", "created": 1702666185703}}}'
	becomes from_openpipe '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null,
		"function_call": {"name": "f", "arguments": "{}"}},
		{"role": "function", "name": "f", "content": "1"}, {"role": "assistant", "content": "a"}],
		"functions": [{"name": "f"}], "function_call": {"name": "f"}, "split": "TRAIN", "metadata": {"k": "v"}}' \
		'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null,
		"tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
		{"role": "tool", "name": "f", "content": "1", "tool_call_id": "call00001"}, {"role": "assistant", "content": "a"}],
		"tools": [{"type": "function", "function": {"name": "f"}}],
		"tool_choice": {"type": "function", "function": {"name": "f"}}, "split": "train", "metadata": {"k": "v"}}'
	becomes from_openpipe '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
		"rejected_message": {"role": "assistant", "content": "b"}, "split": "TEST"}' \
		'{"input": {"messages": [{"role": "user", "content": "q"}]}, "preferred_output": [
		{"role": "assistant", "content": "a"}], "non_preferred_output": [{"role": "assistant", "content": "b"}], "split": "test"}'
	becomes 'from_openpipe | [.output, .error]' '{"input": {"messages": [{"role": "user", "content": "q"}]},
		"output": {"error": {"message": "no", "type": "bad"}}}' \
		'[null, {"type": "bad", "status": null, "message": "no"}]'
	becomes 'from_openpipe | .output' '{"input": {"messages": [{"role": "user", "content": "q"}]}, "output": {"role": "assistant",
		"content": "a"}}' '"a"'
	refuses from_openpipe '{"input": {"messages": [{"role": "user", "content": "q"}]}, "output": null}' 'there is no output'
	refuses from_openpipe '{"messages": [{"role": "user"}]}' 'message 1 has no content'
}

@test "logs: members of answers that records have no name for are kept with the source" {
	becomes 'from_openpipe | .output, .id, .openpipe' '{"input": {"messages": [{"role": "user", "content": "q"}]},
		"output": {"id": "o", "choices": [{"index": 0, "seed": 7, "message":
		{"id": "m", "role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
		"annotations": [{"type": "url_citation"}]}}]}, "metadata": {"k": 1}, "tags": {"t": 1}}' \
		'"ab" "o" {"metadata": {"k": 1}, "choice": {"seed": 7}, "message": {"id": "m",
		"annotations": [{"type": "url_citation"}]}}'
	refuses from_openpipe '{"input": {"messages": [{"role": "user", "content": "q"}]},
		"output": {"choices": [{"message": {"content": [{"type": "image_url"}]}}]}}' 'a part that is not text'
	refuses from_openpipe '{"input": {"messages": [{"role": "user", "content": "q"}], "prompt": "p"},
		"output": {"choices": [{"text": "a"}]}}' 'with messages and with a prompt'
	refuses from_openpipe '{"input": {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null,
		"tool_calls": [{"name": "f", "args": {}}]}]}, "output": {}}' "another form than OpenAI's"
}

@test "learn_output: an answer becomes the reference, with its calls and its reasoning" {
	becomes learn_output '{"messages": [{"role": "user", "content": "q"}], "output": "", "tool_calls": [
		{"id": "", "type": "function", "function": {"name": "f", "arguments": "{}"}}], "model": "m"}' \
		'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null,
		"tool_calls": [{"id": "call00001", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}], "model": "m"}'
	becomes learn_output '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "old"}],
		"output": "new", "reasoning_content": "r"}' \
		'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "new", "reasoning_content": "r"}]}'
	becomes learn_output '{"prompt": "2+2=", "output": "4"}' '{"prompt": "2+2=", "completion": "4"}'
	refuses learn_output '{"messages": [{"role": "user", "content": "q"}], "error": {"type": "x"}}' 'there is no answer'
	refuses learn_output '{"messages": [{"role": "user", "content": "q"}]}' 'there is no output'
}

# --- CSV ---

csv() { jq -L "$ROOT/lib/jq" -R -s -c "include \"ft\"; $1"; }

@test "from_csv: RFC 4180 with quotes, newlines, commas, doubled quotes, CRLF and a byte order mark" {
	printf '\xef\xbb\xbfname,"the ""text""",n\r\nann,"a, b\r\nc ""d""",1.0\r\n,"",\r\n\r\n"é ""","""",007' | csv from_csv >got
	cat >want <<-'END'
		{"name":"ann","the \"text\"":"a, b\r\nc \"d\"","n":"1.0"}
		{"name":"","the \"text\"":"","n":""}
		{"name":"é \"","the \"text\"":"\"","n":"007"}
	END
	diff want got
	[ "$(printf 'a\n"x"\n\ny\n' | csv from_csv)" = '{"a":"x"}
{"a":"y"}' ]
	[ "$(printf 'a,b\n' | csv from_csv)" = "" ]
}

@test "from_csv: tabs and semicolons part the cells where the header has no comma" {
	printf 'question\tanswer\nWho, then?\t"a\tb"\n' | csv from_csv >tabs.out
	[ "$(cat tabs.out)" = '{"question":"Who, then?","answer":"a\tb"}' ]
	printf '"a,b";c\r\n1,5;"2;3"\r\n' | csv from_csv >semicolons.out
	[ "$(cat semicolons.out)" = '{"a,b":"1,5","c":"2;3"}' ]
	printf 'a,b;c\n1;2,3\n' | csv from_csv >commas.out
	[ "$(cat commas.out)" = '{"a":"1;2","b;c":"3"}' ]
}

@test "from_csv: a broken file is named by its line" {
	local bad want
	while IFS='|' read -r bad want; do
		printf "$bad" >bad.csv
		status_is 5 csv from_csv <bad.csv
		[[ $stderr == *"$want"* ]] || { echo "$bad: $stderr"; return 1; }
	done <<'END'
a,b\n1,2\n3\n|line 3: 1 fields, and 2 columns
a,b\n"x\ny",2\n3,4,5\n|line 4: 3 fields, and 2 columns
a,b\n1,2\n"3\n4,5|line 3: a quote is not closed
a,b\n1,x"y"\n|line 2: a quote in a field
a,b\n"x"y,2\n|line 2: text after a closing quote
a,b\n"x" ,2\n|line 2: text after a closing quote
a,b\r1,2\r|line 1: a carriage return
a,a\n1,2\n|names of columns are empty or the same
a,\n1,2\n|names of columns are empty or the same
END
}

@test "from_csv: two columns as question and answer, the others are kept" {
	printf 'id,q,a,text,topic\n1,"Hi, you",Fine,t,x\n' | csv 'from_csv("q"; "a")' >got
	jq -nc '{id: "1", messages: [{role: "user", content: "Hi, you"}, {role: "assistant", content: "Fine"}],
		topic: "x", metadata: {text: "t"}}' | cmp - got
	status_is 5 csv 'from_csv("question"; "a")' < <(printf 'q,a\n1,2\n')
	[[ $stderr == *"the columns are q, a"* ]]
}

@test "from_csv: what Python's csv wrote comes back, and in a time that grows with the file alone" {
	python3 -c 'import csv, json, random, sys
random.seed(4)
w, j = csv.writer(open("r.csv", "w", newline="")), open("want", "w")
w.writerow(["a", "b,c", "d\"e\n"])
for i in range(3000):
    row = ["".join(random.choice("x,\"\n\r é") for _ in range(random.randrange(6))) for _ in range(3)]
    w.writerow(row)
    print(json.dumps(dict(zip(["a", "b,c", "d\"e\n"], row)), ensure_ascii=False), file=j)' || skip "no python3"
	csv from_csv <r.csv | jq -cS . >got
	jq -cS . want | diff - got
}

# --- TRL ---

@test "to_trl: what is trained on decides the form" {
	becomes to_trl '{"id": "1", "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
		"model": "m"}' \
		'{"id": "1", "prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}],
		"model": "m"}'
	becomes to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0},
		{"role": "user", "content": "r"}, {"role": "assistant", "content": "b", "weight": 1}]}' \
		'{"prompt": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
		{"role": "user", "content": "r"}], "completion": [{"role": "assistant", "content": "b"}]}'
	becomes to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
		{"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]}' \
		'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
		{"role": "user", "content": "r"}, {"role": "assistant", "content": "b"}]}'
	becomes to_trl '{"messages": [{"role": "user", "content": "q"}]}' '{"prompt": [{"role": "user", "content": "q"}]}'
	becomes to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}], "label": false}' \
		'{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": "a"}], "label": false}'
	becomes to_trl '{"prompt": "a", "completion": "b", "weight": 2}' '{"prompt": "a", "completion": "b", "weight": 2}'
	refuses to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"},
		{"role": "user", "content": "r"}, {"role": "assistant", "content": "b", "weight": 0}]}' 'no place for that in TRL'
	refuses to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", "weight": 0.5}]}' \
		'weights other than 0 and 1'
	refuses to_trl '{"messages": [{"role": "user", "content": "q"}], "completion": "b"}' 'a member completion of its own'
	refuses to_trl '{"a": 1}' 'neither messages nor text'
}

@test "to_trl: arguments as objects, tools as they are, preferences" {
	becomes to_trl '{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": null,
		"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\": [1]}"}}]}],
		"tools": [{"type": "function", "function": {"name": "f"}}]}' \
		'{"prompt": [{"role": "user", "content": "q"}], "completion": [{"role": "assistant", "content": null,
		"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": [1]}}}]}],
		"tools": [{"type": "function", "function": {"name": "f"}}]}'
	becomes to_trl '{"input": {"messages": [{"role": "user", "content": "q"}], "tools": [
		{"type": "function", "function": {"name": "f"}}]}, "preferred_output": [{"role": "assistant", "content": "a"}],
		"non_preferred_output": [{"role": "assistant", "content": "b"}], "id": "1"}' \
		'{"prompt": [{"role": "user", "content": "q"}], "chosen": [{"role": "assistant", "content": "a"}],
		"rejected": [{"role": "assistant", "content": "b"}],
		"tools": [{"type": "function", "function": {"name": "f"}}], "id": "1"}'
	refuses to_trl '{"messages": [{"role": "assistant", "content": null, "tool_calls": [{"function": {"name": "f",
		"arguments": "{"}}]}]}' 'the arguments of a call is no JSON'
	refuses to_trl '{"input": {"messages": [], "parallel_tool_calls": true}, "preferred_output": [],
		"non_preferred_output": []}' parallel_tool_calls
}

@test "numbers with more digits than jq keeps are an error or whole, never another number" {
	printf '%s\n' '{"conversations": [{"from": "gpt", "value": "a"}],
		"tools": "[{\"name\": \"f\", \"max\": 12345678901234567890}]"}' >row
	if ft from_sharegpt row >got 2>err; then
		grep -q '"max":12345678901234567890}' got
	else
		grep -q 'tools has a number of more digits than this jq keeps' err
		[ ! -s got ]
	fi
}

# trains_alike ROWS FILTER - the rows, converted, are trained on exactly as chat.jsonl is.
trains_alike() {
	ft "inputs | $2" -n "$1" >rows.jsonl
	ft-train -q --scratch tiny.json --dry-run rows.jsonl >got
	cmp want got
}

@test "200 rows of each form are trained on as the chats that they say" {
	jq -nc 'range(200) | {id: "r\(.)", messages: [{role: "system", content: "s"}, {role: "user", content: "q é \(.)"},
		{role: "assistant", content: "a \(. % 7)"}]}' >chat.jsonl
	echo '{"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1, "num_attention_heads": 2,
		"num_key_value_heads": 1,
		"max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}' >tiny.json
	ft-train -q --scratch tiny.json --dry-run chat.jsonl >want
	[ -s want ]
	for form in sharegpt alpaca; do
		ft "inputs | to_$form" -n chat.jsonl >"$form.jsonl"
		trains_alike "$form.jsonl" "from_$form"
		cmp rows.jsonl chat.jsonl
	done
	# TRL's form is read as it is: --dry-run and the messages together are the way there and back.
	ft 'inputs | to_trl' -n chat.jsonl >trl.jsonl
	trains_alike trl.jsonl .
	jq -c '{id, messages: (.prompt + .completion)}' trl.jsonl | cmp - chat.jsonl
	jq -c '{instruction: .messages[1].content, output: .messages[2].content, system: .messages[0].content, id}' chat.jsonl >rows
	trains_alike rows from_alpaca
	jq -c '{conversations: (.messages[1:] | map({from: {user: "human", assistant: "gpt"}[.role], value: .content})),
		system: .messages[0].content, id}' chat.jsonl >rows
	trains_alike rows from_sharegpt
	jq -c '{messages: .messages[:2]} as $in | {choices: [{message: .messages[2]}]} as $out | .id as $id
		| {langfuse: {id: $id, type: "GENERATION", input: ($in.messages | tojson), output: ($out.choices[0].message | tojson)},
			openai: ($out + $in + {id: $id, object: "chat.completion"}), litellm: {id: $id, messages: $in.messages,
		response: $out},
			helicone: {request_id: $id, request_body: $in, response_body: $out}, openpipe: {input: $in,
		output: ($out + {id: $id})}}' chat.jsonl >logs
	jq -c .messages chat.jsonl >messages
	for source in langfuse litellm helicone openpipe openai; do
		trains_alike logs ".$source | from_${source/openai/openai_logs} | learn_output"
		for form in sharegpt alpaca; do
			ft "to_$form | from_$form | .messages" rows.jsonl | cmp - messages
		done
		ft 'to_trl | .prompt + .completion' rows.jsonl | cmp - messages
	done
	echo q,a >chat.csv
	jq -r '[.messages[1:][].content] | @csv' chat.jsonl >>chat.csv
	csv 'from_csv("q"; "a") | .messages |= [{role: "system", content: "s"}] + .' <chat.csv >read.jsonl
	jq -c .messages read.jsonl | cmp - messages
	trains_alike read.jsonl .
}

@test "a member added anywhere to these rows comes out again, or is an error" {
	[ -s "$BATS_FILE_TMPDIR/rows" ] || skip "the other tests did not run"
	local names="sharegpt alpaca openai_logs langfuse litellm helicone openpipe promptfoo inspect" run=empty n
	for n in $names; do run="if \$f == \"from_$n\" then from_$n else $run end"; done
	for n in sharegpt alpaca trl; do run="if \$f == \"to_$n\" then to_$n else $run end"; done
	# Left out are the envelopes of lists, which say nothing of a row.
	ft "def run(\$f): $run; inputs | (.filter | split(\" \")[0]) as \$f | .row as \$row"'
		| ($row | [paths(type == "object")] + [[]] | .[]) as $p
		| select($row | getpath($p) | .object != "list")
		| ($row | setpath($p + ["added"]; "MARK")) as $more
		| [$more | try run($f) catch "MARK"]
		| if length == 0 then empty else {lost: (tojson | contains("MARK") | not), $f, $p, $row} end' \
		-n "$BATS_FILE_TMPDIR/rows" >all
	[ "$(wc -l <all)" -gt 200 ] || { wc -l all; return 1; }
	run ! grep '"lost":true' all
}

@test "the module is installed where jq -L finds it, and uninstalled" {
	make -s -n -C "$ROOT" install DESTDIR="$TMP/root" PREFIX=/usr >install
	grep -q 'share/ft' install
	make -s -n -C "$ROOT" uninstall DESTDIR="$TMP/root" PREFIX=/usr >uninstall
	grep -q 'share/ft/ft.jq' uninstall
}
