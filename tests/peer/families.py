#!/usr/bin/python3
"""Logits and gradients of the families of ft-model(5) in PyTorch, float64: a reference for ft's engine, written from the published model
definitions. Needs python3-torch.

	families.py MODEL_DIR < packs.jsonl	one line: {"loss", "logits", "grads"}

Packs are as `ft-train --dry-run` prints them; examples are computed one by one. logits are those of every fifth token, position by position;
of each tensor's gradient of the mean loss there are its length and eight sums with signs (see signs below), which tell two gradients apart as
well as all their numbers do.
"""
import json, math, struct, sys
import numpy as np, torch, torch.nn.functional as F

def tensors(path):
    b = open(path, "rb").read(); n = struct.unpack("<Q", b[:8])[0]; d = 8 + n; out = {}
    for k, t in json.loads(b[8:d]).items():
        if k == "__metadata__": continue
        raw = b[d + t["data_offsets"][0]:d + t["data_offsets"][1]]
        out[k] = torch.from_numpy(np.frombuffer(raw, np.float32).reshape(t["shape"]).copy()).double().requires_grad_()
    return out

c = json.load(open(sys.argv[1] + "/config.json")); w = tensors(sys.argv[1] + "/model.safetensors"); kind = c["model_type"]

def gelu(x): return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
def cap(x, to): return to * torch.tanh(x / to) if to else x
def silu(x): return x * torch.sigmoid(x)
def linear(x, name):
    y = x @ w[name + ".weight"].T
    return y + w[name + ".bias"] if name + ".bias" in w else y
def rms(x, name, eps, plus=0):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * (plus + w[name + ".weight"])
def layer_norm(x, name, eps): return F.layer_norm(x, x.shape[-1:], w[name + ".weight"], w[name + ".bias"], eps)

# --- rotary positions ---

def rope_members():
    """Scaling, in whichever of the two places it stands."""
    p = c.get("rope_scaling") or c.get("rope_parameters") or {}
    p = p.get("full_attention", p)
    return p, p.get("rope_type", p.get("type", "default"))

def frequencies(n, dims, local):
    """Frequencies of a sequence of n tokens, and the factor on cosines and sines."""
    p, how = rope_members(); theta = p.get("rope_theta", c.get("rope_theta", {"gpt_oss": 1.5e5, "ministral3": 1e6, "smollm3": 2e6, "ernie4_5": 5e5, "lfm2": 1e6}.get(kind, 1e4)))
    if local and kind == "gemma3_text": theta, how = c["rope_local_base_freq"], "default"
    if local and kind == "olmo3": how = "default"
    most = c["max_position_embeddings"]; original = p.get("original_max_position_embeddings", c.get("original_max_position_embeddings", most))
    i = torch.arange(0, dims, 2).double()
    if how == "dynamic":
        if p.get("alpha"): theta *= p["alpha"] ** (dims / (dims - 2))
        else: theta *= (p["factor"] * max(n, most) / most - (p["factor"] - 1)) ** (dims / (dims - 2))
    f = theta ** (-i / dims); scale = 1.0
    if how == "linear": f = f / p["factor"]
    elif how == "llama3":
        wave = 2 * math.pi / f; lo, hi = original / p["low_freq_factor"], original / p["high_freq_factor"]
        smooth = (original / wave - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"])
        f = torch.where(wave > lo, f / p["factor"], torch.where(wave < hi, f, (1 - smooth) * f / p["factor"] + smooth * f))
    elif how == "yarn":
        factor = p["factor"]
        def dim(turns): return dims * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(theta))
        low, high = dim(p.get("beta_fast", 32)), dim(p.get("beta_slow", 1))
        if p.get("truncate", True): low, high = math.floor(low), math.ceil(high)
        low, high = max(low, 0), min(high, dims - 1)
        ramp = ((i / 2 - low) / ((high - low) or .001)).clamp(0, 1)
        f = f / factor * ramp + f * (1 - ramp)
        def mscale(m): return 0.1 * m * math.log(factor) + 1 if factor > 1 else 1.0
        scale = p.get("attention_factor") or (mscale(p["mscale"]) / mscale(p["mscale_all_dim"]) if p.get("mscale") and p.get("mscale_all_dim") else mscale(1))
    elif how in ("longrope", "su"):
        f = f / torch.tensor(p["long_factor" if n > original else "short_factor"]).double(); factor = most / original
        scale = p.get("attention_factor") or (math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0)
    else: assert how in ("default", "dynamic"), how
    return f, scale

def rotate(x, dims, local):  # x [heads, n, head_dim]
    n = x.shape[1]; f, scale = frequencies(n, dims, local); a = torch.outer(torch.arange(n).double(), f); cos, sin = a.cos() * scale, a.sin() * scale
    r, rest = x[..., :dims], x[..., dims:]
    if kind in ("glm4", "ernie4_5"):
        p, q = r[..., ::2], r[..., 1::2]; r = torch.stack([p * cos - q * sin, q * cos + p * sin], -1).flatten(-2)
    else:
        p, q = r[..., :dims // 2], r[..., dims // 2:]; r = torch.cat([p * cos - q * sin, q * cos + p * sin], -1)
    return torch.cat([r, rest], -1)

# --- which layers have what ---

def windowed(l):
    if kind == "gpt_oss": return c["layer_types"][l] == "sliding_attention" if "layer_types" in c else l % 2 == 0
    if not c.get("sliding_window") or kind not in ("mistral", "ministral3", "phi3", "starcoder2", "gemma2", "gemma3_text", "olmo3", "exaone4", "qwen2", "qwen3", "qwen3_moe", "smollm3"): return False
    if kind in ("qwen2", "qwen3", "qwen3_moe", "smollm3") and not c.get("use_sliding_window"): return False
    if "layer_types" in c: return c["layer_types"][l] == "sliding_attention"
    if kind in ("qwen2", "qwen3"): return l >= c.get("max_window_layers", 0)
    if kind == "smollm3": return not turned(l)
    every = {"gemma2": 2, "gemma3_text": c.get("sliding_window_pattern", 6), "olmo3": 4, "exaone4": c.get("sliding_window_pattern", 4)}.get(kind)
    if isinstance(every, str): return every[l % len(every)] == "L"
    return every is None or (l + 1) % every != 0

def turned(l):
    if kind == "smollm3": return bool(c["no_rope_layers"][l]) if c.get("no_rope_layers") else (l + 1) % c.get("no_rope_layer_interval", 4) != 0
    if kind == "exaone4": return not c.get("sliding_window") or windowed(l)
    return True

# --- the decoder ---

def epsilon():
    usual = {"glm4": 1.5625e-7}.get(kind, 1e-5 if kind in ("ministral3", "phi3", "olmo2", "olmo3", "olmoe", "gpt_oss", "exaone4", "arcee", "ernie4_5", "hunyuan_v1_dense", "starcoder2", "lfm2") else 1e-6)
    return c.get("rms_norm_eps", c.get("norm_epsilon", c.get("norm_eps", usual)))

def attention(x, p, l):
    n = len(x); h = c["num_attention_heads"]; kv = c.get("num_key_value_heads", h)
    hd = c.get("head_dim") or c["hidden_size"] // h
    eps = epsilon(); local = windowed(l)
    if kind == "phi3":
        q, k, v = linear(x, p + "self_attn.qkv_proj").split([h * hd, kv * hd, kv * hd], -1)
    else:
        q, k, v = (linear(x, p + "self_attn.%s_proj" % s) for s in "qkv")
    if kind == "qwen3_5_text": q, gate = (z.reshape(n, h * hd) for z in q.view(n, h, 2 * hd).split(hd, -1))
    if kind in ("olmo2", "olmo3", "olmoe"): q, k = rms(q, p + "self_attn.q_norm", eps), rms(k, p + "self_attn.k_norm", eps)
    q, k, v = (z.reshape(n, -1, hd).transpose(0, 1) for z in (q, k, v))
    q0, k0 = q, k; plus = 1 if kind in ("gemma3_text", "qwen3_5_text") else 0
    if kind in ("qwen3", "qwen3_moe", "gemma3_text", "exaone4", "qwen3_5_text"): q, k = rms(q, p + "self_attn.q_norm", eps, plus), rms(k, p + "self_attn.k_norm", eps, plus)
    dims = int(hd * c.get("partial_rotary_factor", rope_members()[0].get("partial_rotary_factor", {"glm4": .5, "qwen3_5_text": .25}.get(kind, 1))))
    if turned(l): q, k = rotate(q, dims, local), rotate(k, dims, local)
    if kind == "hunyuan_v1_dense": q, k = rms(q, p + "self_attn.query_layernorm", eps), rms(k, p + "self_attn.key_layernorm", eps)
    if kind == "lfm2": q, k = (rotate(rms(z, p + "self_attn.%s_layernorm" % s, eps), hd, False) for z, s in ((q0, "q"), (k0, "k")))
    t = torch.arange(n)
    if kind == "ministral3":
        r = rope_members()[0]
        q = q * (1 + r["llama_4_scaling_beta"] * torch.log(1 + torch.floor(t.double() / r["original_max_position_embeddings"])))[:, None]
    k, v = (z.repeat_interleave(h // kv, 0) for z in (k, v))
    scale = c["attention_multiplier"] if kind.startswith("granite") else (c["query_pre_attn_scalar"] if kind in ("gemma2", "gemma3_text") else hd) ** -.5
    s = q @ k.transpose(1, 2) * scale
    if kind == "gemma2": s = cap(s, c["attn_logit_softcapping"])
    ok = t[:, None] >= t[None]
    if local: ok = ok & (t[:, None] - t[None] < c["sliding_window"])
    s = s.masked_fill(~ok, -math.inf)
    if kind == "gpt_oss": a = torch.cat([s, w[p + "self_attn.sinks"][:, None, None].expand(h, n, 1)], -1).softmax(-1)[..., :-1] @ v
    else: a = s.softmax(-1) @ v
    if kind == "qwen3_5_text": a = a * torch.sigmoid(gate).view(n, h, hd).transpose(0, 1)
    return linear(a.transpose(0, 1).reshape(n, h * hd), p + ("self_attn.out_proj" if kind == "lfm2" else "self_attn.o_proj"))

def short_conv(x, p):
    b, g, u = linear(x, p + "conv.in_proj").chunk(3, -1); taps = w[p + "conv.conv.weight"]; d = x.shape[-1]
    v = F.conv1d(F.pad((b * u).T[None], (taps.shape[2] - 1, 0)), taps, w.get(p + "conv.conv.bias"), groups=d)[0].T
    return linear(g * v, p + "conv.out_proj")

def delta_net(x, p):
    """The gated delta rule row by row, as it is defined: no chunks."""
    n = len(x); p += "linear_attn."; kh, vh, kd, vd = (c["linear_" + s] for s in ("num_key_heads", "num_value_heads", "key_head_dim", "value_head_dim"))
    taps = w[p + "conv1d.weight"]; mixed = linear(x, p + "in_proj_qkv")
    mixed = silu(F.conv1d(F.pad(mixed.T[None], (taps.shape[2] - 1, 0)), taps, groups=taps.shape[0])[0].T)
    q, k, v = mixed.split([kh * kd, kh * kd, vh * vd], -1)
    q, k = (z.view(n, kh, kd) for z in (q, k)); v = v.view(n, vh, vd)
    q, k = ((z * torch.rsqrt((z * z).sum(-1, keepdim=True) + 1e-6)).repeat_interleave(vh // kh, 1) for z in (q, k))
    beta = torch.sigmoid(linear(x, p + "in_proj_b")); g = -w[p + "A_log"].exp() * F.softplus(linear(x, p + "in_proj_a") + w[p + "dt_bias"])
    s = torch.zeros(vh, kd, vd, dtype=torch.float64); out = []
    for t in range(n):
        s = s * g[t].exp()[:, None, None]
        s = s + k[t][:, :, None] * (beta[t][:, None] * (v[t] - (s * k[t][:, :, None]).sum(1)))[:, None, :]
        out.append((s * q[t][:, :, None]).sum(1) / math.sqrt(kd))
    y = rms(torch.stack(out), p + "norm", epsilon()) * silu(linear(x, p + "in_proj_z").view(n, vh, vd))
    return linear(y.reshape(n, vh * vd), p + "out_proj")

def is_delta(l): return c["layer_types"][l] == "linear_attention" if "layer_types" in c else (l + 1) % c.get("full_attention_interval", 4) != 0

def is_conv(l): return c["layer_types"][l] == "conv" if "layer_types" in c else l not in c["full_attn_idxs"]

def mlp(x, p):
    if kind in ("phi3", "glm4"):
        gate, up = linear(x, p + "mlp.gate_up_proj").chunk(2, -1); return linear(silu(gate) * up, p + "mlp.down_proj")
    if kind == "granitemoehybrid":
        gate, up = linear(x, p + "shared_mlp.input_linear").chunk(2, -1); return linear(silu(gate) * up, p + "shared_mlp.output_linear")
    if kind == "lfm2": return linear(silu(linear(x, p + "feed_forward.w1")) * linear(x, p + "feed_forward.w3"), p + "feed_forward.w2")
    if kind == "arcee": return linear(F.relu(linear(x, p + "mlp.up_proj")) ** 2, p + "mlp.down_proj")
    if kind == "starcoder2": return linear(gelu(linear(x, p + "mlp.c_fc")), p + "mlp.c_proj")
    act = gelu if kind.startswith("gemma") else silu
    return linear(act(linear(x, p + "mlp.gate_proj")) * linear(x, p + "mlp.up_proj"), p + "mlp.down_proj")

def routed(x, weight, bias, k, normed):
    """Of each row the experts and their shares, the rest 0: [n, experts]."""
    z = x @ weight.T + (0 if bias is None else bias); p = z.softmax(-1)
    top = z.topk(k, -1).indices; chosen = torch.zeros_like(p).scatter(-1, top, 1.); p = p * chosen
    return p / p.sum(-1, keepdim=True) if normed else p

def experts(x, p):
    """Every expert computes every row here, which costs nothing at this size."""
    k = c.get("num_experts_per_tok", 2 if kind == "granitemoe" else 8)
    if kind == "gpt_oss":
        q = p + "mlp.experts."; lim = c.get("swiglu_limit", 7.)
        share = routed(x, w[p + "mlp.router.weight"], w[p + "mlp.router.bias"], c.get("num_experts_per_tok", 4), True)
        def one(e):
            z = x @ w[q + "gate_up_proj"][e] + w[q + "gate_up_proj_bias"][e]; g, u = z[:, ::2].clamp(max=lim), z[:, 1::2].clamp(-lim, lim)
            return (u + 1) * g * torch.sigmoid(1.702 * g) @ w[q + "down_proj"][e] + w[q + "down_proj_bias"][e]
    elif kind == "granitemoe":
        q = p + "block_sparse_moe."; up, down = w[q + "input_linear.weight"], w[q + "output_linear.weight"]
        share = routed(x, w[q + "router.layer.weight"], None, k, True)
        def one(e): g, u = (x @ up[e].T).chunk(2, -1); return silu(g) * u @ down[e].T
    else:
        share = routed(x, w[p + "mlp.gate.weight"], None, k, c.get("norm_topk_prob"))
        def one(e): q = p + "mlp.experts.%d." % e; return linear(silu(linear(x, q + "gate_proj")) * linear(x, q + "up_proj"), q + "down_proj")
    return sum(share[:, e:e + 1] * one(e) for e in range(share.shape[1]))

def mlp_or_experts(x, p): return experts(x, p) if p + "mlp.gate.weight" in w or kind in ("granitemoe", "gpt_oss") else mlp(x, p)

def decoder(ids):
    d = c["hidden_size"]; plus = 1 if kind.startswith("gemma") else 0
    eps = epsilon()
    def norm(x, name): return layer_norm(x, name, eps) if kind == "starcoder2" else rms(x, name, eps, 1 if kind == "qwen3_5_text" else plus)
    embed = w["model.embed_tokens.weight"]; head = w.get("lm_head.weight", embed)
    x = embed[ids] * (math.sqrt(d) if plus else c.get("embedding_multiplier", 1))
    by = c.get("residual_multiplier", 1)
    for l in range(c["num_hidden_layers"]):
        p = "model.layers.%d." % l
        if kind in ("olmo2", "olmo3", "exaone4"):
            x = x + norm(attention(x, p, l), p + "post_attention_layernorm")
            x = x + norm(mlp(x, p), p + "post_feedforward_layernorm")
        elif kind in ("gemma2", "gemma3_text"):
            x = x + norm(attention(norm(x, p + "input_layernorm"), p, l), p + "post_attention_layernorm")
            x = x + norm(mlp(norm(x, p + "pre_feedforward_layernorm"), p), p + "post_feedforward_layernorm")
        elif kind == "lfm2":
            y = norm(x, p + "operator_norm"); x = x + (short_conv(y, p) if is_conv(l) else attention(y, p, l))
            x = x + mlp(norm(x, p + "ffn_norm"), p)
        elif kind == "qwen3_5_text":
            y = norm(x, p + "input_layernorm"); x = x + (delta_net(y, p) if is_delta(l) else attention(y, p, l))
            x = x + mlp(norm(x, p + "post_attention_layernorm"), p)
        elif kind == "glm4":
            x = x + norm(attention(norm(x, p + "input_layernorm"), p, l), p + "post_self_attn_layernorm")
            x = x + norm(mlp(norm(x, p + "post_attention_layernorm"), p), p + "post_mlp_layernorm")
        else:
            x = x + by * attention(norm(x, p + "input_layernorm"), p, l)
            x = x + by * mlp_or_experts(norm(x, p + "post_attention_layernorm"), p)
    z = norm(x, "model.embedding_norm" if kind == "lfm2" else "model.norm") @ head.T / c.get("logits_scaling", 1)
    return cap(z, c.get("final_logit_softcapping")) if kind == "gemma2" else z

def gpt2(ids):
    n = len(ids); d = c["n_embd"]; h = c["n_head"]; e = c["layer_norm_epsilon"]
    def conv(x, name): return x @ w["transformer." + name + ".weight"] + w["transformer." + name + ".bias"]
    def norm(x, name): return layer_norm(x, "transformer." + name, e)
    x = w["transformer.wte.weight"][ids] + w["transformer.wpe.weight"][:n]; t = torch.arange(n)
    for l in range(c["n_layer"]):
        p = "h.%d." % l
        q, k, v = (z.view(n, h, d // h).transpose(0, 1) for z in conv(norm(x, p + "ln_1"), p + "attn.c_attn").split(d, -1))
        s = (q @ k.transpose(1, 2) / math.sqrt(d // h)).masked_fill(t[:, None] < t[None], -math.inf)
        x = x + conv((s.softmax(-1) @ v).transpose(0, 1).reshape(n, d), p + "attn.c_proj")
        x = x + conv(gelu(conv(norm(x, p + "ln_2"), p + "mlp.c_fc")), p + "mlp.c_proj")
    return norm(x, "ln_f") @ w["transformer.wte.weight"].T

# --- what is printed ---

def signs(k, n):
    """Row k of +1 and -1, from a hash of place and row."""
    h = (np.arange(n, dtype=np.uint64) * 2654435761 + k * 2246822519 + 374761393) % 2**32
    h ^= h >> 15; h = h * 2654435769 % 2**32; h ^= h >> 13; h = h * 3266489917 % 2**32; h ^= h >> 16
    return torch.from_numpy((h & 1).astype(np.float64) * 2 - 1)

def main():
    logits = []; total = weight = 0.0
    for line in sys.stdin:
        p = json.loads(line); b = p["starts"] + [len(p["ids"])]
        for i, j in zip(b, b[1:]):
            ids = torch.tensor(p["ids"][i:j]); z = (gpt2 if kind == "gpt2" else decoder)(ids); logits += z[:, ::5].flatten().tolist()
            v = torch.tensor(p["weights"][i + 1:j], dtype=torch.float64)
            total = total + (F.cross_entropy(z[:-1], ids[1:], reduction="none") * v).sum(); weight += v.sum().item()
    (total / weight).backward()
    grads = {}
    for name in sorted(w):
        g = w[name].grad.flatten(); grads[name] = [float("%.6g" % x) for x in [g.norm()] + [(signs(k, len(g)) * g).sum() for k in range(8)]]
    print(json.dumps({"loss": (total / weight).item(), "logits": [round(x, 5) for x in logits], "grads": grads}))

main()
