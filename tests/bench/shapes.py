#!/usr/bin/env python3
"""Writes a model of a published shape with random weights, bf16, for shapes.sh: what a step takes does not depend on what they are.

	shapes.py lfm2-1.2b|gemma3-4b|qwen3-8b DIR

Matrices are one block of normal numbers over and over, begun at another place in each, so that they are written as fast as the disk takes them.
"""
import json, os, random, struct, sys

SHAPES = {
    "lfm2-1.2b": dict(model_type="lfm2", num_hidden_layers=16, hidden_size=2048, num_attention_heads=32, num_key_value_heads=8, vocab_size=65536,
                      block_ff_dim=12288, block_multiple_of=256, full_attn_idxs=[2, 5, 8, 10, 12, 14], conv_L_cache=3, max_position_embeddings=128000),
    "gemma3-4b": dict(model_type="gemma3_text", num_hidden_layers=34, hidden_size=2560, num_attention_heads=8, num_key_value_heads=4, head_dim=256,
                      vocab_size=262208, intermediate_size=10240, sliding_window=1024, query_pre_attn_scalar=256, max_position_embeddings=131072),
    "qwen3-8b": dict(model_type="qwen3", num_hidden_layers=36, hidden_size=4096, num_attention_heads=32, num_key_value_heads=8, head_dim=128,
                     vocab_size=151936, intermediate_size=12288, rope_theta=1e6, max_position_embeddings=40960),
}
BLOCK = 1 << 21  # bytes

def layer(c, l):
    """Names within the layer, and shapes."""
    d = c["hidden_size"]; size = c.get("head_dim", d // c["num_attention_heads"]); lfm = c["model_type"] == "lfm2"
    q, kv = c["num_attention_heads"] * size, c["num_key_value_heads"] * size
    if lfm and l not in c["full_attn_idxs"]:
        yield from (("conv.in_proj", [3 * d, d]), ("conv.conv", [d, 1, c["conv_L_cache"]]), ("conv.out_proj", [d, d]))
    else:
        for name, rows in ("q_proj", q), ("k_proj", kv), ("v_proj", kv): yield "self_attn." + name, [rows, d]
        yield "self_attn.out_proj" if lfm else "self_attn.o_proj", [d, q]
        for name in "qk": yield "self_attn.%s_%s" % (name, "layernorm" if lfm else "norm"), [size]
    f = 2 * c["block_ff_dim"] // 3 if lfm else c["intermediate_size"]
    up, down = (("feed_forward.w1", "feed_forward.w3"), "feed_forward.w2") if lfm else (("mlp.gate_proj", "mlp.up_proj"), "mlp.down_proj")
    for name in up: yield name, [f, d]
    yield down, [d, f]
    norms = ["operator_norm", "ffn_norm"] if lfm else ["input_layernorm", "post_attention_layernorm"]
    if c["model_type"] == "gemma3_text": norms += ["pre_feedforward_layernorm", "post_feedforward_layernorm"]
    for name in norms: yield name, [d]

def tensors(c):
    d = c["hidden_size"]
    yield "model.embed_tokens", [c["vocab_size"], d]
    for l in range(c["num_hidden_layers"]):
        for name, shape in layer(c, l): yield "model.layers.%d.%s" % (l, name), shape
    yield "model.embedding_norm" if c["model_type"] == "lfm2" else "model.norm", [d]
    if c["model_type"] == "qwen3": yield "lm_head", [c["vocab_size"], d]

def main():
    c = SHAPES[sys.argv[1]]; out = sys.argv[2]; os.makedirs(out, exist_ok=True); random.seed(1)
    block = b"".join(struct.pack("<f", random.gauss(0, .02))[2:] for _ in range(BLOCK // 2))
    one = struct.pack("<f", 0 if c["model_type"] == "gemma3_text" else 1)[2:]
    table = {}; at = 0
    for name, shape in tensors(c):
        n = 2
        for x in shape: n *= x
        table[name + ".weight"] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + n]}; at += n
    head = json.dumps(table).encode(); head += b" " * (-len(head) % 8)
    with open(out + "/model.safetensors", "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for t in table.values():
            left = t["data_offsets"][1] - t["data_offsets"][0]; begin = 2 * random.randrange(BLOCK // 2)
            if len(t["shape"]) == 1: f.write(one * t["shape"][0]); continue
            while left:
                piece = block[begin:begin + left]; f.write(piece); left -= len(piece); begin = 0
    json.dump(dict(c, torch_dtype="bfloat16", bos_token_id=256, eos_token_id=258), open(out + "/config.json", "w"))

main()
