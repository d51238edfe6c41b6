# Judged rows, slurped, and $criterion, to one question for the proposer: at most $cases rows on which the
# judge and people disagree, as many as possible of either kind. Nothing where they disagree on none.
include "search";
def word: if . then "PASS" else "FAIL" end;
def said($why): word + (if ($why // "") == "" then "" else " (\($why))" end);

map(select(.judge.pass != null and .judge.pass != .human))
| (map(select(.human)) as $strict | map(select(.human | not)) as $lenient
	| [range($cases) as $i | $lenient[$i], $strict[$i]] | map(select(. != null))[:$cases]) as $shown
| if $shown == [] then empty else
	{id: $id, messages: [{role: "user", content: question("criterion"; $criterion; $shown | map("asked: \(asked)\nanswer: \(.output)\npeople: "
		+ (.why as $why | .human | said($why)) + "\njudge: " + (.judge.critique as $why | .judge.pass | said($why))))}]}
end
