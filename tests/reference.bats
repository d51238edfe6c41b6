# The engine against the independent PyTorch implementation in ../shared/peers, where that and
# PyTorch are there.

load helper

setup_file() {
	export PYTHON=/usr/bin/python3
}

need_reference() {
	need_shared peers/reference.py
	"$PYTHON" -c 'import torch, numpy' 2>/dev/null || skip "no PyTorch here"
	REFERENCE=$SHARED/peers/reference.py
}

# packs MODEL SEED - packs of random tokens of the model's vocabulary, examples of many lengths.
packs() {
	"$PYTHON" - "$1" "$2" <<'END'
import json, random, sys
vocab = json.load(open(sys.argv[1] + "/config.json"))["vocab_size"]; random.seed(int(sys.argv[2]))
for p in range(2):
    ids = []; weights = []; starts = []
    for e in range(random.randint(1, 3)):
        n = random.choice([1, 2, 7, 30, 90]); k = random.randint(0, n - 1); starts.append(len(ids))
        ids += [random.randrange(vocab) for _ in range(n)]; weights += [0] * k + [random.choice([1, 1, .5]) for _ in range(n - k)]
    n = 20; starts.append(len(ids)); ids += [random.randrange(vocab) for _ in range(n)]; weights += [1] * n
    print(json.dumps({"ids": ids, "weights": weights, "starts": starts}))
END
}

# same MODEL SEED - logits, gradients and 20 steps of training of an adapter with random A and B
# agree, and with operands rounded to bf16 the gradients of all tensors together are near.
same() {
	packs "$1" "$2" >packs.jsonl
	train-reference adapter "$1" adapter 4 "$2"
	train-reference logits "$1" adapter <packs.jsonl >logits.ft
	"$REFERENCE" logits "$1" --adapter adapter <packs.jsonl >logits.torch
	train-reference grads "$1" adapter grads.ft <packs.jsonl
	train-reference grads "$1" adapter grads.bf16 bf16 <packs.jsonl
	"$REFERENCE" grads "$1" --adapter adapter --out grads.torch <packs.jsonl >/dev/null
	train-reference train "$1" adapter 1e-3 20 <packs.jsonl >train.ft
	"$REFERENCE" train "$1" --adapter adapter --lr 1e-3 --steps 20 <packs.jsonl >train.torch
	"$PYTHON" - <<'END'
import json, struct, sys
import numpy as np
def lines(path): return [json.loads(x) for x in open(path)]
def tensors(path):
    b = open(path, "rb").read(); n = struct.unpack("<Q", b[:8])[0]; d = 8 + n
    return {k: np.frombuffer(b[d + t["data_offsets"][0]:d + t["data_offsets"][1]], np.float32)
            for k, t in json.loads(b[8:d]).items() if k != "__metadata__"}
logits = max(np.abs(np.array(a["logits"]) - np.array(b["logits"])).max() for a, b in zip(lines("logits.ft"), lines("logits.torch")))
a, b, c = (tensors("grads." + x) for x in ("ft", "torch", "bf16"))
assert a.keys() == b.keys() == c.keys() and a
grads = max(np.linalg.norm(a[k] - b[k]) / np.linalg.norm(b[k]) for k in b)
rounded = np.sqrt(sum(np.linalg.norm(c[k] - b[k]) ** 2 for k in b) / sum(np.linalg.norm(b[k]) ** 2 for k in b))
a, b = lines("train.ft"), lines("train.torch")
assert len(a) == len(b) == 20
train = max(abs(x["loss"] - y["loss"]) for x, y in zip(a, b))
print("logits %.1e (1e-4), gradients %.1e (1e-3), in bf16 %.1e (2e-2), losses of 20 steps %.1e (1e-3)" % (logits, grads, rounded, train))
sys.exit(not (logits < 1e-4 and grads < 1e-3 and train < 1e-3 and 1e-4 < rounded < 2e-2))
END
}

@test "a published model agrees with PyTorch: logits, every adapter gradient, 20 steps" {
	need_reference
	need_shared data/tinystories-656k
	same "$SHARED/data/tinystories-656k" 1
}

@test "random llama models of one to three layers agree with PyTorch" {
	need_reference
	for layers in 1 2 3; do
		"$SHARED/peers/random_model.py" tiny model$layers --layers $layers --seed $layers
		same "$PWD/model$layers" $layers
	done
}

@test "random qwen2 and qwen3 models agree with PyTorch" {
	need_reference
	for family in qwen2 qwen3; do
		"$SHARED/peers/random_model.py" tiny-$family $family --seed 4
		same "$PWD/$family" 4
	done
}

# kto MODEL ADAPTER BETA UNDESIRABLE DESIRABLE - the first step of --kto with this adapter agrees: loss, rewards, z0 and the whole
# gradient, on rows some of which ask or answer alike.
kto() {
	jq -nc 'range(24) | {messages: [{role: "user", content: "q\(. / 2 | floor)"},
			{role: "assistant", content: "\(if . % 5 == 0 then "a" else "b" end)\(. % 9 * 37)"}],
		label: (. % 3 > 0), weight: (1 + . % 2 / 2)}' >rows.jsonl
	jq -c '.messages[0].content += "x"' rows.jsonl >others.jsonl
	rm -rf out
	args=(-q -m "./$1" -a "$2" --kto --beta "$3" --undesirable-weight "$4" --desirable-weight "$5" --steps 1 --batch 24)
	ft-train "${args[@]}" --dry-run rows.jsonl >packs.jsonl
	ft-train "${args[@]}" -o out --clip 1e9 --eval 'cp out/checkpoint.safetensors .' -v others.jsonl rows.jsonl >metrics.jsonl
	"$PYTHON" "$ROOT/tests/peer/kto.py" "$REFERENCE" "$1" "$2" rows.jsonl packs.jsonl metrics.jsonl checkpoint.safetensors "${@:3}"
}

@test "KTO on random llama and qwen3 models agrees with PyTorch: loss, rewards, z0, the whole gradient" {
	need_reference
	for family in tiny tiny-qwen3; do
		"$SHARED/peers/random_model.py" $family $family --seed 5
		train-reference adapter $family $family-random 4 3
		kto $family $family-random .1 1 1
		kto $family $family-random .02 .75 1.5
		# Other answers of the same kind become likelier too, so that z0 is above 0.
		jq -c 'del(.label)' others.jsonl >chats.jsonl
		ft-train -q -m ./$family -o $family-tuned --epochs 4 --lr 1e-2 chats.jsonl >/dev/null
		kto $family $family-tuned .1 1 1
		kto $family $family-tuned .5 2 .5
		jq -se '.[0].kl > 1' metrics.jsonl
	done
}

@test "the published model goes on with its story when the likeliest token is taken" {
	need_shared data/tinystories-656k
	ids=1,80,147,201,282,215,286,598
	for _ in 1 2 3 4 5 6 7 8; do
		next=$(echo "{\"ids\":[$ids],\"weights\":[$(echo $ids | sed 's/[0-9][0-9]*/1/g')],\"starts\":[0]}" |
			train-reference logits "$SHARED/data/tinystories-656k" | jq '.logits[-1] | index(max)')
		ids=$ids,$next
	done
	want=$(jq -c '.model.vocab' "$SHARED/data/tinystories-656k/tokenizer.json")
	text=$(jq -rn --argjson vocab "$want" --argjson ids "[$ids]" '($vocab | to_entries | map({key: (.value | tostring), value: .key})
			| from_entries) as $of
		| [$ids[8:][] | $of[tostring]] | join("")')
	[[ $text == *Lily.* ]]
}
