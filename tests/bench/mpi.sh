#!/usr/bin/env bash
# Slow. Data-parallel training of all weights: tokens a second on 2 and 4 ranks beside one, a thread each. The peer is one rank times the
# number of ranks, so the ratio is the efficiency; the note says what a step sends and waits, and what that makes it bound by. More ranks
# than processors share these: then their peer is one rank times the processors.
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
echo '{"model_type": "llama", "hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 8, "num_attention_heads": 4,
	"num_key_value_heads": 2, "max_position_embeddings": 512, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}' >config.json
jq -nc 'range(64) | {messages: [{role: "user", content: ("word \(.) " * 20)}, {role: "assistant", content: "answer \(.)"}]}' >rows.jsonl
one=
for n in 1 2 4; do
	mpirun --oversubscribe --bind-to none -n $n "$mpi" -q --scratch config.json -o run --steps 12 --batch 32 --threads 1 \
		--save-every 1000 rows.jsonl >metrics.jsonl
	rm -rf run
	rate=$(jq -s 'map(.tokens_per_s // empty)[2:] | sort | .[length / 2 | floor]' metrics.jsonl)
	one=${one:-$rate}
	jq -sc --argjson n $n --argjson rate "$rate" --argjson one "$one" --argjson cores "$(nproc)" '
		(map(select(.lr))[2:]) as $steps
		| ($steps | map(.tokens / .tokens_per_s) | add) as $seconds
		| (($steps | map(.waited_s // 0) | add) / $seconds) as $waited
		| (($steps | map(.transferred_s // 0) | add) / ($steps | length)) as $transfer
		| ([$n, $cores] | min) as $own
		| {work: "full training, \($n) ranks", ft: $rate, peer: ($one * $own), unit: "tokens/s", ratio: ($rate / ($one * $own)),
			note: ("of 6 million parameters; \(($steps | map(.sent // 0) | last) / 1e6 | round) MB a step from each rank, " +
				"\($transfer * 1000 | round) ms on their way, \(100 * $waited | round) % of a step waited; bound by " +
				(if $n > $cores then "\($cores) processors, which the ranks share"
				elif $waited > .25 then "waiting for other ranks"
				else "computing" end))}' metrics.jsonl
done
