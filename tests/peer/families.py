#!/usr/bin/python3
"""Logits of Gemma 1, 2 and 3 (text) and GPT-2 models in PyTorch, float64: a reference for ft's engine, written from the published
model definitions. Needs python3-torch.

	families.py MODEL_DIR < packs.jsonl	one line a pack: {"loss", "logits"}

Packs are as `ft-train --dry-run` prints them; examples are computed one by one.
"""
import json, math, struct, sys
import numpy as np, torch, torch.nn.functional as F

def tensors(path):
    b = open(path, "rb").read(); n = struct.unpack("<Q", b[:8])[0]; d = 8 + n; out = {}
    for k, t in json.loads(b[8:d]).items():
        if k == "__metadata__": continue
        raw = b[d + t["data_offsets"][0]:d + t["data_offsets"][1]]
        out[k] = torch.from_numpy(np.frombuffer(raw, np.float32).reshape(t["shape"]).copy()).double()
    return out

c = json.load(open(sys.argv[1] + "/config.json")); w = {k.removeprefix("transformer."): v for k, v in tensors(sys.argv[1] + "/model.safetensors").items()}; kind = c["model_type"]

def gelu(x): return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
def cap(x, to): return to * torch.tanh(x / to) if to else x

def gemma(ids):
    n = len(ids); d = c["hidden_size"]; h = c["num_attention_heads"]; kv = c["num_key_value_heads"]; hd = c["head_dim"]
    def norm(x, name): return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + c["rms_norm_eps"]) * (1 + w[name + ".weight"])
    def rope(x, theta):  # x [heads, n, hd]
        f = torch.outer(torch.arange(n).double(), theta ** (-torch.arange(0, hd, 2).double() / hd)); f = torch.cat([f, f], -1)
        a, b = x[..., :hd // 2], x[..., hd // 2:]
        return x * f.cos() + torch.cat([-b, a], -1) * f.sin()
    x = w["model.embed_tokens.weight"][ids] * math.sqrt(d)
    t = torch.arange(n); causal = t[:, None] >= t[None]
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        local = kind == "gemma2" and l % 2 == 0 or kind == "gemma3_text" and (l + 1) % c["sliding_window_pattern"] != 0
        theta = c["rope_local_base_freq"] if kind == "gemma3_text" and local else c.get("rope_theta", 1e4)
        y = norm(x, p + "input_layernorm")
        q, k, v = ((y @ w[p + "self_attn.%s_proj.weight" % s].T).view(n, -1, hd).transpose(0, 1) for s in "qkv")
        if kind == "gemma3_text": q, k = norm(q, p + "self_attn.q_norm"), norm(k, p + "self_attn.k_norm")
        q, k = rope(q, theta), rope(k, theta)
        k, v = (z.repeat_interleave(h // kv, 0) for z in (k, v))
        s = q @ k.transpose(1, 2) / math.sqrt(c.get("query_pre_attn_scalar", hd))
        if kind == "gemma2": s = cap(s, c["attn_logit_softcapping"])
        ok = causal & (t[:, None] - t[None] < c["sliding_window"]) if local else causal
        a = s.masked_fill(~ok, -math.inf).softmax(-1) @ v
        y = a.transpose(0, 1).reshape(n, h * hd) @ w[p + "self_attn.o_proj.weight"].T
        if kind == "gemma":
            x = x + y; y = norm(x, p + "post_attention_layernorm")
        else:
            x = x + norm(y, p + "post_attention_layernorm"); y = norm(x, p + "pre_feedforward_layernorm")
        y = (gelu(y @ w[p + "mlp.gate_proj.weight"].T) * (y @ w[p + "mlp.up_proj.weight"].T)) @ w[p + "mlp.down_proj.weight"].T
        x = x + (y if kind == "gemma" else norm(y, p + "post_feedforward_layernorm"))
    z = norm(x, "model.norm") @ w["model.embed_tokens.weight"].T
    return cap(z, c["final_logit_softcapping"]) if kind == "gemma2" else z

def gpt2(ids):
    n = len(ids); d = c["n_embd"]; h = c["n_head"]
    def norm(x, name): return F.layer_norm(x, (d,), w[name + ".weight"], w[name + ".bias"], c["layer_norm_epsilon"])
    def conv(x, name): return x @ w[name + ".weight"] + w[name + ".bias"]
    x = w["wte.weight"][ids] + w["wpe.weight"][:n]; t = torch.arange(n)
    for l in range(c["n_layer"]):
        p = "h.%d." % l
        q, k, v = (z.view(n, h, d // h).transpose(0, 1) for z in conv(norm(x, p + "ln_1"), p + "attn.c_attn").split(d, -1))
        s = (q @ k.transpose(1, 2) / math.sqrt(d // h)).masked_fill(t[:, None] < t[None], -math.inf)
        x = x + conv((s.softmax(-1) @ v).transpose(0, 1).reshape(n, d), p + "attn.c_proj")
        x = x + conv(gelu(conv(norm(x, p + "ln_2"), p + "mlp.c_fc")), p + "mlp.c_proj")
    return norm(x, "ln_f") @ w["wte.weight"].T

for line in sys.stdin:
    p = json.loads(line); b = p["starts"] + [len(p["ids"])]; logits = []; total = weight = 0.0
    for i, j in zip(b, b[1:]):
        ids = torch.tensor(p["ids"][i:j]); z = (gpt2 if kind == "gpt2" else gemma)(ids); logits += z.tolist()
        nll = F.cross_entropy(z[:-1], ids[1:], reduction="none"); v = torch.tensor(p["weights"][i + 1:j], dtype=torch.float64)
        total += (nll * v).sum().item(); weight += v.sum().item()
    print(json.dumps({"loss": total / weight, "logits": logits}))
