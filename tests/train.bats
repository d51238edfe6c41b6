#!/usr/bin/env bats
# ft-train: what is trained on, what is refused, and that a run gives the same result however it is
# cut.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

# A very small model and 40 rows that it can learn.
prepare() {
	cat >config.json <<-END
	{"model_type": "llama", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
	 "num_key_value_heads": 1, "max_position_embeddings": 256, "tie_word_embeddings": true}
	END
	jq -nc 'range(40) | {id: "r\(.)", messages: [{role: "user", content: "row \(.)"},
		{role: "assistant", content: (if . % 2 == 0 then "even" else "odd" end)}]}' >rows.jsonl
	head -n 32 rows.jsonl >train.jsonl
	tail -n 8 rows.jsonl >valid.jsonl
}

scratch() {
	ft-train -q --scratch config.json "$@"
}

# The metrics without what depends on time and machine.
plain() {
	jq -c 'del(.tokens_per_s, .rss, .seconds, .joules)' "$@"
}

# interrupted SIGNAL DIR COMMAND... - starts a run that writes into DIR, and sends it a signal once there is a checkpoint.
interrupted() {
	local pid
	"${@:3}" 3>&- &
	pid=$!
	await [ -s "$2/checkpoint.safetensors" ]
	kill "-$1" $pid
	status=0
	wait $pid || status=$?
	[ -s "$2/checkpoint.safetensors" ] || skip "the run was over before it could be interrupted"
	[ "$status" -eq $((128 + $(kill -l "$1"))) ]
}

@test "only the assistant's turn and its end are trained on" {
	prepare
	scratch -n train.jsonl >packs.jsonl
	[ "$(jq -s 'map(.weights | add) | add' packs.jsonl)" -eq $((16 * 5 + 16 * 4)) ]
	[ "$(jq -s 'map(.starts | length) | add' packs.jsonl)" -eq 32 ]
	jq -se 'all(.[]; (.ids | length) == (.weights | length))' packs.jsonl
	scratch --show train.jsonl >shown.txt
	grep -qF '>>>even<|end|><<<' shown.txt
	[ "$(grep -c '^# train.jsonl:' shown.txt)" -eq 32 ]
}

@test "packs and order are a function of the seed" {
	prepare
	scratch -n train.jsonl >a.jsonl
	scratch -n --threads 1 train.jsonl >b.jsonl
	scratch -n --seed 1 train.jsonl >c.jsonl
	cmp a.jsonl b.jsonl
	run ! cmp -s a.jsonl c.jsonl
}

@test "a model from nothing learns its rows, and the result is a model directory" {
	prepare
	scratch -o out --epochs 60 --lr 1e-2 -v valid.jsonl train.jsonl >metrics.jsonl
	jq -se '[.[] | select(.lr)] | .[-1].loss < 0.1 and .[0].loss > 3' metrics.jsonl
	jq -se '.[-1].end == "done" and .[-1].step == 120 and .[-1].skipped_steps == 0' metrics.jsonl
	cmp metrics.jsonl out/metrics.jsonl
	[ -s out/model.safetensors ]
	[ -s out/config.json ]
	[ -s out/tokenizer.json ]
	[ ! -e out/checkpoint.safetensors ]
	jq -e '.finished and .train.rows == 32 and .valid.rows == 8 and (.train.hash | length) == 32
		and .options.scratch == "config.json"' out/ft.json
}

@test "an adapter leaves the base alone and is laid out as PEFT's" {
	prepare
	scratch -o base --epochs 2 --lr 3e-3 train.jsonl >/dev/null
	sum=$(cat base/* | cksum)
	ft-train -q -m ./base -o adapter --rank 4 --alpha 8 --target q_proj,v_proj -v valid.jsonl train.jsonl >metrics.jsonl
	[ "$sum" = "$(cat base/* | cksum)" ]
	jq -e '.peft_type == "LORA" and .r == 4 and .lora_alpha == 8' adapter/adapter_config.json
	[ -s adapter/adapter_model.safetensors ]
	[ -s adapter/tokenizer.json ]
	jq -se '[.[] | select(.valid_loss)] | length == 3' metrics.jsonl
}

@test "full fine-tuning goes on from what an earlier run wrote" {
	prepare
	scratch -o base --epochs 20 --lr 1e-2 --schedule constant train.jsonl >first.jsonl
	ft-train -q -m ./base --full -o more --epochs 1 --lr 1e-4 train.jsonl >second.jsonl

	jq -nse --argjson a "$(jq -s '[.[] | select(.lr)][-1].loss' first.jsonl)" --argjson b "$(jq -s '.[0].loss' second.jsonl)" \
		'$b < $a + 0.2'
	ft-train -q -m ./more --full --save-dtype bf16 -o half --steps 1 train.jsonl >/dev/null
	[ "$(stat -c %s half/model.safetensors)" -lt "$(($(stat -c %s more/model.safetensors) * 6 / 10))" ]
}

@test "results do not depend on the number of threads" {
	prepare
	for n in 1 2 4; do
		scratch -o "out$n" --epochs 2 --threads $n -v valid.jsonl train.jsonl | plain >"m$n"
	done
	cmp m1 m2
	cmp m1 m4
	cmp out1/model.safetensors out2/model.safetensors
	cmp out1/model.safetensors out4/model.safetensors
	# Enough text for many blocks, so that threads meet.
	jq -c '.messages[0].content = (.messages[0].content + " ") * 8' rows.jsonl rows.jsonl >long.jsonl
	for method in --rslora --dora; do
		for n in 1 2 4; do
			ft-train -q -m ./out1 -o "adapter$n" $method --rank 4 --batch 80 --epochs 8 --threads $n long.jsonl | plain >"m$n"
		done
		cmp m1 m2
		cmp m1 m4
		cmp adapter1/adapter_model.safetensors adapter2/adapter_model.safetensors
		cmp adapter1/adapter_model.safetensors adapter4/adapter_model.safetensors
	done
}

@test "products in bf16 give the losses of f32 to rounding, whatever the number of threads" {
	prepare
	scratch -o f32 --steps 20 --lr 3e-3 train.jsonl | plain >m0
	for n in 1 2 4; do
		scratch -o "out$n" --compute bf16 --steps 20 --lr 3e-3 --threads $n train.jsonl | plain >"m$n"
	done
	run ! cmp -s m0 m1
	cmp m1 m2
	cmp m1 m4
	cmp out1/model.safetensors out4/model.safetensors
	jq -ne --slurpfile a m0 --slurpfile b m1 '[range(20) | $b[.].loss / $a[.].loss - 1 | fabs] | max < 0.02'
	jq -e '.options.compute == "bf16" and (.bf16 | IN("emulated", "avx512-bf16", "amx-bf16"))' out1/ft.json
	jq -e '.options.compute == "f32" and (has("bf16") | not)' f32/ft.json
}

@test "a run that is taken up computes as it was begun, and in no other way" {
	prepare
	args=(--epochs 30 --save-every 7 train.jsonl)
	scratch -o whole --compute bf16 "${args[@]}" >/dev/null
	interrupted TERM cut ft-train -q --scratch config.json -o cut --compute bf16 "${args[@]}" >/dev/null
	status_is 2 ft-train -q --scratch config.json -o cut --resume "${args[@]}"
	[[ $stderr == *'compute was "bf16" and is now "f32"'* ]]
	scratch -o cut --resume --compute auto "${args[@]}" >/dev/null
	cmp whole/model.safetensors cut/model.safetensors
	jq -e '.options.compute == "bf16"' cut/ft.json
}

@test "a run that was stopped and taken up is the uninterrupted one, bit for bit" {
	prepare
	args=(--epochs 30 --save-every 7 -v valid.jsonl train.jsonl)
	scratch -o whole "${args[@]}" >whole.jsonl
	interrupted TERM cut ft-train -q --scratch config.json -o cut "${args[@]}" >first.jsonl
	scratch -o cut --resume "${args[@]}" >second.jsonl
	cmp whole/model.safetensors cut/model.safetensors
	cmp <(plain whole/metrics.jsonl) <(plain cut/metrics.jsonl)
	[ ! -e cut/checkpoint.safetensors ]
}

@test "a killed run is taken up from its last checkpoint" {
	prepare
	args=(--epochs 30 --save-every 5 train.jsonl)
	scratch -o whole "${args[@]}" >/dev/null
	interrupted KILL cut ft-train -q --scratch config.json -o cut "${args[@]}" >/dev/null
	status_is 2 ft-train -q --scratch config.json -o cut "${args[@]}"
	[[ $stderr == *unfinished*--resume* ]]
	status_is 2 ft-train -q --scratch config.json -o cut --resume --lr 1 "${args[@]}"
	[[ $stderr == *"lr was 0.0002 and is now 1"* ]]
	scratch -o cut --resume "${args[@]}" >/dev/null
	cmp whole/model.safetensors cut/model.safetensors
}

@test "a run killed at any step is taken up, ends as if it had not been, and nothing is left over" {
	need_inject
	prepare
	args=(--steps 4 --save-every 2 train.jsonl)
	scratch -o whole "${args[@]}" >/dev/null
	inject -k rename,sync -c count ft-train -q --scratch config.json -o cut "${args[@]}" >/dev/null
	[ "$(<count)" -gt 20 ]
	for i in $(seq 1 "$([ -n "${FT_SLOW:-}" ] && echo 1 || echo 2)" "$(<count)"); do
		rm -rf cut
		status=0
		inject -k rename,sync -s "$i" ft-train -q --scratch config.json -o cut "${args[@]}" >/dev/null || status=$?
		[ "$status" -eq 137 ]
		scratch -o cut --resume "${args[@]}" >/dev/null
		cmp whole/model.safetensors cut/model.safetensors
		cmp <(plain whole/metrics.jsonl) <(plain cut/metrics.jsonl)
		[ "$(ls -A whole)" = "$(ls -A cut)" ]
	done
	# The same where an earlier run's results stand.
	mv whole kept
	for i in 1 2 3 4 5 6; do
		rm -rf cut
		cp -r kept cut
		inject -k rename,sync -s "$i" ft-train -q --scratch config.json -o cut --steps 5 train.jsonl >/dev/null || [ $? -eq 137 ]
		scratch -o cut --resume --steps 5 train.jsonl >/dev/null
		[ "$(ls -A kept)" = "$(ls -A cut)" ]
		jq -e .finished cut/ft.json
	done
}

@test "what killed runs leave in a directory goes with the next run, other people's files stay" {
	prepare
	mkdir out
	touch out/ft.json.ft-Zz09aB
	scratch -o out --steps 1 train.jsonl >/dev/null
	mkdir -p out/.weights-a1B2c3 out/.weights-mine
	touch out/.weights-a1B2c3/model-00001-of-00002.safetensors out/checkpoint.safetensors.ft-000000 \
		out/notes.txt.ft-abcdef out/ft.json.backup out/model.safetensors.before
	# Not while another run is in it.
	flock out sh -c 'ft-train -q --scratch config.json -o out --steps 1 train.jsonl 2>said || echo $? >status'
	[ "$(cat status)" -eq 2 ]
	[ -e out/checkpoint.safetensors.ft-000000 ]
	scratch -o out --steps 1 train.jsonl >/dev/null
	[ ! -e out/.weights-a1B2c3 ]
	[ ! -e out/checkpoint.safetensors.ft-000000 ]
	[ -e out/.weights-mine ]
	[ -e out/notes.txt.ft-abcdef ]
	[ -e out/ft.json.backup ]
	[ -e out/model.safetensors.before ]
}

@test "a disk that is full at the first file locks no directory out" {
	prepare
	scratch -o base --steps 1 train.jsonl >/dev/null
	(
		trap '' XFSZ
		ulimit -f 0
		status_is 2 ft-train -q -m ./base --full -o out --steps 1 train.jsonl
	)
	[ -d out ]
	ft-train -q -m ./base --full -o out --resume --steps 1 train.jsonl >/dev/null
	[ -s out/model.safetensors ]
}

@test "rows that cannot be trained on are all named, with status 2 and nothing written" {
	prepare
	cat >bad.jsonl <<-'END'
	{"id": "good", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
	{"id": "unanswered", "messages": [{"role": "user", "content": "a"}]}
	{"id": "silent", "messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}
	{"id": "odd", "messages": [{"role": "oracle", "content": "a"}, {"role": "assistant", "content": "b"}]}
	{"id": "mixed", "prompt": "a", "completion": "b"}
	END
	jq -nc '{id: "long", messages: [{role: "user", content: ("x" * 300)}, {role: "assistant", content: "y"}]}' >>bad.jsonl
	status_is 2 scratch -o out bad.jsonl
	local mixed="a row with prompt and completion among rows with messages (the first is bad.jsonl:1)"
	for at in "bad.jsonl:2: row unanswered: no reference" "bad.jsonl:3: row silent: nothing to train on" \
		"bad.jsonl:4: row odd: messages[0]: unknown role" "bad.jsonl:5: row mixed: $mixed" "bad.jsonl:6: row long: "; do
		[[ $stderr == *"$at"* ]] || { echo "missing: $at"; echo "$stderr"; return 1; }
	done
	[[ $stderr == *"5 rows"* ]]
	[ ! -e out ]
	status_is 3 scratch -o out --steps 1 --skip-bad bad.jsonl
	jq -e '.train.rows == 1' out/ft.json
}

@test "rows of very many messages are read in the time that their length takes" {
	source "$ROOT/tests/model.bash"
	make_model m
	jq -nc '[range(20000) | {role: (if . % 2 == 0 then "user" else "assistant" end), content: "m\(.)"}] as $m
		| {messages: $m},
			{messages: ($m | map(.weight = 0) + [{role: "user", content: "q"}, {role: "assistant", content: "a"}])}' >rows.jsonl
	# seconds together; when it grew with the square, hours
	for how in '' --last-turn --unroll; do
		# shellcheck disable=SC2086
		status_is 2 timeout "$(patience 60)" ft-train --dry-run -m ./m $how rows.jsonl
		[[ $stderr == *"rows.jsonl:1: "*" tokens, more than --max-seq 512"* ]]
		[[ $stderr == *"rows.jsonl:2: "*" tokens, more than --max-seq 512"* ]]
	done
	sed -n 1p rows.jsonl | timeout "$(patience 60)" ft-train --dry-run -m ./m --too-long truncate - 2>err >one
	jq -se '[.[].ids[]] | length == 512' one
	grep -q '1 rows cut to 512 tokens' err
	jq -c '{chosen: .messages, rejected: (.messages[:-1] + [{role: "assistant", content: "other"}])},
		{chosen: .messages[-1:], rejected: [{role: "assistant", content: "other"}], prompt: .messages[:-1]}' rows.jsonl >pairs.jsonl
	status_is 2 timeout "$(patience 60)" ft-train --dpo --dry-run -m ./m pairs.jsonl
	[ "$(grep -c ' tokens, more than --max-seq 512' <<<"$stderr")" -eq 4 ]
}

@test "long rows are dropped or cut only where that was asked for, and counted" {
	prepare
	jq -nc '{id: "long", messages: [{role: "user", content: "question"}, {role: "assistant", content: ("y" * 300)}]}' >>train.jsonl
	status_is 2 scratch -n train.jsonl
	[[ $stderr == *"train.jsonl:33: row long: "*"--max-seq"* ]]
	scratch -o a --steps 1 --too-long drop train.jsonl >/dev/null
	jq -e '.train | .rows == 32 and .dropped == 1' a/ft.json
	scratch -o b --steps 1 --too-long truncate --max-seq 64 train.jsonl >/dev/null
	jq -e '.train | .rows == 33 and .truncated == 1' b/ft.json
}

# set_template TEMPLATE - gives it to the model in base.
set_template() {
	jq --arg template "$1" '.chat_template = $template' base/tokenizer_config.json >cfg
	mv cfg base/tokenizer_config.json
}

# A model whose template writes reasoning and calls of the last answer only: Qwen3's habit.
rewriting_base() {
	prepare
	scratch -o base --steps 1 train.jsonl >/dev/null
	rm -f base/chat_template.jinja
	local template='{% for m in messages %}<|user|>{{ m.role }}:'
	template+='{% if m.role == "assistant" and loop.last %}<t>{{ m.reasoning or "" }}</t>{% endif %}{{ m.content }}'
	template+='{% for k in m.tool_calls or [] %}<c>{{ k.function.name }}</c>{% endfor %}<|end|>{% endfor %}'
	template+='{% if add_generation_prompt %}<|user|>assistant:{% endif %}'
	set_template "$template"
	jq -nc '{id: "agent", messages: [{role: "user", content: "weather?"},
		{role: "assistant", content: null, reasoning_content: "must look",
			tool_calls: [{id: "c1", type: "function", function: {name: "look", arguments: "{}"}}]},
		{role: "tool", tool_call_id: "c1", content: "sun"},
		{role: "assistant", content: "Sunny.", tool_calls: []}]}' >agent.jsonl
}

@test "calls of an earlier turn are trained on whole, and what no token says is said" {
	rewriting_base
	status_is 0 ft-train -m ./base --show agent.jsonl
	[[ $output == *">>><c>look</c><|end|><<<"* ]]
	[[ $output == *">>><t></t>Sunny.<|end|><<<"* ]]
	[[ $output == *"# in no token: reasoning of message 2"* ]]
	[[ $stderr == *"1 row with reasoning that no token says (the first is agent.jsonl:1, message 2)"*"--unroll"* ]]
	[[ $stderr == *"1 row with turns not trained on as they will be asked for (the first is agent.jsonl:1, message 2)"*"--last-turn"* ]]
	status_is 2 ft-train -m ./base --show --strict agent.jsonl
	[[ $stderr == *"agent.jsonl:1: row agent: message 2"*"--strict"* ]]
}

@test "--unroll trains on each turn as it will be asked for, --last-turn on the last alone" {
	rewriting_base
	status_is 0 ft-train -m ./base --show --unroll --strict agent.jsonl
	[[ $output == *">>><t>must look</t><c>look</c><|end|><<<"* ]]
	[[ $output == *">>><t></t>Sunny.<|end|><<<"* ]]
	status_is 0 ft-train -m ./base --show --last-turn agent.jsonl
	[[ $output != *">>><c>"* ]]
	[[ $output == *">>><t></t>Sunny.<|end|><<<"* ]]
	status_is 0 ft-train -q -m ./base -o out --unroll --epochs 2 --batch 1 agent.jsonl
	[ "$(jq -s 'map(select(.lr)) | length' out/metrics.jsonl)" -eq 4 ]
	status_is 2 ft-train -m ./base --show --unroll --last-turn agent.jsonl
}

@test "a template's variables and date are set by options, by a record before them" {
	rewriting_base
	local template='{{ style | default("none") }}{{ strftime_now("%Y") if strftime_now is defined }}'
	set_template "$template{% for m in messages %}{{ m.content }}<|end|>{% endfor %}"
	{ jq -c . train.jsonl | head -n 1; jq -c '.chat_template_kwargs = {style: "own"}' train.jsonl | sed -n 2p; } >two.jsonl
	status_is 0 ft-train -q -m ./base --show two.jsonl
	[[ $output == *"none"* ]]
	[[ $output == *"own"* ]]
	status_is 0 ft-train -q -m ./base --show --template-var 'style="brief"' --template-date 2031-05-06 two.jsonl
	[[ $output == *"brief2031"* ]]
	[[ $output == *"own2031"* ]]
	status_is 0 ft-train -q -m ./base -o out --steps 1 --template-date today two.jsonl
	[[ $(jq -r '.options["template-date"]' out/ft.json) == 20[0-9][0-9]-[01][0-9]-[0-3][0-9] ]]
	status_is 0 ft-train -q -m ./base -o told --steps 1 --template-var 'style="brief"' --template-date 2031-05-06 two.jsonl
	status_is 0 ft-export -m ./base -a told -o told.gguf
	[[ $stderr == *"trained with --template-var 'style=\"brief\"' --template-date 2031-05-06"* ]]
	grep -qx "# Trained with --template-var 'style=\"brief\"' --template-date 2031-05-06: render the chat template so." Modelfile
	status_is 0 ft-prompt -q -n -m ./base --template-var 'style="asked"' --template-date 2031-05-06 two.jsonl
	[[ $output == *'"prompt":"asked2031'* ]]
	[[ $output == *'"prompt":"own2031'* ]]
	for wrong in 'style=brief' 'style' '1x=2' 'messages=[]'; do
		status_is 2 ft-train -m ./base --show --template-var "$wrong" two.jsonl
		[[ $stderr == *"--template-var $wrong"* ]]
	done
	status_is 0 ft-train -m ./base --show --template-var styel=1 two.jsonl
	[[ $stderr == *"reads no variable \"styel\": --template-var changes nothing there"* ]]
	jq -c '.chat_template_kwargs = {styel: "own"}' two.jsonl >slip.jsonl
	status_is 0 ft-train -m ./base -o slip --steps 1 slip.jsonl
	[[ $stderr == *"2 rows with template variables that nothing reads (the first is slip.jsonl:1"* ]]
	status_is 2 ft-train -m ./base --strict --show slip.jsonl
	[[ $stderr == *"does not read all of its chat_template_kwargs (--strict)"* ]]
	status_is 0 ft-prompt -m ./base --max-tokens 2 slip.jsonl
	[[ $stderr == *"left variables set by chat_template_kwargs out of 2 requests"* ]]
	cp -r base plain
	rm -f plain/chat_template.jinja
	jq 'del(.chat_template)' base/tokenizer_config.json >plain/tokenizer_config.json
	status_is 2 ft-train -m ./plain --show --template-var style=1 two.jsonl
	[[ $stderr == *"--template-var is for a chat template, and ./plain has none"* ]]
	status_is 2 ft-prompt -m ./plain --template-date 2031-05-06 two.jsonl
	[[ $stderr == *"--template-date is for a chat template, and ./plain has none"* ]]
	status_is 2 ft-prompt -m gpt -u http://127.0.0.1:9 --template-var x=1 two.jsonl
	[[ $stderr == *"--template-var needs a local model"* ]]
}

@test "test rows are counted and never looked at" {
	prepare
	jq -c '.split = "train"' train.jsonl >all.jsonl
	jq -c '.split = "valid"' valid.jsonl >>all.jsonl
	echo '{"id": "t", "split": "test", "messages": "not even messages"}' >>all.jsonl
	scratch -o out --steps 2 all.jsonl | jq -se 'map(select(.valid_loss)) | length == 1'
	jq -e '.test_rows_untouched == 1 and .train.rows == 32 and .valid.rows == 8' out/ft.json
	echo '{"id": "t", "split": "test", "messages": "no"}' >only.jsonl
	status_is 2 scratch -o out2 only.jsonl
	[[ $stderr == *"no rows to train on"* ]]
}

@test "validation rows that are training rows are refused" {
	prepare
	status_is 2 scratch -o out -v train.jsonl train.jsonl
	[[ $stderr == *"train.jsonl:1: this validation row is also a training row (32 of 32"* ]]
	scratch -o out --steps 1 --allow-overlap -v train.jsonl train.jsonl >/dev/null
}

@test "the weight of a record multiplies, and weight 0 everywhere is nothing to train on" {
	prepare
	jq -c '.weight = 0.5' train.jsonl | scratch -n | jq -se 'map(.weights[]) | unique == [0, 0.5]'
	jq -c '.weight = 0' train.jsonl >zero.jsonl
	status_is 2 scratch -n zero.jsonl
	[[ $stderr == *"row r0: nothing to train on"* ]]
}

@test "usage errors say what to do" {
	prepare
	status_is 2 ft-train -o out train.jsonl
	[[ $stderr == *"one of -m and --scratch"* ]]
	status_is 2 ft-train -m base -o out train.jsonl
	[[ $stderr == *"./base"* ]]
	status_is 2 ft-train -m ./none -o out train.jsonl
	status_is 2 scratch train.jsonl
	[[ $stderr == *"-o is needed"* ]]
	status_is 2 scratch -o out --schedule steep train.jsonl
	[[ $stderr == *"cosine, linear or constant"* ]]
	for option in "--rank 16" "--alpha 32" "--dropout 0" "--target all" --dora --rslora "--quantize q8_0" "--layers 0" "-a a"; do
		# shellcheck disable=SC2086
		status_is 2 scratch -o out $option train.jsonl
		[[ $stderr == *"does not go with --scratch"* ]]
	done
	for option in "--neftune 0" "--dropout 0"; do
		for way in --dpo --kto; do
			# shellcheck disable=SC2086
			status_is 2 scratch -o out $way $option train.jsonl
			[[ $stderr == *"${option%% *} does not go with --"* ]]
		done
	done
	for option in "--desirable-weight 1" "--undesirable-weight 1"; do
		# shellcheck disable=SC2086
		status_is 2 scratch -o out --dpo $option train.jsonl
		[[ $stderr == *"${option%% *} goes with --kto"* ]]
	done
	status_is 2 scratch -o out --kto --orpo train.jsonl
	[[ $stderr == *"--kto does not go with --orpo"* ]]
	status_is 2 scratch -o out --dpo --orpo train.jsonl
	[[ $stderr == *"--orpo does not go with --dpo"* ]]
	status_is 2 scratch -o out --beta .1 train.jsonl
	[[ $stderr == *"--beta goes with --dpo, --orpo or --kto"* ]]
	status_is 2 scratch -o out --best .x train.jsonl
	[[ $stderr == *"--best goes with --eval"* ]]
	status_is 2 ft-train -m ./base -o out --save-dtype f32 train.jsonl
	[[ $stderr == *"--save-dtype goes with --full or --scratch"* ]]
	for option in "--poll 10" "--suffix x" "--lr-multiplier 1" --cancel; do
		# shellcheck disable=SC2086
		status_is 2 scratch -o out $option train.jsonl
		[[ $stderr == *"${option%% *} goes with --remote"* ]]
	done
	scratch -o base --steps 1 train.jsonl >/dev/null
	status_is 2 ft-train -q -m ./base -o base train.jsonl
	[[ $stderr == *"same directory"* ]]
	mkdir full
	touch full/thesis.txt
	status_is 2 scratch -o full train.jsonl
	[[ $stderr == *"not empty"* ]]
}

@test "answers that the vocabulary cannot write are told of" {
	need_shared data/tinystories-656k
	printf '%s\n' '{"prompt": "a {b}", "completion": "yes"}' '{"prompt": "c", "completion": "{\"d\": 1}"}' >rows.jsonl
	status_is 0 ft-train -m "$SHARED/data/tinystories-656k" --dry-run rows.jsonl
	[[ $stderr == *"1 of 2 training rows have answers with characters that the vocabulary lacks"* ]]
	[[ $stderr == *" lacks (the first is rows.jsonl:2): they become <unk>"* ]]
	head -n 1 rows.jsonl >plain.jsonl
	status_is 0 ft-train -m "$SHARED/data/tinystories-656k" --dry-run plain.jsonl
	[[ $stderr != *"vocabulary lacks"* ]]
}

@test "memory does not grow with text that is not tokens" {
	[ -z "${FT_SANITIZED:-}" ] || skip "the sanitizers have allocators of their own"
	prepare
	jq -c '.note = ("x" * 20000)' train.jsonl >big.jsonl
	scratch -o a --steps 1 train.jsonl | jq -s 'map(.rss // empty)[0]' >small
	scratch -o b --steps 1 big.jsonl | jq -s 'map(.rss // empty)[0]' >large
	[ "$(cat large)" -lt "$(($(cat small) + 4000000))" ]
}

@test "memory grows with the number of rows by their tokens alone" {
	[ -z "${FT_SANITIZED:-}" ] || skip "the sanitizers have allocators of their own"
	prepare
	jq -nc 'range(20000)
		| {id: "row number \(.)", messages: [{role: "user", content: "row \(.)"},
				{role: "assistant", content: "even"}]}' >many.jsonl
	scratch -o a --steps 1 train.jsonl | jq -s 'map(.rss // empty)[0]' >small
	scratch -o b --steps 1 many.jsonl | jq -s 'map(.rss // empty)[0]' >large
	tokens=$(jq .train.tokens b/ft.json)
	[ "$tokens" -gt 300000 ]
	[ "$(cat large)" -lt "$(($(cat small) + 16 * tokens + 3000000))" ]
}

# Pairs of which the even answer is preferred.
prepare_pairs() {
	prepare
	jq -nc 'range(32) | {id: "p\(.)", input: {messages: [{role: "user", content: "row \(.)"}]},
		preferred_output: [{role: "assistant", content: "even"}],
			non_preferred_output: [{role: "assistant", content: "odd"}]}' >pairs.jsonl
	head -n 24 pairs.jsonl >ptrain.jsonl
	tail -n 8 pairs.jsonl >pvalid.jsonl
	scratch -o base --epochs 5 --lr 3e-3 train.jsonl >/dev/null
}

@test "DPO and ORPO move the preferred answer ahead" {
	prepare_pairs
	for way in dpo orpo; do
		ft-train -q -m ./base --$way -o $way --epochs 10 --lr 1e-2 -v pvalid.jsonl ptrain.jsonl >metrics.jsonl
		jq -se '[.[] | select(.lr)] | .[-1].loss < .[0].loss and .[-1].margin > .[0].margin and .[-1].accuracy == 1' metrics.jsonl
		jq -se '[.[] | select(.valid_loss)][-1] | .accuracy == 1 and .valid_rows == 8' metrics.jsonl
	done
	ft-train -q -m ./base --dpo -o first --steps 1 ptrain.jsonl | jq -se '.[0].loss - (2 | log) | fabs < 1e-6'
	status_is 2 ft-train -q -m ./base --dpo -o out train.jsonl
	[[ $stderr == *"row r0: no preference line"* ]]
	status_is 2 ft-train -q -m ./base -o out ptrain.jsonl
	[[ $stderr == *"row p0: a preference line"* ]]
	status_is 2 ft-train -q -m ./base --dpo -o out -v ptrain.jsonl ptrain.jsonl
	[[ $stderr == *"24 of 24"* ]]
}

@test "a DPO run taken up has the reference that it began with" {
	prepare_pairs
	args=(-m ./base --dpo --full --epochs 20 --save-every 4 ptrain.jsonl)
	ft-train -q -o whole "${args[@]}" >/dev/null
	interrupted TERM cut ft-train -q -o cut "${args[@]}" >/dev/null
	ft-train -q -o cut --resume "${args[@]}" >/dev/null
	cmp whole/model.safetensors cut/model.safetensors
}

# Questions with an x want odd, those with a y want even, and a base that says either. Thumbs: half of the rows with the right
# answer and label true, half with the wrong one and false.
prepare_thumbs() {
	prepare
	jq -nc 'range(40) | {id: "t\(.)", messages: [{role: "user", content: "\(if . % 2 == 0 then "y" else "x" end) \(.)"},
		{role: "assistant", content: (if . % 2 == 0 then "even" else "odd" end)}]}' >right.jsonl
	jq -c '.messages[-1].content |= (if . == "even" then "odd" else "even" end)' right.jsonl >wrong.jsonl
	jq -nc --slurpfile r right.jsonl --slurpfile w wrong.jsonl 'range(40) | (. % 4 < 2) as $up
		| (if $up then $r[.] else $w[.] end) + {label: $up}' >thumbs.jsonl
	head -n 32 thumbs.jsonl >ttrain.jsonl
	tail -n 8 thumbs.jsonl >tvalid.jsonl
	scratch -o base --epochs 20 --lr 1e-2 right.jsonl wrong.jsonl >/dev/null
}

# nll MODEL FILE - what a token of the answers in FILE costs the model, on average: the loss of a step before it is taken.
nll() {
	rm -rf nll
	ft-train -q -m "./$1" --full -o nll --steps 1 --batch 100 "$2" | jq -s '.[0].loss'
}

@test "KTO makes the right answers likelier by thumbs alone, and the wrong ones less likely" {
	prepare_thumbs
	ft-train -q -m ./base --kto --full -o kto --epochs 60 --batch 32 --lr 2e-3 --desirable-weight 2 -v tvalid.jsonl \
		ttrain.jsonl >metrics.jsonl
	for answers in right wrong; do
		nll base $answers.jsonl >$answers
		nll kto $answers.jsonl >>$answers
	done
	jq -se '.[1] < .[0] - .05' right
	jq -se '.[1] > .[0] + .5' wrong
	jq -se '[.[] | select(.lr)] | [.[0] | .kl, .reward_desirable, .reward_undesirable] | all(fabs < 1e-5)' metrics.jsonl
	jq -se '[.[] | select(.lr)][-1] | .reward_desirable > 0 and .reward_undesirable < 0 and .kl >= 0' metrics.jsonl
	jq -se '[.[] | select(.valid_loss)][-1]
		| .epoch == 60 and .valid_rows == 8 and .reward_desirable > .reward_undesirable and .kl >= 0' metrics.jsonl
	# Before the first step nothing has gained: each row loses half of its weight, 16 rows of each label.
	args=(-q -m ./base --kto --steps 1 --batch 32 --desirable-weight 3 --undesirable-weight 1.5 ttrain.jsonl)
	ft-train -o first "${args[@]}" | jq -se '.[0].loss - (3 + 1.5) / 4 | fabs < 1e-6'
	ft-train --estimate "${args[@]}" | jq -e '.rows == 32 and .tokens_trained == .tokens and .seconds > 0'
}

@test "KTO's results do not depend on the number of threads" {
	prepare_thumbs
	jq -c '.messages[0].content = (.messages[0].content + " ") * 8' ttrain.jsonl ttrain.jsonl ttrain.jsonl >long.jsonl
	for n in 1 2 4; do
		ft-train -q -m ./base --kto -o "kto$n" --batch 40 --epochs 3 --lr 1e-2 --threads $n -v tvalid.jsonl long.jsonl |
			plain >"m$n"
	done
	cmp m1 m2
	cmp m1 m4
	cmp kto1/adapter_model.safetensors kto2/adapter_model.safetensors
	cmp kto1/adapter_model.safetensors kto4/adapter_model.safetensors
}

@test "a KTO run taken up is the uninterrupted one, bit for bit" {
	prepare_thumbs
	args=(-m ./base --kto --full --epochs 20 --save-every 4 -v tvalid.jsonl ttrain.jsonl)
	ft-train -q -o whole "${args[@]}" >/dev/null
	interrupted TERM cut ft-train -q -o cut "${args[@]}" >/dev/null
	ft-train -q -o cut --resume "${args[@]}" >/dev/null
	cmp whole/model.safetensors cut/model.safetensors
	cmp <(plain whole/metrics.jsonl) <(plain cut/metrics.jsonl)
}

@test "rows without thumbs are refused with --kto, rows with thumbs down without it, and one kind of thumb is told of" {
	prepare_thumbs
	status_is 2 ft-train -m ./base --kto -o out train.jsonl
	[[ $stderr == *"train.jsonl:1: row r0: no label: --kto"* ]]
	[[ $stderr == *"32 rows cannot be trained on"* ]]
	jq -c '.label = if .label then "yes" else false end' ttrain.jsonl >words.jsonl
	status_is 2 ft-train -m ./base --kto -o out words.jsonl
	[[ $stderr == *"words.jsonl:1: row t0: label is neither true nor false"* ]]
	[[ $stderr == *"16 rows cannot be trained on"* ]]
	status_is 2 ft-train -m ./base -o out ttrain.jsonl
	[[ $stderr == *"ttrain.jsonl:3: row t2: label is false"*"--kto"* ]]
	jq -c 'select(.messages[-1].content == "even")' ttrain.jsonl >one.jsonl
	status_is 2 ft-train -m ./base --kto -o out one.jsonl
	[[ $stderr == *"all answers are one"* ]]
	status_is 2 ft-train -m ./base --kto -o out -v one.jsonl --allow-overlap ttrain.jsonl
	[[ $stderr == *"validation rows: all answers are one"* ]]
	status_is 2 ft-train -m ./base --kto -o out -v ttrain.jsonl ttrain.jsonl
	[[ $stderr == *"32 of 32"* ]]
	[ ! -e out ]
	jq -c 'select(.label)' ttrain.jsonl >up.jsonl
	status_is 0 ft-train -m ./base --kto -o out --steps 1 up.jsonl
	[[ $stderr == *"label true in 16 rows, false in 0: with one kind alone"* ]]
	jq -se '.[0] | .reward_undesirable == null and (.reward_desirable | fabs < 1e-5)' out/metrics.jsonl
	status_is 0 ft-train -m ./base --kto -o out --steps 1 ttrain.jsonl
	[[ $stderr == *"label true in 16 rows, false in 16"* ]]
	[[ $stderr != *"one kind"* ]]
	status_is 0 ft-train -q -m ./base --kto --show ttrain.jsonl
	[ "$(grep -c '^# ttrain.jsonl:' <<<"$output")" -eq 32 ]
	[[ $output == *"trained on, label false"* ]]
	ft-train -q -m ./base --kto -n ttrain.jsonl | jq -se '[.[].starts | length] | add == 32'
}

@test "the state that is best by --eval is kept, also where another is best by loss" {
	prepare
	# An evaluation that likes the state of step 2 best, while the loss goes on falling.
	cat >judge.sh <<-'END'
	[ -s "$FT_MODEL/model.safetensors" ] && [ -z "$FT_ADAPTER" ] &&
		echo "{\"score\": {\"mean\": $([ "$FT_STEP" = 2 ] && echo 0.9 || echo 0.1)}}"
	echo "not JSON"
	[ "$FT_STEP" != 2 ] || cp "$FT_MODEL/model.safetensors" liked
	END
	scratch -o out --steps 6 --eval-every 2 --lr 1e-2 -v valid.jsonl --eval 'sh judge.sh' --best score.mean train.jsonl >metrics.jsonl
	cmp out/model.safetensors liked
	jq -se '[.[] | select(.valid_loss)] | .[2].valid_loss < .[0].valid_loss and (map(.best) == [true, false, false])
		and .[0].eval[0].score.mean == 0.9' metrics.jsonl
	jq -se '.[-1] | .best_step == 2 and .best_by == "score.mean" and .best == 0.9' metrics.jsonl
	[ ! -e out/candidate ]
	scratch -o least --steps 6 --eval-every 2 --eval 'sh judge.sh' --best score.mean:min train.jsonl | jq -se '.[-1].best_step == 4'
	scratch -o early --steps 60 --eval-every 2 --eval 'sh judge.sh' --best score.mean --patience 3 train.jsonl |
		jq -se '.[-1] | .end == "early" and .step == 8'
	status_is 2 scratch -o bad --steps 2 --eval 'echo {}' --best score train.jsonl
	[[ $stderr == *"no number at .score"* ]]
	status_is 2 scratch -o bad2 --steps 2 --eval 'exit 2' train.jsonl
	[[ $stderr == *"status 2"* ]]
}

@test "training goes on from an adapter" {
	prepare
	scratch -o base --epochs 2 --lr 3e-3 train.jsonl >/dev/null
	ft-train -q -m ./base -o a --rank 4 --epochs 4 --lr 1e-2 --schedule constant train.jsonl >a.jsonl
	ft-train -q -m ./base -a a -o b --epochs 1 --lr 1e-4 train.jsonl >b.jsonl
	jq -e '.r == 4' b/adapter_config.json
	[ "$(jq -s '[.[] | select(.lr)][0].loss < 1
		+ ($a | tonumber)' --arg a "$(jq -s '[.[] | select(.lr)][-1].loss' a.jsonl)" b.jsonl)" = true ]
	cp -r base other
	jq -c '.num_hidden_layers = 1' base/config.json >other/config.json
	status_is 2 ft-train -q -m ./other -a a -o c train.jsonl
}

@test "an adapter that is gone on from is written elsewhere and keeps its own shape" {
	prepare
	scratch -o base --epochs 2 train.jsonl >/dev/null
	ft-train -q -m ./base -o a --rank 4 --epochs 1 train.jsonl >/dev/null
	sum=$(cat a/adapter_model.safetensors | cksum)
	status_is 2 ft-train -q -m ./base -a a -o a --epochs 1 train.jsonl
	[[ $stderr == *"-o and -a are the same directory"* ]]
	[ "$sum" = "$(cat a/adapter_model.safetensors | cksum)" ]
	# Also where the value is the default.
	for option in --dora --rslora "--rank 16" "--alpha 32" "--target all" "--dropout 0" "--layers 0"; do
		# shellcheck disable=SC2086
		status_is 2 ft-train -q -m ./base -a a -o b $option train.jsonl
		[[ $stderr == *"${option%% *} does not go with --adapter"* ]]
	done
}

@test "a directory is one run's at a time, and a finished run is not made anew by --resume" {
	prepare
	scratch -o out --epochs 2 train.jsonl >first.jsonl
	sum=$(cat out/model.safetensors | cksum)
	run --separate-stderr ft-train --scratch config.json -o out --epochs 2 --resume train.jsonl
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"out is finished already"* ]]
	[ "$sum" = "$(cat out/model.safetensors | cksum)" ]
	[ "$(scratch -o out --epochs 3 --resume train.jsonl | wc -l)" -ge 6 ]

	# The lock is the directory's own: held here by another program, it keeps ft-train out.
	flock out sh -c 'ft-train -q --scratch config.json -o out --epochs 1 train.jsonl 2>said || echo $? >status'
	[ "$(cat status)" -eq 2 ]
	grep -q "out: in use by another process" said
}

@test "what was trained before an evaluation by --eval is kept when that fails or is stopped" {
	prepare
	args=(--epochs 4 --eval-every 4 --eval '[ -e ready ] && echo "{\"score\": 1}"' --best score train.jsonl)
	touch ready
	scratch -o whole "${args[@]}" | plain >whole.jsonl
	rm ready
	status_is 2 scratch -o out "${args[@]}"
	[ -s out/checkpoint.safetensors ]
	touch ready
	scratch -o out "${args[@]}" --resume >/dev/null
	cmp out/model.safetensors whole/model.safetensors
	plain out/metrics.jsonl | cmp - whole.jsonl
}

@test "nothing of an earlier model's files stays beside a new one, and what ends an answer is kept" {
	prepare
	scratch -o a --epochs 1 train.jsonl >/dev/null
	cp -r a b
	jq -r .chat_template a/tokenizer_config.json >a/chat_template.jinja
	echo '{"eos_token_id": [258, 10]}' >a/generation_config.json
	ft-train -q -m ./a --full -o out --steps 1 train.jsonl >/dev/null
	cmp a/generation_config.json out/generation_config.json
	ft-train -q -m ./b --full -o out --steps 1 train.jsonl >/dev/null
	[ ! -e out/chat_template.jinja ]
	[ ! -e out/generation_config.json ]
	ft-export -q -m ./a -o exported >/dev/null
	ft-export -q -m ./b -o exported >/dev/null
	[ ! -e exported/generation_config.json ]
	cmp b/tokenizer_config.json exported/tokenizer_config.json
}

@test "an estimate says what a run takes and writes nothing" {
	prepare
	scratch --estimate train.jsonl >estimate.json
	jq -e '.rows == 32 and .steps == 6 and .tokens_trained == 3 * .tokens and .memory.total > 0 and .seconds > 0
		and .flops_per_step > 0 and .recomputed_layers == 0' estimate.json
	# A base that is quantised is counted as it is held, not as its file has it beside that.
	scratch -o base --steps 1 train.jsonl >/dev/null
	for type in f32 q8_0; do
		ft-train -q -m ./base --quantize $type --rank 1 --estimate train.jsonl >$type.json
	done
	jq -se '.[1].memory.weights < .[0].memory.weights / 2' f32.json q8_0.json
}

@test "the loss curves are a picture" {
	prepare
	scratch -o out --steps 6 --eval-every 2 -v valid.jsonl --plot loss.svg train.jsonl >/dev/null
	grep -q '^<svg ' loss.svg
	grep -q 'validation loss' loss.svg
	[ "$(grep -c '<circle' loss.svg)" -eq 3 ]
}

@test "a full disk leaves the checkpoint that was there" {
	prepare
	mkdir disk
	mount -t tmpfs -o size=4m tmpfs disk 2>/dev/null || skip "no tmpfs can be mounted here"
	args=(--steps 4000 --save-every 2 train.jsonl)
	interrupted TERM disk/out ft-train -q --scratch config.json -o disk/out "${args[@]}" >/dev/null 2>first.txt
	cp disk/out/checkpoint.safetensors before
	dd if=/dev/zero of=disk/filler bs=1k 2>/dev/null || true
	run --separate-stderr scratch -o disk/out --resume "${args[@]}"
	cmp disk/out/checkpoint.safetensors before || bad=1
	umount -l disk
	[ -z "${bad:-}" ]
	[ "$status" -eq 2 ]
	[[ $stderr == *"No space left"* ]]
}

@test "dropout and embedding noise change the training, by the seed alone" {
	prepare
	scratch -o base --epochs 2 --lr 3e-3 train.jsonl >/dev/null
	run_of() { ft-train -q -m ./base "$@" --epochs 1 train.jsonl | plain | tail -n 1; }
	[ "$(run_of -o a --dropout 0.3)" = "$(run_of -o b --dropout 0.3 --threads 1)" ]
	[ "$(run_of -o c --neftune 5)" = "$(run_of -o d --neftune 5 --threads 1)" ]
	[ "$(run_of -o e)" != "$(run_of -o f --neftune 5)" ]
	[ "$(run_of -o g --dropout 0.3)" != "$(run_of -o h --dropout 0.3 --seed 1)" ]
	status_is 2 ft-train -q -m ./base --dpo --dropout 0.1 -o out train.jsonl
	[[ $stderr == *"--dropout does not go with --dpo"* ]]
}

# need_torch - skips where Debian's PyTorch or the independent reference is missing.
need_torch() {
	need_shared peers/reference.py
	/usr/bin/python3 -c 'import torch, numpy' 2>/dev/null || skip "no python3-torch here"
	export OMP_NUM_THREADS=1 # models this small lose time on threads, and all of it where the processors are busy
}

# worst PATH-A PATH-B EXPRESSION - the largest relative difference of a figure between two files,
# row by row.
worst() {
	jq -n --slurpfile a "$1" --slurpfile b "$2" \
		"[range(\$b | length) as \$i | ((\$a[\$i] | $3) - (\$b[\$i] | $3)) / (\$b[\$i] | $3) | fabs] | max"
}

@test "losses and gradient norms of 20 steps are those of an independent PyTorch implementation" {
	need_torch
	prepare
	for shape in tiny tiny-qwen2 tiny-qwen3; do
		/usr/bin/python3 "$SHARED/peers/random_model.py" $shape $shape --layers 2 --seed 4 2>/dev/null
		args=(-q -m "./$shape" --batch 40 --schedule constant --warmup 0)
		ft-train "${args[@]}" --rank 4 --alpha 8 -o start --steps 3 --lr 1e-2 rows.jsonl >/dev/null # so that B is not zero
		ft-train "${args[@]}" -a start --steps 1 -n rows.jsonl >packs.jsonl
		ft-train "${args[@]}" -a start -o more --steps 20 --lr 1e-3 rows.jsonl | jq -c 'select(.lr)' >ours
		/usr/bin/python3 "$SHARED/peers/reference.py" train $shape --adapter start --lr 1e-3 --steps 20 \
			--clip 1 <packs.jsonl >theirs
		[ "$(wc -l <theirs)" -eq 20 ]
		[ "$(worst ours theirs .loss | jq '. < 1e-4')" = true ]
		[ "$(worst ours theirs .grad_norm | jq '. < 1e-3')" = true ]
		rm -r start more
	done
}

@test "the DPO loss is the one that an independent implementation's log-probabilities give" {
	need_torch
	prepare_pairs
	/usr/bin/python3 "$SHARED/peers/random_model.py" tiny tiny --seed 3 2>/dev/null
	ft-train -q -m ./tiny -o start --rank 4 --steps 4 --lr 1e-2 train.jsonl >/dev/null # so that policy and reference differ
	args=(-q -m ./tiny -a start --dpo --beta 0.3 ptrain.jsonl)
	ft-train -o more --batch 24 --steps 1 "${args[@]}" | jq -s '.[0].loss' >ours
	ft-train --batch 1 --steps 24 -n "${args[@]}" |
		jq -c '.starts[1] as $n | ({ids: .ids[:$n], weights: .weights[:$n]}, {ids: .ids[$n:], weights: .weights[$n:]})
		+ {starts: [0]}' >one.jsonl
	[ "$(wc -l <one.jsonl)" -eq 48 ]
	for adapter in "" "--adapter start"; do
		/usr/bin/python3 "$SHARED/peers/reference.py" logits tiny $adapter --no-logits <one.jsonl
	done | jq '.loss' >losses
	jq -n --slurpfile packs one.jsonl --slurpfile loss losses --slurpfile ours ours '
		def logp(i): -$loss[i] * ($packs[i % 48].weights[1:] | add);
		[range(24) | (logp(48 + 2 * .) - logp(49 + 2 * .) - logp(2 * .) + logp(1 + 2 * .)) * 0.3 | (1 + (-. | exp)) | log]
		| add / 24
		| {theirs: ., ours: $ours[0]}' >both
	jq -e '(.ours - (2 | log) | fabs) > 1e-3 and (.ours - .theirs | fabs) < 1e-5' both || { cat both; false; }
}

@test "the adapter gives an independent reader the loss of the last validation" {
	need_torch
	prepare
	/usr/bin/python3 "$SHARED/peers/random_model.py" tiny tiny --seed 1 2>/dev/null
	for method in "" --rslora; do
		ft-train -q -m ./tiny -o adapter $method --epochs 2 --lr 5e-3 -v valid.jsonl train.jsonl >metrics.jsonl
		ft-train -q -m ./tiny -n --batch 8 valid.jsonl >packs.jsonl
		[ "$(wc -l <packs.jsonl)" -eq 1 ]
		/usr/bin/python3 "$SHARED/peers/reference.py" logits tiny --adapter adapter --no-logits <packs.jsonl >theirs
		jq -c 'select(.valid_loss) | {loss: .valid_loss}' metrics.jsonl | tail -n 1 >ours
		[ "$(worst ours theirs .loss | jq '. < 1e-4')" = true ]
	done
}

@test "four rows are learned by heart, and generation then stops by itself" {
	prepare
	for i in 1 2 3 4; do
		jq -nc --arg q "question $i" --arg a "answer number $i, and that is all." \
			'{messages: [{role: "user", content: $q}, {role: "assistant", content: $a}]}'
	done >four.jsonl
	scratch -o heart --steps 1200 --batch 4 --lr 5e-3 four.jsonl >/dev/null
	ft-prompt -q -m ./heart --max-tokens 100 four.jsonl >answers.jsonl
	jq -se 'all(.[]; .output == .messages[-1].content and .finish_reason == "stop")' answers.jsonl
}

# What the manual says of links, by its own formula: bytes 4 P (G + 1) (N - 1) / N with G = 1, and of a step with ten seconds of
# computing.
@test "the manual's table of ranks is its formula, and so is what an estimate says they send and need" {
	prepare
	awk '/^\.It [0-9.]+ billion Ta /{sub(/^\.It /, ""); gsub(/ Ta /, "\t"); gsub(/ %/, ""); print}' "$ROOT/man/ft-train.1" >table
	[ "$(wc -l <table)" -eq 16 ]
	# Values of Qwen2.5-0.5B and 7B, and of adapters of rank 16 on all their products.
	awk -F '\t' 'BEGIN {P["0.5 billion LoRA"] = 8798208; P["0.5 billion all"] = 494032768
			P["7 billion LoRA"] = 40370176; P["7 billion all"] = 7615616512}
		function off(a, b, by) {return a - b > by || b - a > by}
		function share(gbit,  S, back) {
			S = bytes / 2 / (gbit * 1.25e8)
			back = S - 20 / 3
			return 1000 / (10 + S + (back > 0 ? back : 0))
		}
		{bytes = 8 * P[$1 " " $2] * ($3 - 1) / $3
		 if (!bytes || off($4, bytes / 1e6, .5) || off($5, bytes / 1.25e9, .005) || off($6, bytes / 1.25e10, .0005) ||
			off($7, share(10), .5) || off($8, share(100), .5)) {print "wrong: " $0; bad = 1}}
		END {exit bad}' table
	echo '{"model_type": "llama", "hidden_size": 127, "intermediate_size": 303, "num_hidden_layers": 8, "num_attention_heads": 1,
		"num_key_value_heads": 1, "head_dim": 64, "max_position_embeddings": 512, "rms_norm_eps": 1e-5,
		"tie_word_embeddings": true}' >eight.json
	ft-train -q --scratch eight.json --batch 4 --estimate train.jsonl >estimate.json
	jq -e '.ranks | map(.ranks) == [1, 2, 4, 8, 16, 32, 64]' estimate.json
	jq -e '.ranks[0].gradients_and_optimiser as $one | .memory.gradients_and_optimiser == $one and
		all(.ranks[]; (.sent_per_step - 8 / 3 / 4 * $one * (.ranks - 1) / .ranks | fabs) <= 4 * 64 * .ranks)' estimate.json
	jq -e '[.ranks[].gradients_and_optimiser] | . == (sort | reverse) and .[2] < .4 * .[0]' estimate.json
}

@test "two MPI ranks give the losses of one process" {
	[ -x "${FT_MPI_BUILD:-$ROOT/build/mpi}/bin/ft-train" ] && command -v mpirun >/dev/null ||
		skip "no MPI build (make BUILD=build/mpi MPI=1) or no mpirun"
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	prepare
	PATH=${FT_MPI_BUILD:-$ROOT/build/mpi}/bin:$PATH
	args=(-q --scratch config.json --batch 7 --epochs 3 -v valid.jsonl train.jsonl)
	ft-train -o one "${args[@]}" | jq -c 'select(.loss) | {loss}' >one.losses
	mpirun --oversubscribe -n 2 ft-train -o two "${args[@]}" | jq -c 'select(.loss) | {loss}' >two.losses
	[ "$(wc -l <one.losses)" -gt 10 ]
	[ "$(worst two.losses one.losses .loss | jq '. < 1e-4')" = true ]
	run mpirun --oversubscribe -n 2 ft-train -o three "${args[@]:0:7}" <train.jsonl
	[ "$status" -ne 0 ]
	[[ $output == *"standard input"* ]]
}

@test "two MPI ranks share what KTO measures against" {
	[ -x "${FT_MPI_BUILD:-$ROOT/build/mpi}/bin/ft-train" ] && command -v mpirun >/dev/null ||
		skip "no MPI build (make BUILD=build/mpi MPI=1) or no mpirun"
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	prepare_thumbs
	PATH=${FT_MPI_BUILD:-$ROOT/build/mpi}/bin:$PATH
	ft-train -q -m ./base -o start --epochs 6 --lr 2e-3 right.jsonl >/dev/null # so that policy and reference differ
	# Every other step is of one row, so that a rank has none.
	args=(-q -m ./base -a start --kto --batch 31 --steps 4 --lr 1e-4 -v tvalid.jsonl ttrain.jsonl)
	ft-train -o one "${args[@]}" | jq -c 'select(.kl)' >one.jsonl
	mpirun --oversubscribe -n 2 ft-train -o two "${args[@]}" | jq -c 'select(.kl)' >two.jsonl
	jq -se 'any(.[]; .kl > 1e-3)' one.jsonl
	[ "$(worst two.jsonl one.jsonl '(.loss // .valid_loss)' | jq '. < 1e-4')" = true ]
	[ "$(worst two.jsonl one.jsonl '(.kl + 1)' | jq '. < 1e-4')" = true ]
}

@test "a rank that dies ends the run, and its last checkpoint is gone on from" {
	[ -x "${FT_MPI_BUILD:-$ROOT/build/mpi}/bin/ft-train" ] && command -v mpirun >/dev/null ||
		skip "no MPI build (make BUILD=build/mpi MPI=1) or no mpirun"
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	prepare
	PATH=${FT_MPI_BUILD:-$ROOT/build/mpi}/bin:$PATH
	args=(-q --scratch config.json --steps 3000 --save-every 5 train.jsonl)
	mpirun --oversubscribe -n 2 ft-train -o cut "${args[@]}" >/dev/null 2>said.txt 3>&- &
	pid=$!
	await [ -s cut/checkpoint.safetensors ]
	kill -KILL "$(pgrep -P $pid -f 'ft-train -o cut' | tail -n 1)"
	status=0
	wait $pid || status=$?
	[ "$status" -ne 0 ]
	[ -s said.txt ]
	[ -s cut/checkpoint.safetensors ]
	ft-train -o cut --resume "${args[@]}" >/dev/null 2>&1 3>&- &
	sleep 0.5
	kill -TERM $!
	wait $! || true
	[ "$(jq -s 'map(.step // empty) | . == unique' cut/metrics.jsonl)" = true ]
}

@test "--show is coloured on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb say otherwise" {
	need_terminal
	load model
	make_model coloured
	jq -nc 'range(3) | {messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a\(.)"}]}' >shown.jsonl
	for with in NO_COLOR= CLICOLOR=1; do
		env -u NO_COLOR -u CLICOLOR TERM=xterm "$with" \
			script -qec 'ft-train -q -m ./coloured -o none --show shown.jsonl' /dev/null </dev/null >coloured.txt
		grep -q $'\033' coloured.txt
	done
	for without in TERM=dumb NO_COLOR=1 CLICOLOR=0; do
		env TERM=xterm "$without" script -qec 'ft-train -q -m ./coloured -o none --show shown.jsonl' /dev/null </dev/null >plain.txt
		run ! grep -q $'\033' plain.txt
		grep -q '>>>a1<' plain.txt
	done
	# No line of progress is written anew where that is not understood.
	jq -nc 'range(200) | {id: "r\(.)", text: "row \(.)"}' >rows.jsonl
	env TERM=dumb script -qec 'ft-split -o parts rows.jsonl' /dev/null </dev/null >dumb.txt
	run ! grep -q $'\033' dumb.txt
}

@test "a conversation of very many messages is refused where its template takes too long, and a signal is heard on the way" {
	prepare
	scratch -o base --steps 1 train.jsonl >/dev/null
	# Shows more of its last answers, so that none stands where a prompt for it would say.
	local template='{% for m in messages %}{% if loop.index0 > messages|length - 3 and m.role == "assistant" %}<think>{% endif %}'
	set_template "$template"'<|{{ m.role }}|>{{ m.content + "\n" }}{% endfor %}'
	jq -nc '{id: "long", messages: [range(40000) | {role: (if . % 2 == 0 then "user" else "assistant" end),
		content: "hello \(.)"}]}' >long.jsonl
	ft-train -m ./base --dry-run --too-long truncate long.jsonl >/dev/null 2>said 3>&- &
	local pid=$!
	await [ -s said ]
	kill "$pid"
	await eval '! kill -0 '"$pid"
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 143 ]
	[ -z "${FT_SANITIZED:-}" ] || return 0 # the rest takes minutes
	status_is 2 ft-train -m ./base --dry-run --too-long truncate long.jsonl
	[[ $stderr == *"row long: 40000 messages are too many for this template"* ]]
}
