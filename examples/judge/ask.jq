# Judged rows, slurped, and $criterion, to one question for the proposer: at most $cases rows on which the
# judge and people disagree, as many as possible of either kind. Nothing where they disagree on none.
def word: if . then "PASS" else "FAIL" end;
def asked: .prompt // (.messages | map(select(.role == "user").content) | last | if type == "string" then . else tojson end);
def said($why): word + (if ($why // "") == "" then "" else " (\($why))" end);

map(select(.judge.pass != null and .judge.pass != .human))
| (map(select(.human)) as $strict | map(select(.human | not)) as $lenient
	| [range($cases) as $i | $lenient[$i], $strict[$i]] | map(select(. != null))[:$cases]) as $shown
| if $shown == [] then empty else
	{id: $id, messages: [{role: "user", content: ("<criterion>\n\($criterion)</criterion>\n"
		+ ($shown | map("\n<case>\nasked: \(asked)\nanswer: \(.output)\npeople: "
			+ (.why as $why | .human | said($why)) + "\njudge: " + (.judge.critique as $why | .judge.pass | said($why)) + "\n</case>\n") | join("")))}]}
end
