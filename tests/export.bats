#!/usr/bin/env bats
# ft-export: merged directories, GGUF files and adapters, checked against the engine here and
# against llama.cpp where it is installed.
# shellcheck disable=SC2154 # status_is and run set stderr
load helper
load model

# need_llama - skips where llama.cpp's library is not there; tests/peer/llama-build says how to get it.
need_llama() {
	"$ROOT/tests/peer/llama-build" 2>why || skip "$(cat why)"
	PATH=$BUILD/peer:$PATH
}

pack() {
	jq -nc '{ids: [range(60) | (. * 37 + 11) % 256], weights: [range(60) | 1], starts: [0]}'
}

# apart A B - the largest difference of their logits.
apart() {
	jq -n -f "$ROOT/tests/peer/llama-diff.jq" --slurpfile a "$1" --slurpfile b "$2"
}

within() {
	jq -en --argjson got "$1" --argjson most "$2" 'if $got <= $most then true else "\($got) > \($most)" | debug | false end'
}

beyond() {
	jq -en --argjson got "$1" --argjson least "$2" '$got > $least' >/dev/null
}

@test "a merged directory computes what base and adapter did" {
	make_model m
	train-reference adapter m a 4 5
	status_is 0 ft-export -m ./m -a a -o merged
	[ "$(jq -r .format <<<"$output")" = hf ]
	pack | train-reference logits m a >two
	pack | train-reference logits merged >one
	pack | train-reference logits m >base
	within "$(apart one two)" 1e-4
	beyond "$(apart one base)" 1e-2
	cmp m/tokenizer.json merged/tokenizer.json
	cmp m/tokenizer_config.json merged/tokenizer_config.json
	echo '{"prompt": "abc"}' >q.jsonl
	ft-prompt -q -m ./m -a a --max-tokens 20 q.jsonl | jq .output >x
	ft-prompt -q -m ./merged --max-tokens 20 q.jsonl | jq .output >y
	cmp x y
}

@test "bf16 is rounded once, after merging" {
	make_model m
	train-reference adapter m a 4 5
	ft-export -q -m ./m -a a -o f32
	ft-export -q -m ./m -a a -o once --quantize bf16
	ft-export -q -m ./f32 -o twice --quantize bf16
	cmp once/model.safetensors twice/model.safetensors
	[ "$(stat -c %s once/model.safetensors)" -lt "$(stat -c %s f32/model.safetensors)" ]
}

@test "an export that is cut short leaves no model made of two" {
	make_model m 7 '{"num_hidden_layers": 4, "tie_word_embeddings": false}'
	make_model n 8 '{"num_hidden_layers": 4, "tie_word_embeddings": false}'
	ft-export -q -m ./m -o out --shard-size 72K >/dev/null
	before=$(cat out/*.safetensors out/*.json | cksum)
	# Files may be as large as the first shard, and not as the largest.
	first=$(stat -c %s out/model-00001-of-*)
	largest=$(stat -c %s out/model-*.safetensors | sort -n | tail -n 1)
	[ "$first" -lt $((largest / 1024 * 1024)) ]
	run bash -c "ulimit -f $((largest / 1024)); trap '' XFSZ; ft-export -q -m ./n -o out --shard-size 72K"
	[ "$status" -eq 2 ]
	[ "$before" = "$(cat out/*.safetensors out/*.json | cksum)" ]
	[ -z "$(find out -name '.weights*')" ]
	ft-export -q -m ./n -o out --shard-size 200K >/dev/null
	[ "$(find out -name 'model-*.safetensors' | wc -l)" -eq "$(jq '.weight_map | [.[]] | unique
		| length' out/model.safetensors.index.json)" ]
}

@test "large weights are cut into shards with an index, and the form of before is removed" {
	make_model m 7 '{"num_hidden_layers": 4, "tie_word_embeddings": false}'
	ft-export -q -m ./m -o whole >/dev/null
	ft-export -q -m ./m -o cut >/dev/null
	ft-export -q -m ./m -o cut --shard-size 100K | jq -e '.format == "hf"'
	[ ! -e cut/model.safetensors ]
	jq -er '.weight_map | [.[]] | unique[]' cut/model.safetensors.index.json >shards
	[ "$(wc -l <shards)" -gt 3 ]
	[ "$(grep -cE "^model-0000[0-9]-of-0000$(wc -l <shards).safetensors$" shards)" -eq "$(wc -l <shards)" ]
	while read -r shard; do
		[ "$(stat -c %s "cut/$shard")" -le $((102400 + 4096)) ]
	done <shards
	jq -e --argjson bytes "$(jq -n '[inputs | .parameters] | add * 4' <(ft-export -q -m ./m -o whole))" \
		'.metadata.total_size == $bytes' cut/model.safetensors.index.json
	pack | train-reference logits whole >one
	pack | train-reference logits cut >two
	cmp one two
	ft-export -q -m ./cut -o cut --shard-size 1G >/dev/null
	[ ! -e cut/model.safetensors.index.json ]
	cmp whole/model.safetensors cut/model.safetensors
}

# The models that stand in out, of two: their names, or none. Every file counts.
one_model() {
	local name
	for name in "$@"; do
		if diff -r -x notes -x sub -x .ft-export.new "$name" out >/dev/null; then
			echo "$name"
			return
		fi
	done
	if [ -e out/config.json ]; then
		echo "made of two: $(ls out)"
		return 1
	fi
	echo none
}

@test "any step of an export may fail or be the last: the directory holds the old model or the new one whole" {
	need_inject
	make_model m 7
	make_model n 8 '{"tie_word_embeddings": false}'
	echo '{"eos_token_id": 258}' >n/generation_config.json
	ft-export -q -m ./m -o old >/dev/null
	args=(-q -m ./n -o out --shard-size 150K)
	ft-export "${args[@]}" -o new >/dev/null
	for place in swapped in-turn fresh; do
		rm -rf before
		if [ $place != fresh ]; then
			cp -r old before
			echo mine >before/notes
		fi
		[ $place != in-turn ] || mkdir before/sub
		put_back() {
			rm -rf out .out.new
			[ $place = fresh ] || cp -r before out
		}
		put_back
		inject -k rename,sync -c count ft-export "${args[@]}" >/dev/null
		[ "$(one_model new)" = new ]
		[ "$(<count)" -gt 10 ]
		seen=
		for i in $(seq 1 "$([ -n "${FT_SLOW:-}" ] && echo 1 || echo 5)" "$(<count)"); do
			put_back
			status=0
			inject -k rename,sync -f "$i" ft-export "${args[@]}" >/dev/null 2>err || status=$?
			[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
			[ "$status" -eq 0 ] || [ -s err ]
			[ "$status" -eq 2 ] || [ "$(one_model old new)" = new ]
			[ "$status" -eq 0 ] || [ $place = in-turn ] || [ $place = fresh ] || [ "$(one_model old new)" = old ]
			[ $place != in-turn ] || one_model old new

			put_back
			status=0
			inject -k rename,sync -s "$i" ft-export "${args[@]}" >/dev/null || status=$?
			[ "$status" -eq 137 ]
			if [ -e out ]; then seen+="$(one_model old new) "; fi
			# What the killed run has left, the next one removes.
			ft-export -q -m ./m -o out >/dev/null
			[ "$(one_model old)" = old ]
			[ -z "$(find . -name '*.ft-??????' -o -name '.out.new*' -o -name '.ft-export.new' -o -name '.weights-*')" ]
			[ $place = fresh ] || [ "$(cat out/notes)" = mine ]
		done
		[ $place = in-turn ] || [[ $seen != *new*old* ]]
		[ $place != swapped ] || [[ $seen != *none* ]]
	done
}

wide='"hidden_size": 256, "intermediate_size": 768, "num_attention_heads": 8, "num_key_value_heads": 4'

@test "an interrupted export ends by the signal and leaves what was there" {
	make_model large 1 "{\"num_hidden_layers\": 20, $wide}"
	make_model old
	ft-export -q -m ./old -o x.gguf >/dev/null
	ft-export -q -m ./old -o d >/dev/null
	rm Modelfile
	before=$(cat x.gguf d/* | cksum)
	names=$(ls -A d)
	for out in x.gguf d; do
		ft-export -q -m ./large -o $out >report 3>&- &
		pid=$!
		while kill -0 "$pid" && ! compgen -G "x.gguf?*" && ! compgen -G ".d.new/model.safetensors?*"; do :; done >names
		kill -TERM "$pid"
		status=0
		wait "$pid" || status=$?
		[ "$status" -eq 143 ]
		[ ! -s report ]
	done
	[ "$before" = "$(cat x.gguf d/* | cksum)" ]
	[ "$(ls -A d)" = "$names" ]
	[ -z "$(find . -maxdepth 1 -name '.d*')" ]
	[ "$(ls -d x.gguf*)" = x.gguf ]
}

# peak MODEL OUT LAST OPTIONS... - the most memory, in KB, that ft-export took for it. Its report
# goes into a full pipe, so that it still stands there to be asked; LAST is the last file it writes.
peak() {
	local model=$1 out=$2 last=$3 pid
	shift 3
	rm -f full
	mkfifo full
	exec 7<>full
	head -c 65536 /dev/zero >&7
	ft-export -q -m "$model" -o "$out" "$@" >full 7>&- &
	pid=$!
	until [ -e "$last" ]; do
		kill -0 "$pid" || return 1
		sleep 0.02
	done
	awk '/VmHWM/ {print $2}' "/proc/$pid/status"
	kill -KILL "$pid"
	wait "$pid" 2>/dev/null || true
	exec 7>&-
}

@test "memory does not grow with the model" {
	[ -z "${FT_SANITIZED:-}" ] || skip "the sanitizers have allocators of their own"
	make_model small 1 "{\"num_hidden_layers\": 2, $wide}"
	make_model large 1 "{\"num_hidden_layers\": 20, $wide}"
	# A tenth of what the model grew by: tables, and pages brought in around each of its
	# vectors.
	most=$((($(stat -c %s large/model.safetensors) - $(stat -c %s small/model.safetensors)) / 10240))
	[ "$most" -gt 5000 ]
	for form in f32 q8_0; do
		rm -f Modelfile
		small=$(peak ./small "s.gguf" Modelfile --quantize $form)
		rm -f Modelfile
		large=$(peak ./large "l.gguf" Modelfile --quantize $form)
		echo "$small $large"
		[ "$large" -lt $((small + most)) ]
	done
	small=$(peak ./small s s/tokenizer_config.json)
	large=$(peak ./large l l/tokenizer_config.json)
	echo "$small $large"
	[ "$large" -lt $((small + most)) ]
}

@test "the same export twice gives the same bytes" {
	make_model m
	for i in 1 2; do
		ft-export -q -m ./m -o x$i.gguf --quantize q4_0
		ft-export -q -m ./m -o d$i
	done
	cmp x1.gguf x2.gguf
	cmp d1/model.safetensors d2/model.safetensors
}

@test "a GGUF file holds the template, and its Modelfile the file and the stop tokens" {
	make_model m
	ft-export -m ./m -o out.gguf
	[ "$(head -c 4 out.gguf)" = GGUF ]
	LC_ALL=C grep -aq '<|turn|>{{ m.role }}' out.gguf
	grep -qx 'FROM ./out.gguf' Modelfile
	grep -qx 'PARAMETER stop "<|end|>"' Modelfile
}

# templated TEMPLATE - m has that chat template, and is exported again.
templated() {
	jq --arg t "$1" '.chat_template = $t' m/tokenizer_config.json >t
	mv t m/tokenizer_config.json
	rm -f Modelfile
	status_is 0 ft-export -m ./m -o out.gguf
}

# rendered_alike FILE - what the Modelfile's TEMPLATE makes of the records is what the model's own does.
# BOS is llama.cpp's to add.
rendered_alike() {
	ft-prompt -n -q -m ./m "$1" | jq -c '.prompt | ltrimstr("<|begin|>")' >want
	python3 "$ROOT/tests/gotemplate.py" Modelfile <"$1" | jq -c . >got
	[ -s want ]
	diff want got
}

talks() {
	jq -nc '"Answer in one word.\nUse capitals." as $s | "What \"is\" {{ 2 }} + 2?\n\n- a\\n" as $u
		| "Four, <b>\u00fc\u4f60</b> \"\"\" {% x %}" as $a
		| def talk: {messages: [foreach .[] as $m (-1; . + 1; {role: $m[0], content: "\($m[1]) \(.)"})]};
		[["system", $s], ["user", $u]], [["user", $u]],
		[["system", $s], ["user", $u], ["assistant", $a], ["user", "\($u)?"], ["assistant", "no"], ["user", "why"]],
		[["user", $u], ["assistant", $a], ["user", $a]] | talk'
}

@test "the Modelfile has a TEMPLATE for Ollama that renders what the chat template does" {
	command -v python3 >/dev/null || skip "no python3 here"
	local chatml llama3 mistral
	make_model m
	talks >talks.jsonl
	# As in Qwen 2.5, Llama 3, Llama 2, Mistral v3 and DeepSeek: a system message of its own where none is given, a date and BOS, both
	# texts in one turn, the system text before the last user's, an answer that is begun.
	chatml='{%- if messages[0].role != "system" %}{{ "<|turn|>system\nYou are \"helpful\".<|end|>\n" }}{% endif %}'
	chatml+='{%- for m in messages %}{{ "<|turn|>" + m.role + "\n" + m.content + "<|end|>\n" }}{% endfor %}'
	chatml+='{%- if add_generation_prompt %}{{ "<|turn|>assistant\n" }}{% endif %}'
	llama3='{{ bos_token }}{{ "<|turn|>system\n\nToday: " }}{{ "26 Jul 2024\n\n" }}'
	llama3+='{%- if messages[0].role == "system" %}{{ messages[0].content }}'
	llama3+='{%- set messages = messages[1:] %}{% endif %}{{ "<|end|>" }}{% for m in messages %}<|turn|>{{ m.role }}'
	llama3+='{{ "\n\n" + m.content + "<|end|>" }}{% endfor %}{% if add_generation_prompt %}{{ "<|turn|>assistant\n\n" }}{% endif %}'
	local llama2='{% if messages[0].role == "system" %}{% set s = "<<SYS>>\n" + messages[0].content + "\n<</SYS>>\n\n" %}'
	llama2+='{% set messages = messages[1:] %}{% else %}{% set s = "" %}{% endif %}{% for m in messages %}{% if m.role == "user" %}'
	llama2+='{{ bos_token + "[INST] " + (s if loop.first else "") + m.content + " [/INST]" }}'
	llama2+='{% else %}{{ " " + m.content + " <|end|>" }}{% endif %}{% endfor %}'
	mistral='{{ bos_token }}{% if messages[0].role == "system" %}{% set s = messages[0].content %}'
	mistral+='{% set messages = messages[1:] %}{% endif %}'
	mistral+='{% for m in messages %}{% if m.role == "user" %}{{ "[INST] " }}'
	mistral+='{% if loop.last and s is defined %}{{ s + "\n\n" }}{% endif %}'
	mistral+='{{ m.content + "[/INST]" }}{% else %}{{ " " + m.content + "<|end|>" }}{% endif %}{% endfor %}'
	local deepseek='{{ bos_token }}{% for m in messages %}{% if m.role == "system" %}{{ m.content }}{% elif m.role == "user" %}'
	deepseek+='{{ "<|turn|>" + m.content }}{% else %}{{ "A:" + m.content + "<|end|>" }}{% endif %}{% endfor %}'
	deepseek+='{% if add_generation_prompt %}{{ "A:<think>\n" }}{% endif %}'
	for t in "$chatml" "$llama3" "$llama2" "$mistral" "$deepseek"; do
		templated "$t"
		[ "$(jq .ollama_template <<<"$output")" = true ]
		run ! grep -q '^# No TEMPLATE' Modelfile
		rendered_alike talks.jsonl
	done
	# The template that came with the model, which has no place for tools either.
	byte_tokenizer m
	rm -f Modelfile
	status_is 0 ft-export -m ./m -o out.gguf
	rendered_alike talks.jsonl
	run ! grep -q '^# Tools' Modelfile
	# What only some conversations have is said.
	t="{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
	templated "$t<|turn|>{{ m.content | trim }}<|end|>{% endfor %}A"
	grep -q '^# The chat template takes no system message' Modelfile
	grep -q '^# The chat template takes blanks' Modelfile
	grep -v '"system"' talks.jsonl >without.jsonl
	rendered_alike without.jsonl
	templated "{% if tools %}{% for t in tools %}{{ t | tojson }}{% endfor %}{% endif %}$chatml"
	grep -q '^# Tools are not carried' Modelfile
	rendered_alike talks.jsonl
}

@test "a chat template that Ollama cannot have is told of, in the file and beside it" {
	make_model m
	local t
	for t in '{% for m in messages | reverse %}<|turn|>{{ m.content }}{% endfor %}A' \
		'{{ messages | length }}{% for m in messages %}<|turn|>{{ m.content }}{% endfor %}A' \
		'{% for m in messages %}<|turn|>{{ m.content | upper }}{% endfor %}A' \
		'{% for m in messages %}<|turn|>{{ m.content }}{{ "#" * (m.content | length) }}{% endfor %}A'; do
		templated "$t"
		[ "$(jq .ollama_template <<<"$output")" = false ]
		[[ $stderr == *"Modelfile: no TEMPLATE: the chat template cannot be written as Ollama's: "* ]]
		grep -q '^# No TEMPLATE: ' Modelfile
		run ! grep -q '^TEMPLATE' Modelfile
	done
}

@test "nothing is overwritten that ft-export did not write" {
	make_model m
	echo 'FROM llama3' >Modelfile
	status_is 2 ft-export -m ./m -o out.gguf
	[[ $stderr == *"Modelfile: ft-export did not write it, or it was changed since"* ]]
	[ "$(cat Modelfile)" = 'FROM llama3' ]
	[ ! -e out.gguf ]
	mv Modelfile mine
	ft-export -q -m ./m -o out.gguf >/dev/null
	ft-export -q -m ./m -o out.gguf --quantize q8_0 >/dev/null
	sed -i 's/^PARAMETER stop.*/&\nPARAMETER temperature 0/' Modelfile
	cp Modelfile edited
	status_is 2 ft-export -m ./m -o out.gguf
	cmp edited Modelfile
	rm Modelfile
	# A GGUF file, and anything else, of others.
	printf 'GGUF\3\0\0\0another' >other.gguf
	echo notes >notes.txt
	for out in other.gguf notes.txt; do
		cp $out kept
		status_is 2 ft-export -m ./m -o $out --format gguf
		[[ $stderr == *"$out: ft-export did not write it"* ]]
		cmp kept $out
	done
	# A model of others, its weights or another file of it.
	mkdir theirs tokens
	sed '1s/"writer":"ft"/"writer":"hf"/' m/model.safetensors >theirs/model.safetensors
	cp m/tokenizer.json tokens/tokenizer.json
	for out in theirs tokens; do
		before=$(cat $out/* | cksum)
		status_is 2 ft-export -m ./m -o $out
		[[ $stderr == *"$out holds "*", which ft-export did not write"* ]]
		[ "$before" = "$(cat $out/* | cksum)" ]
	done
	mkdir beside
	echo mine >beside/README.md
	ft-export -q -m ./m -o beside >/dev/null
	ft-export -q -m ./m -o beside --quantize bf16 >/dev/null
	[ "$(cat beside/README.md)" = mine ]
}

# as_llama HOW MOST MEMBERS - a model with these members, exported: llama.cpp's logits are ours. It looks GELU up in a table of 16-bit
# floats: with logits-gelu it computes it and is as near as the others, and without within MOST.
as_llama() {
	rm -rf m
	make_model m 3 "$3"
	pack | train-reference logits m >ours
	ft-export -q -m ./m -o m.gguf --quantize f32 >/dev/null
	pack | llama-peer "$1" m.gguf >theirs
	within "$(apart ours theirs)" 1e-3
	[ "$1" = logits ] || pack | llama-peer logits m.gguf >theirs
	within "$(apart ours theirs)" "$2"
}

@test "llama.cpp computes our logits from every family's file" {
	need_llama
	local scaled gelu yarn ministral long olmo linear granite hybrid delta experts='"num_experts": 6, "num_experts_per_tok": 2'
	scaled=$(jq -nc '{rope_scaling: {rope_type: "llama3", factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0,
		original_max_position_embeddings: 64}, tie_word_embeddings: false}')
	gelu='"head_dim": 16, "hidden_activation": "gelu_pytorch_tanh", "hidden_act": "gelu_pytorch_tanh"'
	gelu+=', "query_pre_attn_scalar": 16'
	yarn='{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}'
	ministral=$(jq -nc --argjson yarn "$yarn" '{model_type: "ministral3", head_dim: 16,
		rope_parameters: ($yarn + {mscale: 1.0, mscale_all_dim: 1.0, llama_4_scaling_beta: 0.1, rope_theta: 1e6})}')
	# 60 tokens are beyond the original context here, and there any are once more are allowed for.
	long=$(jq -nc '{model_type: "phi3", partial_rotary_factor: 0.75, original_max_position_embeddings: 32,
		rope_scaling: {type: "longrope", short_factor: [1, 1, 1, 1, 1, 1], long_factor: [1, 1.5, 2, 3, 5, 8]}}')
	olmo=$(jq -nc --argjson yarn "$yarn" '{model_type: "olmo3", num_hidden_layers: 5, sliding_window: 8, rope_scaling: $yarn}')
	linear="{\"model_type\": \"gemma3_text\", $gelu, \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8.0}}"
	delta='"head_dim": 24, "linear_num_value_heads": 2, "linear_num_key_heads": 2'
	delta+=', "linear_key_head_dim": 16, "linear_value_head_dim": 16'
	granite='"embedding_multiplier": 3.0, "residual_multiplier": 0.22, "attention_multiplier": 0.1, "logits_scaling": 4.0'
	hybrid='"num_local_experts": 0, "shared_intermediate_size": 96, "position_embedding_type": "rope"'
	while IFS='|' read -r how most members; do
		as_llama "$how" "$most" "$members"
	done <<END
logits|1e-3|{"model_type": "llama"}
logits|1e-3|$scaled
logits|1e-3|{"attention_bias": true, "rope_scaling": {"type": "linear", "factor": 2.0}}
logits|1e-3|{"model_type": "mistral", "rope_scaling": $yarn}
logits|1e-3|{"model_type": "qwen2"}
logits|1e-3|{"model_type": "qwen3", "head_dim": 32, "tie_word_embeddings": false}
logits|1e-3|{"model_type": "qwen3", "rope_scaling": ${yarn/4.0/2.0, \"attention_factor\": 1.2}}
logits-gelu|2e-2|{"model_type": "gemma", "head_dim": 16, "hidden_act": "gelu"}
logits-gelu|2e-2|{"model_type": "gemma2", $gelu, "sliding_window": 64, "attn_logit_softcapping": 50.0, "final_logit_softcapping": 30.0}
logits-gelu|2e-2|{"model_type": "gemma3_text", $gelu, "sliding_window": 8, "rope_local_base_freq": 10000.0}
logits-gelu|2e-2|{"model_type": "gemma3_text", $gelu, "sliding_window": 8, "sliding_window_pattern": 2, "rope_local_base_freq": 500.0}
logits-gelu|2e-2|$linear
logits|1e-3|$ministral
logits|1e-3|{"model_type": "smollm3", "num_hidden_layers": 5}
logits|1e-3|{"model_type": "phi3", "tie_word_embeddings": false}
logits|1e-3|$long
logits|1e-3|{"model_type": "gpt_oss", "head_dim": 16, $experts, "sliding_window": 8, "rope_scaling": $yarn}
logits|1e-3|{"model_type": "granite", $granite}
logits|1e-3|{"model_type": "granitemoe", "num_local_experts": 4, $granite}
logits|1e-3|{"model_type": "granitemoehybrid", $hybrid, "layer_types": ["attention", "attention"], $granite}
logits|1e-3|{"model_type": "qwen3_moe", "head_dim": 32, "moe_intermediate_size": 32, $experts, "norm_topk_prob": true}
logits|1e-3|{"model_type": "olmo2"}
logits|1e-3|$olmo
logits|1e-3|{"model_type": "exaone4", "sliding_window": null}
logits|1e-3|{"model_type": "lfm2", "num_hidden_layers": 3, "full_attn_idxs": [1], "block_multiple_of": 32}
logits|1e-3|{"model_type": "qwen3_5_text", $delta, "num_hidden_layers": 4, "full_attention_interval": 2}
logits|1e-3|{"model_type": "qwen3_5_text", ${delta/_heads\": 2/_heads\": 6}, "layer_types": ["full_attention", "linear_attention"]}
logits|1e-3|{"model_type": "olmoe", "num_experts": 5, "num_experts_per_tok": 2, "num_key_value_heads": 4}
logits|1e-3|{"model_type": "seed_oss", "head_dim": 16}
logits|1e-3|{"model_type": "arcee", "hidden_act": "relu2"}
logits|1e-3|{"model_type": "glm4", "head_dim": 16, "attention_bias": true}
logits|1e-3|{"model_type": "ernie4_5", "head_dim": 16}
logits|1e-3|{"model_type": "hunyuan_v1_dense", "head_dim": 16, "rope_scaling": {"type": "dynamic", "alpha": 1000.0}}
logits-gelu|2e-2|{"model_type": "starcoder2", "hidden_act": "gelu_pytorch_tanh"}
END
}

@test "llama.cpp reads experts as MXFP4 as we do" {
	need_llama
	make_model m 3 '{"model_type": "gpt_oss", "head_dim": 16, "num_experts": 5, "num_experts_per_tok": 5, "sliding_window": 8,
		"initializer_range": 0.1, "rope_scaling": {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32}}'
	train-reference mxfp4 m q
	cp m/tokenizer* q
	pack | train-reference logits q >ours
	ft-export -q -m ./q -o q.gguf --quantize f32 >/dev/null
	pack | llama-peer logits q.gguf >theirs
	within "$(apart ours theirs)" 1e-3
	# As MXFP4 llama.cpp rounds what it multiplies it with, as with q8_0; logits go from -3 to 3 here.
	ft-export -q -m ./q -o packed.gguf --quantize bf16 >/dev/null
	[ "$(stat -c %s packed.gguf)" -lt "$(($(stat -c %s q.gguf) / 2))" ]
	pack | llama-peer logits packed.gguf >theirs
	within "$(apart ours theirs)" 0.1
}

@test "what llama.cpp computes otherwise in every model of an architecture is refused by name" {
	local members
	for members in '{"model_type": "smollm3", "no_rope_layers": [1, 0]}' '{"model_type": "exaone4", "sliding_window": 8}' \
		'{"model_type": "lfm2", "full_attn_idxs": [1], "conv_bias": true}' \
		'{"model_type": "qwen3_moe", "num_experts": 3, "num_experts_per_tok": 2}' \
		'{"model_type": "qwen3_moe", "num_experts_per_tok": 2, "norm_topk_prob": true, "mlp_only_layers": [0]}' \
		'{"model_type": "olmoe", "num_experts": 3, "num_experts_per_tok": 2, "norm_topk_prob": true}' \
		'{"model_type": "qwen3_5_text", "linear_key_head_dim": 8, "linear_value_head_dim": 12, "linear_num_value_heads": 16}' \
		'{"rope_scaling": {"type": "yarn", "factor": 2.0, "truncate": false}}'; do
		rm -rf m
		make_model m 3 "$members"
		status_is 2 ft-export -q -m ./m -o m.gguf
		[[ $stderr == *"llama.cpp "*"--format hf"* ]]
		status_is 0 ft-export -q -m ./m -o merged
		cmp m/model.safetensors merged/model.safetensors
		rm -rf merged
	done
}

# cut_by PATTERN - the tokenizer of m cuts text by it, and has a merge.
cut_by() {
	jq --arg pattern "$1" '.model.merges = ["a b"] | .model.vocab.ab = 300 | .pre_tokenizer = {type: "Sequence", pretokenizers: [
		{type: "Split", pattern: {Regex: $pattern}, behavior: "Isolated", invert: false},
		{type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false}]}' m/tokenizer.json >t
	mv t m/tokenizer.json
}

@test "a GGUF file names the way its model's text is cut: o200k's is not Tekken's" {
	local word='[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]' rest='[\p{Ll}\p{Lm}\p{Lo}\p{M}]'
	local short="(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
	local end=' ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+'
	make_model m 1 '{"vocab_size": 301}'
	cut_by "$word*$rest+$short|$word+$rest*$short|\p{N}{1,3}|$end"
	ft-export -q -m ./m -o four.gguf
	LC_ALL=C grep -aq 'gpt-4o' four.gguf
	cut_by "$word*$rest+|$word+$rest*|\p{N}|$end"
	ft-export -q -m ./m -o tekken.gguf
	LC_ALL=C grep -aq 'tokenizer.ggml.pre.*tekken' tekken.gguf
	run ! grep -aq 'gpt-4o' tekken.gguf
}

@test "llama.cpp computes our logits of the published model" {
	need_llama
	need_shared data/tinystories-656k
	echo '{"ids": [1,80,147,201,282,215,286,598], "weights": [0,1,1,1,1,1,1,1], "starts": [0]}' >p
	ft-export -q -m "$SHARED/data/tinystories-656k" -o t.gguf --quantize f32
	train-reference logits "$SHARED/data/tinystories-656k" <p >ours
	llama-peer logits t.gguf <p >theirs
	within "$(apart ours theirs)" 1e-3
}

@test "in llama.cpp base and adapter file give what the merged file gives" {
	need_llama
	local members delta hybrid
	hybrid='{"model_type": "granitemoehybrid", "num_local_experts": 0, "shared_intermediate_size": 96,
		"position_embedding_type": "rope", "attention_multiplier": 0.1, "layer_types": ["attention", "attention"]}'
	delta='{"model_type": "qwen3_5_text", "linear_num_value_heads": 6, "linear_num_key_heads": 2, "linear_key_head_dim": 16,
		"linear_value_head_dim": 16, "full_attention_interval": 2}'
	for members in '{}' '{"model_type": "qwen2"}' "$delta" "$hybrid"; do
		rm -rf m a
		make_model m 1 "$members"
		train-reference adapter m a 4 5
		ft-export -q -m ./m -o base.gguf --quantize f32
		ft-export -q -m ./m -a a -o merged.gguf --quantize f32
		ft-export -q -m ./m -a a -o adapter.gguf --format gguf --adapter-only
		pack | llama-peer logits merged.gguf >one
		pack | llama-peer logits base.gguf adapter.gguf >two
		pack | llama-peer logits base.gguf >base
		within "$(apart one two)" 1e-3
		beyond "$(apart one base)" 1e-2
	done
}

@test "quantised files are as good as llama.cpp's own, and ft-prompt --quantize answers as they do" {
	need_llama
	need_shared data/tinystories-656k
	local model=$SHARED/data/tinystories-656k ours theirs
	# Stories that the model itself tells.
	jq -nc 'range(12) | (["boy", "dog", "bird", "girl"][. % 4]) as $who | (["Tim", "Sam", "Lily"][. % 3]) as $name
		| {prompt: "<|start_story|> Once upon a time, there was a \($who) named \($name)"}' |
		ft-prompt -q -m "$model" -T 0.7 --seed 3 --max-tokens 200 | jq -c '{prompt: (.prompt + .output)}' |
		ft-prompt -n -q -m "$model" | jq -c '{ids}' >packs
	ft-export -q -m "$model" -o f32.gguf --quantize f32
	for type in q8_0 q4_0; do
		ft-export -q -m "$model" -o $type.gguf --quantize $type
		llama-peer quantize f32.gguf own.gguf $type >/dev/null 2>&1
		ours=$(llama-peer nll $type.gguf <packs | jq .nll)
		theirs=$(llama-peer nll own.gguf <packs | jq .nll)
		# Perplexities within 1 %.
		jq -en --argjson a "$ours" --argjson b "$theirs" '($a - $b) | exp | if . < 1.01 then true else debug | false end'
	done
}

@test "what cannot be written is refused by name, and nothing is left behind" {
	make_model m
	make_model wide 1 '{"hidden_size": 96}'
	train-reference adapter wide w 4 5
	status_is 2 ft-export -m ./m
	status_is 2 ft-export -m ./m -o x --format onnx
	[[ $stderr == *onnx* ]]
	status_is 2 ft-export -m ./m -o x --quantize q5_0
	status_is 2 ft-export -m ./m -o x --quantize q8_0
	[[ $stderr == *"f32 or bf16"* ]]
	status_is 2 ft-export -m ./m -o x.gguf --adapter-only
	status_is 2 ft-export -m ./m -a w -o x.gguf
	[[ $stderr == *shape* ]]
	status_is 2 ft-export -m ./none -o x.gguf
	[[ $stderr == *none* ]]
	[ ! -e x ]
	[ ! -e x.gguf ]
	# A file size limit stands in for a full disk.
	(
		trap '' XFSZ
		ulimit -f 40
		status_is 2 ft-export -m ./m -o x.gguf
		status_is 2 ft-export -m ./m -o x
		[[ $stderr == *"x: "*model.safetensors* ]]
	)
	[ ! -e x.gguf ]
	[ ! -e x ]
	run find . -maxdepth 1 -name 'x.gguf*'
	[ -z "$output" ]
}
