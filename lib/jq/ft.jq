# ft.jq: between the records of ft-jsonl(5) and the rows of other programs. ft.jq(5) says what each
# filter reads, keeps and refuses, and after which documentation. What a row says is converted, kept
# as a member, or an error that names it. Names that begin with an underscore are for this file.
# It runs on jq 1.6, whose `try` also catches what fails downstream of it: try stands inside [ ].

# --- values ---

def _must(ok; why): if ok then . else error(why) end;

def _says: . != null and . != [] and . != {};

# The members that say something.
def _said: with_entries(select(.value | _says));

def _drop($names): delpaths($names | map([.]));

def _show: tojson | if length > 80 then .[:80] + "..." else . end;

def _text(where): _must(type == "string"; "\(where) is no text: \(_show)");

def _long_numbers: [scan("[0-9]{16,}")];

# What a string holds as JSON.
def _parsed(where):
	. as $text
	| [try fromjson catch empty]
	| _must(length == 1; "\(where) is no JSON: \($text | _show)")
	| .[0];

# The same, with its numbers whole.
def _json(where):
	. as $text
	| _parsed(where)
	| _must((tojson | _long_numbers) == ($text | _long_numbers);
		"\(where) has a number of more digits than this jq keeps (jq 1.7 keeps them)");

# Text with JSON in it that is wanted; other text stays.
def _json_if(wanted):
	. as $text
	| if type == "string" and test("^\\s*[\\[{]") and ([try fromjson catch null][0] | wanted) then
		_json("an input or output")
	else $text end;

# --- messages, as the API of OpenAI has them ---

# Calls without an id get one, of nine letters and digits, which is what Mistral's templates take;
# the answer of a tool gets that of the first call not answered yet.
def _numbered:
	reduce .[] as $m ({out: [], open: [], n: 0};
		if $m.tool_calls then
			reduce $m.tool_calls[] as $c (.calls = [];
				.n += 1
				| (if ($c.id // "") == "" then "call\(100000 + .n | tostring[1:])" else $c.id end) as $id
				| .open += [$id]
				| .calls += [{id: $id, type: "function"} + ($c | _drop(["id"]))])
			| .calls as $calls
			| .out += [$m | .tool_calls = $calls]
		elif $m.role == "tool" and ($m.tool_call_id // "") != "" then
			.open -= [$m.tool_call_id] | .out += [$m]
		elif $m.role == "tool" and .open != [] then
			.open[0] as $id | .open |= .[1:] | .out += [$m + {tool_call_id: $id}]
		else .out += [$m] end)
	| .out;

# What SDKs write for nothing (null members, empty lists) is left out; function_call and the role
# function, as they were in 2023, become tool_calls and tool.
def _message(where):
	_must(type == "object"; "\(where) is no message: \(_show)")
	| (.content_parts // .content) as $content
	| _said
	| _must($content != null or .tool_calls or .function_call or .refusal; "\(where) has no content")
	| .content = $content
	| if .function_call and (.tool_calls | not) then
		.tool_calls = [{type: "function", function: .function_call}] | del(.function_call)
	else . end
	| if .role == "function" then .role = "tool" else . end
	| del(.content_parts)
	| _must(.role | IN("system", "developer", "user", "assistant", "tool"); "\(where) has the role \(.role | tojson)")
	| _must(all(.tool_calls[]?; (.function.name | type) == "string" or .type == "custom");
		"\(where) has calls of another form than OpenAI's: \(.tool_calls | _show)");

def _messages:
	_must(type == "array" and . != []; "messages is no list of messages: \(_show)")
	| [range(length) as $i | .[$i] | _message("message \($i + 1)")]
	| _numbered;

# Tools in OpenAI's wrapper; bare functions, one alone, and JSON in a string become that.
def _tools:
	if type == "string" and . != "" then _json("tools") else . end
	| if . == null or . == "" or . == {} then [] elif type == "object" then [.] else . end
	| _must(type == "array" and all(.[]; type == "object"); "tools is no list of tools: \(_show)")
	| map(if .function or (.type // "function") != "function" then .
	else {type: "function", function: del(.type)} end);

def _request_members:
	["messages", "prompt", "tools", "functions", "tool_choice", "function_call", "response_format"];

# What a request asks.
def _asked:
	_must(.messages == null or .prompt == null; "it asks with messages and with a prompt")
	| (if .prompt | type == "string" then {prompt}
	else {messages: (.messages | _messages)} end)
	+ ({
		tools: ((.tools | _tools) + (.functions | _tools)),
		tool_choice: (.tool_choice
			// (.function_call | if type == "object" then {type: "function", function: .} else . end)),
		response_format
	} | _said);

# The members of a message that an answer keeps beside its output.
def _spoken: ["tool_calls", "refusal", "reasoning_content", "reasoning", "thinking"];

# A message that answers, in the members that ft-jsonl(5) has for it; what else it has in message.
def _answer:
	{role: "assistant"} + _said
	| _message("the answer")
	| _must(.role == "assistant"; "the answer is from the \(.role)")
	| . as $m
	| {output: (.content // ""
		| if type == "array" then
			map(_must(.type == "text" and (_said | keys - ["text", "type"]) == [];
				"the answer has a part that is not text: \(_show)") | .text)
			| join("")
		else . end
		| _text("the answer"))}
	+ ([_spoken[] | {key: ., value: $m[.]}] | from_entries | _said)
	+ {message: _drop(["role", "content"] + _spoken)};

# The answers of a completion.
def _answers:
	.choices as $c
	| _must(($c | type) == "array" and $c != []; "the completion has no choices")
	| range($c | length) as $i
	| $c[$i]
	| (if .message then .message | _answer else {output: (.text | _text("the answer"))} end)
	+ ({finish_reason, logprobs} | _said)
	+ (if ($c | length) > 1 then {sample: $i} else {} end)
	+ {choice: _drop(["message", "text", "finish_reason", "logprobs", "index"])};

# The records of a row of a log: what was asked, each answer, how it went, and the rest of the row
# under the name of its source. Beside an error there is no answer: what came is in the error.
def _log($source; $asked; answers; $facts; $rest):
	(if $facts.error then {error: ($facts.error + ([try answers catch empty][0] // {} | {output} | _said))}
	else answers end) as $answer
	| ({id: $facts.id} | _said) + $asked + ($answer | _drop(["message", "choice"]))
	+ ($facts | _drop(["id", "error"]) | _said)
	+ ({($source): ($rest + ($answer | {message, choice})
		| map_values(if type == "object" then _said else . end) | _said)} | _said);

def _number:
	if type == "string" and test("^[-+0-9.eE]+$") then tonumber
	elif type == "number" then .
	else null end;

# What ft-jsonl(5) has for an error that is text or an object.
def _failure($error; $code):
	($error | if type == "object" then . else {message: .} end) as $e
	| {
		type: ($e.type // $e.code // "error" | tostring),
		status: ($code // $e.status // $e.code | _number),
		message: ($e.message // $e | if type == "string" then . else tojson end)
	};

def _microseconds: . * 1e6 | round / 1e6;

# --- responses of OpenAI's API of that name ---

# What an item or a part says beside what is converted.
def _beside($names): _said | _drop(["type", "status"] + $names);

def _part(where):
	if .type | IN("input_text", "output_text", "text") then
		{type: "text", text: (.text | _text(where))} + _beside(["text"])
	elif .type == "input_image" and .image_url then
		{type: "image_url", image_url: ({url: .image_url, detail} | _said)} + _beside(["image_url", "detail"])
	elif .type == "input_file" then {type: "file", file: (_said | del(.type))}
	elif .type == "input_audio" then .
	else error("\(where) has a part of another kind: \(_show)") end;

def _parts(where): if type == "array" then map(_part(where)) else . end;

def _is_call: .type | IN("function_call", "custom_tool_call");

def _item_call:
	{id: .call_id}
	+ if .type == "custom_tool_call" then {type: "custom", custom: {name, input}}
	else {type: "function", function: {name, arguments}} end
	+ _beside(["id", "call_id", "name", "arguments", "input"]);

# Reasoning as it was written, or what was made public of it.
def _thought:
	[(.content // [])[].text] as $own
	| if ($own | join("")) != "" then $own else [(.summary // [])[].text] end
	| join("\n\n");

def _refusal: [.content | arrays | .[] | select(.type == "refusal") | .refusal] | join("");

# Items as turns: calls stand with what was said before them, reasoning with what comes next.
def _turns:
	reduce .[] as $i ({out: []};
		($i.type // "message") as $type
		| "message \(.out | length + 1)" as $where
		| (.thought // [] | join("\n\n")) as $thought
		| if $type == "reasoning" then .thought += [$i | _thought | select(. != "")]
		elif $type | IN("function_call_output", "custom_tool_call_output") then
			.out += [{role: "tool", tool_call_id: $i.call_id, content: ($i.output | _parts($where))}
				+ ($i | _beside(["call_id", "output"]))]
		elif $i | _is_call then
			if .out[-1].role == "assistant" and $thought == "" then .
			else .out += [{role: "assistant", reasoning_content: $thought}] end
			| .out[-1].tool_calls += [$i | _item_call]
			| .thought = null
		elif $type == "message" then
			([$i.content | arrays | .[] | select(.type == "refusal" and _beside(["refusal"]) == {})]) as $no
			| .out += [{role: $i.role, reasoning_content: $thought, refusal: ($i | _refusal),
				content: ($i.content | if type == "array" then . - $no else . end | _parts($where))}
				+ ($i | _beside(["role", "content"]))]
			| .thought = null
		else error("an item of type \($type) has no counterpart among messages") end)
	| .out
	| map(with_entries(select(.value | . != "" and _says)) | .content = .content);

def _response_input:
	.input | if type == "object" then .data elif type == "string" then [{role: "user", content: .}] else . end;

# What a response was asked: its instructions, and its input, which the API lists apart.
def _response_asked:
	. as $r
	| (.instructions
		| if type == "string" then [{role: "system", content: .}] else . // [] end) as $told
	| {
		messages: ($told + _response_input | _turns),
		tools,
		tool_choice: (.tool_choice | if . == "auto" then null
			elif type == "object" and .name then {type, (.type): {name}} + _beside(["name"]) else . end),
		response_format: (.text.format | if .type == "json_schema" then {type, json_schema: del(.type)}
			elif . == {type: "text"} then null else . end)
	}
	| _asked;

def _words: if . == "" then null else . end;

# Whether a record's own members say all of an item.
def _told:
	if _is_call then _beside(["id", "call_id", "name", "arguments", "input"]) == {}
	else .type == "message" and _beside(["role", "id", "content", "phase"]) == {}
		and all(.content[]?; _beside(["text", "refusal", "logprobs"]) == {}) end;

def _response_answer:
	(.output // []) as $o
	| [$o[] | select(.type == "message")] as $said
	| (if any($said[]; .phase != "commentary") then ["commentary"] else [] end) as $aside
	| [$said[] | select(.phase | IN($aside[]) | not)] as $final
	| (if .status == "incomplete" then .incomplete_details.reason
		elif any($o[]; _is_call) then "tool_calls" else "stop" end) as $finish
	| {output: ([$final[].content[]? | select(.type == "output_text") | .text] | join(""))}
	+ ({
		tool_calls: [$o[] | select(_is_call) | _item_call],
		refusal: ([$said[] | _refusal] | join("") | _words),
		reasoning: ([$o[]
			| if .type == "reasoning" then _thought
			elif .type == "message" and (.phase | IN($aside[])) then [.content[]?.text] | join("")
			else "" end
			| select(. != "")] | join("\n\n") | _words),
		finish_reason: (if $finish == "max_output_tokens" then "length" else $finish end),
		logprobs: [$final[].content[]?.logprobs | arrays | .[]]
	} | _said)
	+ {message: {output: [$o[] | select(_told | not)]}};

# --- logs ---

# From a member messages or input (messages, or text) of an item, with the answer of a sample.
def _eval_item($item; $sample; $rest):
	($sample // {}) as $s
	| ($s.error // {}) as $e
	| _log("openai";
		($item
		| if .messages != null or .input == null then .
		elif .input | type == "string" then .prompt = .input
		else .messages = .input end
		| _must(.messages // .prompt;
			"the item has neither messages nor input: its members are \(keys | join(", "))")
		| _asked + ({ideal} | _said));
		if $s.choices then $s | _answers
		elif $s.output_text then $s | {output: .output_text, tool_calls: .output_tools} | _said
		elif $s.output | _says then
			$s.output | _must(length == 1; "an answer of \(length) messages") | .[0] | _answer
		else {} end;
		$s
		| {model, finish_reason, usage}
		+ {error: (if ($e.message // $e.code // "") == "" then null else _failure($e; null) end)};
		$rest + {sample: ($s | _drop(["choices", "input", "output", "output_text", "output_tools", "model",
			"finish_reason", "usage"]))});

def from_openai_logs:
	if .object == "list" then .data[] | from_openai_logs
	elif .object == "eval.run.output_item" then
		.sample.input as $in
		| {id: (.datasource_item_id | tostring)}
		+ _eval_item({messages: $in, ideal: .datasource_item.ideal}; .sample;
			_drop(["datasource_item_id", "sample"]))
	elif .item then
		_eval_item(.item; .sample;
			_drop(["item", "sample"]) + {item: (.item | _drop(["messages", "input", "ideal"]))})
	elif .object == "response" then
		_must(.input; "a response without what was asked: put the list that is at "
			+ "/responses/\(.id)/input_items?order=asc beside it, as input")
		| _log("openai"; _response_asked; _response_answer;
			{id, model, usage, metadata, error: (if .error then _failure(.error; null) else null end)};
			(.text |= if . then del(.format) else . end
			| .input = [_response_input[] | select(.type == "reasoning")]
			| _drop(["id", "instructions", "tools", "tool_choice", "output", "model", "usage", "metadata"])))
	elif .choices then
		_must(.messages; "a completion without what was asked: put the list that is at "
			+ "/chat/completions/\(.id)/messages beside it, as messages")
		| .messages |= if type == "object" then .data else . end
		| _log("openai"; _asked; _answers; {id, model, usage, metadata};
			_drop(_request_members + ["id", "choices", "model", "usage", "metadata"]))
	else
		_must(.input; "neither a stored completion or response nor an item of an eval")
		| _eval_item(.; null; _drop(["input", "ideal"]))
	end;

def from_langfuse:
	def message:
		type == "object" and (has("role") or has("content") or has("tool_calls") or has("choices"));
	def messages: type == "array" and (.[0] | message);
	_must(.type // "GENERATION" | ascii_upcase == "GENERATION";
		"an observation of type \(.type): select(.type == \"GENERATION\") takes those that are answers")
	| (.usage_details // .usageDetails // .usage // {}) as $u
	| (.cost_details // .costDetails // {}) as $cost
	| (.input
		| _json_if(messages or (type == "object" and .messages))
		| if type == "array" then {messages: .} elif type == "string" then {prompt: .} else . end) as $in
	| .output as $raw
	| ($raw | _json_if(message or messages)) as $out
	| _log("langfuse";
		($in
		| _must(type == "object" and (.messages // .prompt); "the input is neither messages nor text: \(_show)")
		| _asked);
		$out
		| if messages then _must(length == 1; "an output of \(length) messages") | .[0] else . end
		| if message and .choices then _answers
		elif message then _answer
		else
			_must(. != null; "there is no output")
			| {output: ($raw | if type == "string" then . else tojson end)}
		end;
		{
			id,
			model: (.provided_model_name // .providedModelName // .model),
			usage: ({prompt_tokens: $u.input, completion_tokens: $u.output, total_tokens: $u.total}
				| map_values(_number) | _said),
			latency: (.latency | _number),
			ttft: (.time_to_first_token // .timeToFirstToken | _number),
			cost: (.total_cost // .totalCost // $cost.total // .calculatedTotalCost | _number),
			metadata,
			error: (if .level == "ERROR" then _failure(.status_message // .statusMessage // ""; null)
				else null end)
		};
		_drop(["id", "input", "output", "metadata"])
		+ {input: ($in | if type == "object" then _drop(_request_members) else . end)}
		+ {output: ($out | if message and .choices then _drop(["choices"]) else null end)});

def from_litellm:
	_must(any((.messages | arrays[]?), (.response.choices?[]?.message); .content? == "redacted-by-litellm") | not;
		"its messages were left out when it was logged (turn_off_message_logging)")
	| .response as $r
	| (.model_parameters // {}) as $p
	| ([.startTime, .endTime, .completionStartTime] | map(if type == "number" then . else null end)) as $t
	| (.error_information // {}) as $e
	| _log("litellm";
		($p + (.messages
			| if type == "string" then {prompt: .} elif type == "object" then . else {messages: .} end) | _asked);
		.call_type as $call
		| $r
		| if type == "string" then {output: .}
		else
			_must(type == "object" and .choices; "the response is no chat completion (call_type \($call))")
			| _answers
		end;
		{
			id, model,
			usage: (($r | objects | .usage) // ({prompt_tokens, completion_tokens, total_tokens} | _said)),
			latency: (if $t[0] and $t[1] then $t[1] - $t[0] | _microseconds else null end),
			ttft: (if .stream and $t[0] and $t[2] then $t[2] - $t[0] | _microseconds else null end),
			cost: .response_cost,
			metadata: (.metadata // {} | _said),
			error: (if .status != "failure" then null
				else _failure({type: $e.error_class, message: (.error_str // $e.error_message // "")}; $e.error_code) end)
		};
		_drop(["id", "messages", "model", "metadata"])
		+ {model_parameters: ($p | _drop(_request_members)),
			response: ($r | if type == "object" then _drop(["choices", "usage"]) else null end)});

def from_helicone:
	def body: if type == "string" and . != "" then _json("a body") else . // {} end;
	(.request_body | body) as $q
	| (.response_body | body) as $a
	| _must($q != {}; "there is no request_body: export with --include-body")
	| ($q.helicone_message // $a.helicone_message) as $why
	| _must($why | not; "Helicone left a body out: \($why)")
	| _log("helicone";
		($q | _asked);
		.provider as $provider
		| $a
		| _must(.choices; "response_body is no chat completion in OpenAI's form (provider \($provider))")
		| _answers;
		{
			id: .request_id,
			model: (.response_model // $a.model // .model // .request_model // $q.model),
			usage: ($a.usage // ({prompt_tokens, completion_tokens, total_tokens} | _said)),
			latency: (if .delay_ms then .delay_ms / 1000 else null end),
			ttft: (if .time_to_first_token then .time_to_first_token / 1000 else null end),
			cost: (.costUSD // .cost_usd // .cost),
			"label": .feedback_rating,
			metadata: ((.properties // {}) + (.request_properties // {})),
			error: (if $a.error or (.response_status // 200) >= 400 then
				_failure($a.error // $a; .response_status)
			else null end)
		};
		_drop(["request_id"])
		+ {request_body: ($q | _drop(_request_members)), response_body: ($a | _drop(["choices", "usage"]))});

# --- results of evaluations ---

# A prompt is text, which promptfoo sends as the user's one message, or messages in JSON.
def from_promptfoo:
	def messages: type == "array" and (.[0] | type == "object" and has("role"));
	def calls: type == "array" and . != [] and all(.[]; type == "object" and (.function | type) == "object");
	_must((.prompt | type) == "object" and (.prompt.raw | type) == "string";
		"no row of results: \(_show) (of results.json take .results.results[])")
	| (.response // {}) as $r
	| _must($r | type == "object"; "the response is no object")
	| _must(.prompt.raw | test("^\\s*- role:") | not; "its prompt is YAML: convert it to JSON")
	| ($r.tokenUsage // .tokenUsage // {}) as $u
	| [.testCase.assert | arrays | .[] | select(.type == "equals" and (.value | type == "string")) | .value] as $equals
	| _log("promptfoo";
		(.prompt.raw | _json_if(messages or (type == "object" and (.messages | messages)))
			| if type == "string" then {messages: [{role: "user", content: .}]}
			elif type == "array" then {messages: .} else . end
			| _asked);
		$r.output
		| _must(. != null; "there is no output")
		| if calls then {output: "", tool_calls: .}
		elif type == "string" then {output: .} else {output: tojson} end;
		{
			id: (.testIdx | if . == null then null else tostring end),
			model: .provider.id,
			prompt_label: .prompt.label,
			ideal: (if ($equals | length) == 1 then $equals[0] else null end),
			usage: ({prompt_tokens: $u.prompt, completion_tokens: $u.completion, total_tokens: $u.total} | _said),
			latency: (if .latencyMs then .latencyMs / 1000 else null end),
			cost: (.cost // $r.cost),
			error: (if .failureReason == 2 or $r.error then _failure($r.error // .error // ""; null) else null end)
		};
		del(.prompt.raw, .response.output)
		+ {asked: (.prompt.raw | _json_if(type == "object") | if type == "object" then _drop(_request_members) else null end)});

# A message of Inspect's as OpenAI has it; its id, source and model are Inspect's own accounts.
def _inspect_message:
	def reasoning: type == "object" and .type == "reasoning";
	[.content | arrays | .[] | select(reasoning) | _said
		| _must(.redacted != true and (_drop(["type", "reasoning", "signature", "redacted", "internal"]) == {});
			"a message has reasoning of another form: \(_show)") | .reasoning] as $thought
	| .content |= if type == "array" then map(select(reasoning | not)
		| _must(type == "object" and .type == "text"; "a message has a part that is not text: \(_show)") | _said) else . end
	| if $thought == [] then . else .reasoning_content = ($thought | join("\n\n")) end
	| if .tool_calls then
		.tool_calls |= map({id, type: "function", function: {name: .function, arguments: (.arguments | tojson)}}
			+ (_said | _drop(["id", "type", "function", "arguments"])))
	else . end
	| if .role == "tool" and .function then .name = .function | del(.function) else . end
	| _drop(["id", "source", "model"]);

# A sample of a data set or of a log, whose long texts stand apart as attachments.
def from_inspect:
	def whole($texts):
		walk(if type == "string" and startswith("attachment://") then
			($texts[.[13:]] // error("an attachment is not in the log: \(.)")) else . end);
	_must(.input != null; "neither a sample nor a row of a data set: \(_show) (of a log take .samples[])")
	| (.attachments // {}) as $texts
	| (.output // {}) as $o
	| ([select($o.choices | _says) | .messages | arrays | .[-1] | select(.role? == "assistant")][0]) as $last
	| ((if .messages | _says then .messages
		elif .input | type == "string" then [{role: "user", content: .input}] else .input end)
		| if $last then .[:-1] else . end
		| whole($texts) | map(_inspect_message)) as $messages
	| _log("inspect";
		({messages: $messages} | _asked);
		if $o.choices | _says then
			{choices: ($o.choices | whole($texts) | map(
				.message |= _inspect_message
				| .finish_reason = (.stop_reason | if . == "max_tokens" then "length" else . end)
				| del(.stop_reason)))}
			| _answers
		else _must(has("output") | not; "there is no output") | {} end;
		{
			id: (.id | if . == null then null else tostring end),
			sample: (if .epoch and ($o.choices // [] | length) < 2 then .epoch - 1 else null end),
			model: $o.model,
			ideal: (.target | if . == "" then null else . end),
			usage: ($o.usage // {} | {prompt_tokens: .input_tokens, completion_tokens: .output_tokens, total_tokens} | _said),
			latency: $o.time,
			metadata,
			error: (if .error // $o.error then _failure(.error // $o.error; null) else null end)
		};
		_drop(["id", "messages", "target", "metadata"])
		+ {input: (if .messages | _says then .input else null end),
			last: (if any($o.choices[]?; .message == $last) then null else $last end),
			output: ($o | _drop(["choices", "completion"]))});

# --- data sets ---

# The members of a row that are not converted. One whose name would make another kind of row of the
# record goes into its metadata.
def _others($used):
	_drop($used)
	| if .id | type == "number" then .id |= tostring else . end
	| reduce (keys_unsorted[] | select(IN("messages", "prompt", "completion", "text", "chosen", "rejected",
		"input", "preferred_output", "non_preferred_output"))) as $k (.;
		.[$k] as $v
		| _must(.metadata // {} | type == "object" and (has($k) | not); "no place for \($k) in its metadata")
		| .metadata = (.metadata // {}) + {($k): $v}
		| del(.[$k]));

# A data set's record: an answer to messages, or two of which one is better.
def _row($messages; $tools; $pair; $thumb; $others):
	_must($thumb | IN(null, true, false); "kto_tag is neither true nor false: \($thumb | tojson)")
	| ($others | {id} | _said)
	+ (({messages: $messages, tools: $tools} | _said)
		| if $pair then {input: ., preferred_output: $pair[:1], non_preferred_output: $pair[1:]} else . end)
	+ ({"label": $thumb} | _said)
	+ $others;

def _media: ["images", "image", "videos", "audios"];

def _only_text: _must(all(.[_media[]]; _says | not); "it has images, videos or audios, and ft reads text alone");

def _lower: if type == "string" then ascii_downcase else . end;

def from_openpipe:
	if .input then
		(.output | if type == "object" then . else {} end) as $o
		| _log("openpipe";
			(.input | _asked);
			$o | if .choices then _answers else _must(_says; "there is no output") | _answer end;
			{
				id: $o.id,
				model: ($o.model // .input.model),
				usage: $o.usage,
				metadata: (.tags // .metadata),
				split: (.split | _lower),
				error: (if $o.error then _failure($o.error; null) else null end)
			};
			_drop([if .tags then "tags" else "metadata" end, "split"])
			+ {input: (.input | _drop(_request_members)), output: (if $o.choices or $o.error then
				$o | _drop(["id", "choices", "model", "usage"]) else null end)})
	else
		_asked as $asked
		| .rejected_message as $bad
		| ($asked.messages[-1]) as $good
		| _others(_request_members + ["rejected_message"])
		| if .split then .split |= _lower else . end
		| if $bad == null then $asked + .
		else
			_must($good.role == "assistant"; "rejected_message, but the last message is not the assistant's")
			| . as $others
			| _row($asked.messages[:-1]; $asked.tools;
				[$good, ({role: "assistant"} + $bad | _message("rejected_message"))]; null;
				($asked | _drop(["messages", "tools"])) + $others)
		end
	end;

# The arguments of a call, or of each of a list of calls, as they are written: no number and no escape
# of them becomes another.
def _arguments_as_written:
	def trimmed: sub("^\\s+"; "") | sub("\\s+$"; "");
	(if test("^\\s*\\[") then 2 else 1 end) as $level
	| reduce scan("\"[^\"\\\\]*(?:\\\\.[^\"\\\\]*)*\"|[][{},:]|\\s+|[^][{},:\"\\s]+") as $t
		({depth: 0, key: null, text: "", found: null, out: []};
		if .depth == $level and ($t == "," or $t == "}") then
			(if .key == "\"arguments\"" then .found = (.text | trimmed) else . end)
			| .key = null | .text = ""
			| if $t == "}" then .depth -= 1 | .out += [.found] | .found = null else . end
		elif .depth == $level and $t == ":" then .key = (.text | trimmed) | .text = ""
		elif .depth < $level then
			if $t == "{" or $t == "[" then .depth += 1 elif $t == "]" then .depth -= 1 else . end
		else
			.text += $t
			| if $t == "{" or $t == "[" then .depth += 1 elif $t == "}" or $t == "]" then .depth -= 1 else . end
		end)
	| .out;

# A turn {from, value} as a message. Whether it is trained on is Axolotl's `train`, or `weight`.
def _turn(where):
	_must(type == "object"; "\(where) is no turn: \(_show)")
	| {human: "user", user: "user", gpt: "assistant", chatgpt: "assistant", assistant: "assistant",
		system: "system", function_call: "assistant", observation: "tool", tool: "tool"}[.from | tostring] as $role
	| _must($role; "\(where) is from \(.from | tojson)")
	| _must(.train_detail | _says | not; "\(where) has a train_detail: ft trains on whole turns")
	| _must(.train == null or (.train | type == "boolean") and .weight == null;
		"\(where) has train \(.train | tojson)")
	| (if .train == null then .weight elif .train then 1 else 0 end) as $weight
	| _must($role == "assistant" or ($weight // 0) == 0;
		"\(where) is from \(.from) and trained on: ft trains on the turns of the assistant")
	| _must(has("role") or has("content") or has("tool_calls") | not; "\(where) is a turn and a message at once")
	| .value as $value
	| {role: $role}
	+ (if .from == "function_call" then
		($value
		| if type == "string" then _parsed(where) else . end
		| if type == "array" then . else [.] end) as $calls
		| ($value | if type == "string" then _arguments_as_written else [] end) as $written
		| {content: null, tool_calls: [range($calls | length) as $i | $calls[$i]
			| _must(type == "object" and (.name | type) == "string"; "\(where) has a call without a name: \(_show)")
			| _must(keys - ["id", "name", "arguments"] == []; "\(where) has a call with \(keys | join(", "))")
			| ({id} | _said) + {type: "function", function: {name,
				arguments: (.arguments // {} | if type == "string" then . else $written[$i] // tojson end)}}]}
	elif $role == "tool" and ($value | type == "object") then {content: ($value | tojson)}
	else {content: ($value | _must(type == "string" or type == "array"; "\(where) has no value"))} end)
	+ (if $weight != null and $role == "assistant" then {weight: $weight} else {} end)
	+ (_drop(["from", "value", "train", "train_detail", "weight"]) | _said);

def from_sharegpt:
	(.conversations // .conversation) as $turns
	| _only_text
	| _must(($turns | type) == "array" and $turns != [] and (has("conversations") and has("conversation") | not);
		"it has no conversations, or two")
	| [range($turns | length) as $i | $turns[$i] | _turn("turn \($i + 1)")] as $said
	| (.system // "" | _text("system")) as $system
	| ($said[0].role == "system") as $has
	| _must($system == "" or ($has | not) or $said[0].content == $system; "it has two system prompts")
	| (if $system == "" or $has then $said else [{role: "system", content: $system}] + $said end
		| _numbered) as $messages
	| (.chosen == null and .rejected == null) as $plain
	| _row($messages; .tools | _tools;
		if $plain then null
		else [.chosen, .rejected] | map($messages + [_turn("chosen or rejected")] | _numbered[-1]) end;
		.kto_tag;
		_others(["conversations", "conversation", "system", "tools", "kto_tag"] + _media
			+ if $plain then [] else ["chosen", "rejected"] end));

def from_alpaca:
	def text: . // "" | _text("instruction, input or system");
	_only_text
	| ([.instruction, .input | text | select(. != "")] | join("\n")) as $asked
	| _must($asked != ""; "it has no instruction")
	| (.chosen == null and .rejected == null) as $plain
	| ([.system | text | select(. != "") | {role: "system", content: .}]
		+ [.history // [] | _must(type == "array"; "history is no list") | .[]
			| _must(type == "array" and length == 2; "history has no pairs: \(_show)")
			| {role: "user", content: (.[0] | _text("history"))},
				{role: "assistant", content: (.[1] | _text("history"))}]
		+ [{role: "user", content: $asked}]) as $messages
	| def answer(where): {role: "assistant", content: _text(where)};
	_row($messages + if $plain then [.output | answer("output")] else [] end; .tools | _tools;
		if $plain then null else [(.chosen | answer("chosen")), (.rejected | answer("rejected"))] end;
		.kto_tag;
		_others(["instruction", "input", "system", "history", "tools", "kto_tag"] + _media
			+ if $plain then ["output"] else ["chosen", "rejected"] end));

# --- CSV, RFC 4180, also with tabs or semicolons ---

# Cut at the quotes, every other piece is inside of some. Pieces and lines of pieces as
# [text, kind]: in (inside quotes), open (inside, and the text ends), end (a line), more (of a line).
def _cut($at): if . == "" then [""] else . / $at end;

def _csv_pieces:
	(ltrimstr("\ufeff") / "\"") as $p
	| ($p | length - 1) as $last
	| range(0; $last + 1) as $i
	| $p[$i]
	| if $i % 2 == 1 then [., if $i == $last then "open" else "in" end]
	elif . == "" and $i > 0 and $i < $last then ["\"", "in"] # a doubled quote
	else
		_cut("\n") as $l
		| range($l | length) as $k
		| [$l[$k], if $k < ($l | length - 1) or $i == $last then "end" else "more" end]
	end;

# What parts the cells: commas, or else tabs or semicolons, as the header has them.
def _csv_mark:
	(ltrimstr("\ufeff") | _cut("\n")[0] | gsub("\"[^\"]*\""; "")) as $header
	| first((",", "\t", ";") | select(. as $mark | $header | contains($mark))) // ",";

# Rows as {line, cells}.
def _csv_rows($mark):
	foreach _csv_pieces as [$text, $kind] ({line: 1, start: 1, row: [], cell: null, out: null};
		"line \(.line)" as $where
		| .out = null
		| _must($kind != "open"; "line \(.start): a quote is not closed")
		| if $kind == "in" then .cell = (.cell // "") + $text | .line += ($text | _cut("\n") | length - 1)
		else
			($text | if $kind == "end" then rtrimstr("\r") else . end
				| _must(contains("\r") | not; "\($where): a carriage return that ends no line")
				| _cut($mark)) as $c
			| _must(.cell == null or $c[0] == ""; "\($where): text after a closing quote")
			| (if .cell == null then $c else [.cell] + $c[1:] end) as $c
			| if $kind == "end" then
				(if .row == [] and $c == [""] and .cell == null then .
				else .out = {line: .start, cells: (.row + $c)} end)
				| .line += 1 | .start = .line | .row = [] | .cell = null
			else
				_must($c[-1] == ""; "\($where): a quote in a field that does not begin with one")
				| .row += $c[:-1] | .cell = null
			end
		end;
		.out // empty);

def from_csv:
	_text("the input (read it with jq -R -s)")
	| foreach _csv_rows(_csv_mark) as $r (null;
		if . == null then
			$r.cells
			| _must(all(.[]; . != "") and (unique | length) == length;
				"line 1: no header, for names of columns are empty or the same")
			| {names: ., row: null}
		else
			(.names | length) as $n
			| _must(($r.cells | length) == $n; "line \($r.line): \($r.cells | length) fields, and \($n) columns")
			| .row = (reduce range($n) as $i ({names}; .row[.names[$i]] = $r.cells[$i]) | .row)
		end;
		.row // empty);

# Two of the columns as question and answer.
def from_csv($user; $assistant):
	from_csv
	| _must(has($user) and has($assistant); "the columns are \(keys_unsorted | join(", "))")
	| _row([{role: "user", content: .[$user]}, {role: "assistant", content: .[$assistant]}]; null; null; null;
		_others([$user, $assistant]));

# --- out of records ---

# The final answer becomes the reference that is trained on.
def learn_output:
	. as $r
	| _must(.error == null; "there is no answer: \(.error | _show)")
	| _must(.output != null; "there is no output")
	| ([_spoken[] | {key: ., value: $r[.]}] | from_entries | _said) as $more
	| _drop(["output"] + _spoken)
	| if .messages then
		.messages |= ((if .[-1].role == "assistant" then .[:-1] else . end)
			+ [{role: "assistant", content: (if $r.output == "" and ($more.tool_calls or $more.refusal) then null
				else $r.output end)} + $more] | _numbered)
	else
		_must($more == {}; "a completion cannot carry \($more | keys | join(", "))")
		| .completion = $r.output
	end;

def _plain_input:
	_must(.input | _drop(["messages", "tools"]) == {};
		"input has more than messages and tools: \(.input | keys | join(", "))");

# The one message of each of the two answers of a preference line.
def _pair:
	_plain_input
	| [.preferred_output, .non_preferred_output]
	| _must(all(.[]; type == "array" and length == 1 and .[0].role == "assistant");
		"an answer that is not one message of the assistant")
	| map(.[0]);

# A preference line, or else a chat record.
def _two:
	(.preferred_output != null) as $two
	| _must($two != (.messages | _says);
		if $two then "it has messages and preferred_output" else "it has no messages" end)
	| $two;

def _rest($two):
	_drop(["label"] + if $two then ["input", "preferred_output", "non_preferred_output"]
		else ["messages", "tools"] end);

def _unused($names):
	($names - ($names - keys)) as $both
	| _must($both == []; "it has a member \($both[0]) of its own, which means another thing there");

def _place($where; $names; $there):
	(_said | keys - $names) as $more
	| _must($more == []; "\($where) has \($more | join(", ")): no place for that in \($there)");

def _to_turn($where):
	def call:
		_place($where; ["id", "type", "function"]; "a call of ShareGPT")
		| _must(.function | keys - ["arguments", "name"] == [];
			"\($where) has a call with \(.function | keys | join(", "))")
		| _must((.type // "function") == "function"; "\($where) has a call of type \(.type)")
		| (.function.arguments // ""
			| if . == "" then "{}"
			elif type == "string" then . as $text | _parsed($where) | $text
			else tojson end) as $arguments
		| "{\"name\": \(.function.name | tojson), \"arguments\": \($arguments)"
			+ if .id then ", \"id\": \(.id | tojson)}" else "}" end;
	_place($where; ["role", "content", "name", "tool_calls", "tool_call_id", "weight"]; "ShareGPT")
	| {system: "system", user: "human", assistant: "gpt", tool: "observation"}[.role] as $from
	| _must($from; "\($where) has the role \(.role): no place for that in ShareGPT")
	| (if .tool_calls | _says then
		_must((.content // "") == ""; "\($where) has text beside its calls: no place for that in ShareGPT")
		| {from: "function_call",
			value: (.tool_calls | map(call) | if length == 1 then .[0] else "[\(join(", "))]" end)}
	else {from: $from, value: (.content | _text($where))} end)
	+ ({name, tool_call_id} | _said)
	+ (if .weight == null then {} elif .weight | IN(0, 1) then {train: (.weight == 1)} else {weight} end);

def to_sharegpt:
	# Ids that from_sharegpt would give again are left out.
	def bare:
		. as $m
		| map(del(.tool_call_id) | if .tool_calls then .tool_calls |= map(del(.id)) else . end)
		| if _numbered == $m then . else $m end;
	def turns($what): [range(length) as $i | .[$i] | _to_turn("\($what) \($i + 1)")];
	_two as $two
	| _unused(["conversations", "conversation", "system", "kto_tag", "chosen", "rejected"])
	| (if $two then .input else . end | {messages, tools}) as $q
	| {conversations: ($q.messages | bare | turns("message"))}
	+ (if $two then _pair | turns("answer") | {chosen: .[0], rejected: .[1]} else {} end)
	+ ({
		tools: ($q.tools
			| _tools
			| map(_must(.type == "function" and (keys | length) == 2; "a tool that is no function: \(_show)") | .function)
			| if . == [] then null else tojson end),
		kto_tag: .label
	} | _said)
	+ _rest($two);

def to_alpaca:
	def plain($where): _place($where; ["role", "content"]; "Alpaca");
	_two as $two
	| _unused(["instruction", "output", "system", "history", "kto_tag", "chosen", "rejected"]
		+ if $two then [] else ["input"] end)
	| (if $two then .input else . end) as $q
	| _must($q.tools | _says | not; "it has tools: no place for them in Alpaca")
	| [range($q.messages | length) as $i
		| $q.messages[$i]
		| plain("message \($i + 1)")
		| .content |= _text("message \($i + 1)")] as $all
	| ($all | if .[0].role == "system" then .[1:] else . end) as $m
	| ($m | map(.role)) as $roles
	| (($m | length) + (if $two then 1 else 0 end)) as $n
	| _must($n > 0 and $n % 2 == 0
		and all(range($m | length); $roles[.] == if . % 2 == 0 then "user" else "assistant" end);
		"its turns are \($roles | join(", ")): Alpaca has questions and answers in turn")
	| {instruction: $m[$n - 2].content, input: ""}
	+ (if $two then
		_pair | map(plain("an answer") | .content | _text("an answer")) | {chosen: .[0], rejected: .[1]}
	else {output: $m[-1].content} end)
	+ ({
		system: (if $all[0].role == "system" then $all[0].content else null end),
		history: [range(0; $n - 2; 2) as $i | [$m[$i].content, $m[$i + 1].content]],
		kto_tag: .label
	} | _said)
	+ _rest($two);

def to_trl:
	# Without weights, and with arguments as objects, which is how templates are given them.
	def argument:
		if type != "string" then . elif . == "" then {} else _json("the arguments of a call") end;
	def turns:
		map(del(.weight)
			| if .tool_calls | _says then .tool_calls |= map(if .function then .function.arguments |= argument else . end)
			else . end);
	_unused(["chosen", "rejected"])
	| if .preferred_output != null then
		_plain_input
		| {prompt: (.input.messages | turns), chosen: (.preferred_output | turns),
			rejected: (.non_preferred_output | turns)}
		+ ({tools: .input.tools} | _said)
		+ _drop(["input", "preferred_output", "non_preferred_output"])
	elif .messages | _says | not then
		_must(has("prompt") or has("text"); "it has neither messages nor text")
	else
		_unused(["prompt", "completion"])
		| .messages as $m
		| [$m[] | select(.role == "assistant") | .weight // 1] as $w
		| _must(all($w[]; . == 0 or . == 1); "weights other than 0 and 1: no place for them in TRL")
		| (if $m[-1].role != "assistant" then {prompt: ($m | turns)}
		elif .label != null or ($w[-1] == 1 and all($w[:-1][]; . == 0)) then
			{prompt: ($m[:-1] | turns), completion: ($m[-1:] | turns)}
		else
			_must(all($w[]; . == 1); "some of its turns are trained on, and not the last alone: no place for that in TRL")
			| {messages: ($m | turns)}
		end)
		+ _drop(["messages"])
	end;
