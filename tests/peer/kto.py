#!/usr/bin/python3
"""KTO's loss of one batch and its gradient, in PyTorch and float64, from the formula of Ethayarajh et al. 2024 (arXiv
2402.01306), and how far the first step of ft-train is from them. On the model of ../shared/peers/reference.py.

	kto.py REFERENCE.py MODEL ADAPTER ROWS PACKS METRICS CHECKPOINT BETA UNDESIRABLE DESIRABLE

ROWS, chats of one question and one answer with a label and a weight, are the batch; PACKS what `ft-train --kto --dry-run`
prints of them, METRICS and CHECKPOINT what the step left. Where its gradient was not clipped, AdamW's first moment then is .1
of it. Prints z0, the rewards and the relative differences; status 1 where one is above 1e-3.
"""
import json, sys
import torch

source, path, adapter, rows, packs, metrics, checkpoint = sys.argv[1:8]
beta, undesirable, desirable = map(float, sys.argv[8:])
peer = {}
exec(open(source).read().rsplit("\nmain()", 1)[0], peer)
peer["DT"]["U8"] = "u1"  # what else a checkpoint holds
model = peer["Model"](path, adapter)


def lines(name):
    return [json.loads(line) for line in open(name)]


# Tokens of the rows, in the rows' order: as question, answer and which of the answer's tokens are trained on.
vocab = {i: t for t, i in json.load(open(path + "/tokenizer.json"))["model"]["vocab"].items()}
rows = lines(rows)
parts = [None] * len(rows)
for pack in lines(packs):
    ends = pack["starts"][1:] + [len(pack["ids"])]
    for a, b in zip(pack["starts"], ends):
        ids, trained = pack["ids"][a:b], [w > 0 for w in pack["weights"][a:b]]
        text = "".join(vocab.get(i, "|") for i in ids)
        at = trained.index(True)
        [row] = [i for i, r in enumerate(rows) if all("%s|" % m["content"] in text for m in r["messages"])]
        assert parts[row] is None
        parts[row] = ids[:at], ids[at:], trained[at:]
assert None not in parts

# The question of each row with the answer of the next row that asks and answers otherwise.
n = len(rows)
mismatched = []
for i in range(n):
    j = next(j for k in range(1, n) for j in [(i + k) % n] if parts[j][0] != parts[i][0] and parts[j][1] != parts[i][1])
    mismatched.append((parts[i][0], parts[j][1], parts[j][2]))


def logp(part, with_adapter=True):
    scale = model.scale
    model.scale = scale if with_adapter else 0.0
    question, answer, trained = part
    each = model.forward(question + answer, [0]).log_softmax(-1)
    model.scale = scale
    at = len(question)
    return sum(each[at + k - 1, token] for k, token in enumerate(answer) if trained[k])


with torch.no_grad():
    base = [logp(p, False) for p in parts]
    # The estimate of the divergence, which is not differentiated and not below 0.
    z0 = max(0.0, sum((logp(p) - logp(p, False)).item() for p in mismatched) / n)
rewards = [logp(p) - b for p, b in zip(parts, base)]
loss = 0
for row, r in zip(rows, rewards):
    lam = desirable if row["label"] else undesirable
    value = lam * torch.sigmoid(beta * (r - z0) if row["label"] else beta * (z0 - r))
    loss = loss + row["weight"] * (lam - value)
loss = loss / sum(row["weight"] for row in rows)
loss.backward()

step = lines(metrics)[0]
grads = torch.cat([model.ad[k].grad.flatten() for k in peer["read_dir"](adapter, "adapter_model")])
theirs = peer["read_safetensors"](checkpoint)["adam.m"].double() / 0.1
mean = {w: beta * sum(r.item() for row, r in zip(rows, rewards) if row["label"] == w) / sum(row["label"] == w for row in rows)
        for w in (True, False)}
apart = {
    "loss": (step["loss"], loss.item()),
    "norm": (step["grad_norm"], grads.norm().item()),
    "kl": (step["kl"], z0),
    "desirable": (step["reward_desirable"], mean[True]),
    "undesirable": (step["reward_undesirable"], mean[False]),
}
apart = {k: abs(a - b) / max(abs(b), 1e-9) for k, (a, b) in apart.items()}
apart["gradient"] = ((theirs - grads).norm() / grads.norm()).item()
print("loss %.6f z0 %.4f rewards %.4f %.4f norm %.5f:" % (loss, z0, mean[True], mean[False], grads.norm()),
      ", ".join("%s %.1e" % x for x in apart.items()), "(1e-3)")
sys.exit(any(not x < 1e-3 for x in apart.values()))
