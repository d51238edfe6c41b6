# Small models with random weights, for tests of generation and export.

# byte_tokenizer DIR - a byte-level tokenizer without merges: ids 0-255 are bytes, 256 <|begin|>
# (added before texts), 257 <|turn|>, 258 <|end|>, 259 <|pad|>; a chat template with them.
byte_tokenizer() {
	jq -n '
		([range(33; 127)] + [range(161; 173)] + [range(174; 256)]) as $plain
		| reduce range(256) as $b ({n: 256, v: {}};
			if $plain | index($b) then .v[[$b] | implode] = $b else .v[[.n] | implode] = $b | .n += 1 end)
		| .v as $vocab
		| def special($id; $text):
			{id: $id, content: $text, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true};
		{version: "1.0", truncation: null, padding: null,
		 added_tokens: [special(256; "<|begin|>"), special(257; "<|turn|>"), special(258; "<|end|>"), special(259; "<|pad|>")],
		 normalizer: null, pre_tokenizer: {type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: false},
		 post_processor: {type: "TemplateProcessing",
			single: [{SpecialToken: {id: "<|begin|>", type_id: 0}}, {Sequence: {id: "A", type_id: 0}}],
			pair: [{Sequence: {id: "A", type_id: 0}}, {Sequence: {id: "B", type_id: 1}}],
			special_tokens: {"<|begin|>": {id: "<|begin|>", ids: [256], tokens: ["<|begin|>"]}}},
		 decoder: {type: "ByteLevel", add_prefix_space: true, trim_offsets: true, use_regex: true},
		 model: {type: "BPE", dropout: null, unk_token: null, continuing_subword_prefix: null, end_of_word_suffix: null,
			fuse_unk: false, byte_fallback: false, vocab: $vocab, merges: []}}' >"$1/tokenizer.json"
	jq -n '{bos_token: "<|begin|>", eos_token: "<|end|>", pad_token: "<|pad|>", add_bos_token: true,
		tokenizer_class: "PreTrainedTokenizerFast",
		chat_template: ("{% for m in messages %}<|turn|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
			+ "{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}")}' >"$1/tokenizer_config.json"
}

# make_model DIR [SEED] [MEMBERS] - a Llama of two layers; MEMBERS (a JSON object) go into its
# config.json.
make_model() {
	mkdir -p "$1"
	jq -n --argjson more "${3:-{\}}" '{model_type: "llama", architectures: ["LlamaForCausalLM"], num_hidden_layers: 2,
		hidden_size: 64, num_attention_heads: 4, num_key_value_heads: 2, intermediate_size: 96, vocab_size: 260,
		max_position_embeddings: 512, rms_norm_eps: 1e-5, rope_theta: 10000.0, hidden_act: "silu", initializer_range: 0.3,
		tie_word_embeddings: true, bos_token_id: 256, eos_token_id: 258} + $more' >"$1.json"
	train-reference model "$1.json" "$1" "${2:-1}" >/dev/null
	byte_tokenizer "$1"
}

# make_calling_model DIR [SEED] - one whose template writes calls of tools as Llama 3 does: bare JSON.
make_calling_model() {
	make_model "$@"
	jq '.chat_template = "{% for m in messages %}<|turn|>{{ m.role }}\n{% if m.tool_calls %}"
		+ "{\"name\": \"{{ m.tool_calls[0].function.name }}\", \"parameters\": {{ m.tool_calls[0].function.arguments | tojson }}}"
		+ "{% else %}{{ m.content }}{% endif %}<|end|>{% endfor %}"
		+ "{% if tools %}{{ tools | tojson }}{% endif %}{% if add_generation_prompt %}<|turn|>assistant\n{% endif %}"' \
		"$1/tokenizer_config.json" >"$1.config"
	mv "$1.config" "$1/tokenizer_config.json"
}
