#!/usr/bin/env bash
# Slow. Data-parallel training: tokens a second on 2 and 4 ranks beside one, a thread each. The peer is one rank times the number of
# ranks, so the ratio is the efficiency. More ranks than processors share these.
set -euo pipefail
mpi=${FT_MPI_BUILD:-$FT_BUILD/mpi}/bin/ft-train
if [ ! -x "$mpi" ] || ! command -v mpirun >/dev/null; then
	jq -nc '{work: "training, ranks", ft: null, peer: null, unit: "tokens/s", note: "no MPI build (make BUILD=build/mpi MPI=1) or no mpirun"}'
	exit 0
fi
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"model_type": "llama", "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4, "num_attention_heads": 4,
	"num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}' >config.json
jq -nc 'range(64) | {messages: [{role: "user", content: ("word \(.) " * 20)}, {role: "assistant", content: "answer \(.)"}]}' >rows.jsonl
one=
for n in 1 2 4; do
	rate=$(mpirun --oversubscribe --bind-to none -n $n "$mpi" -q --scratch config.json -o run --steps 12 --batch 16 --threads 1 rows.jsonl |
		jq -s 'map(.tokens_per_s // empty)[2:] | sort | .[length / 2 | floor]')
	rm -rf run
	one=${one:-$rate}
	jq -nc --argjson n $n --argjson rate "$rate" --argjson one "$one" --argjson cores "$(nproc)" \
		'{work: "full training, \($n) ranks", ft: $rate, peer: ($one * $n), unit: "tokens/s", ratio: ($rate / ($one * $n)),
		  note: "of 3 million parameters, on \($cores) processors"}'
done
