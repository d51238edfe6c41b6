# near-pairs.awk -v least=J - exact comparison of all pairs, apart from lib/text: reads lines of side, tab, text in small letters without
# punctuation; prints how many pairs hold the same words in the same order or have a Jaccard similarity of J or more (sets of runs of three
# words), and how many of each stand on two sides: equal, equal across, near, near across.
BEGIN { FS = "\t" }
{
	side[NR] = $1
	words = split($2, w, " ")
	if (!words)
		next
	text = w[1]
	for (i = 2; i <= words; i++)
		text = text " " w[i]
	for (k = 1; k <= same[text]; k++) {
		equal++
		across += side[twin[text, k]] != $1
	}
	twin[text, ++same[text]] = NR
	split("", mine)
	split("", shared)
	for (i = 1; i + 2 <= words || i == 1; i++)
		mine[words < 3 ? text : w[i] " " w[i + 1] " " w[i + 2]]
	size[NR] = 0
	for (run in mine) {
		size[NR]++
		for (k = 1; k <= n[run]; k++)
			shared[row[run, k]]++
	}
	for (other in shared) {
		jaccard = shared[other] / (size[NR] + size[other] - shared[other])
		if (jaccard >= least - 1e-9) {
			near++
			near_across += side[other] != $1
		}
	}
	for (run in mine)
		row[run, ++n[run]] = NR
}
END { print equal + 0, across + 0, near + 0, near_across + 0 }
