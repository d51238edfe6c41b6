# The largest difference between the logits of two files of packs: jq -n -f llama-diff.jq --slurpfile a A --slurpfile b B
def flat: [.. | numbers];
[range($a | length) as $i
	| [($a[$i].logits | flat), ($b[$i].logits | flat)]
	| if (.[0] | length) != (.[1] | length) or (.[0] | length) == 0 then error("not the same number of logits") else . end
	| transpose[] | .[0] - .[1] | fabs] | max
