# What a search over prompts or criteria asks of its rows: for jq -L, here and in examples/judge.

def r: . * 1e4 | round / 1e4;
def signed: r | if . < 0 then tostring else "+\(.)" end;
def words: if type == "string" then . else tojson end;

# A row's question, and the answer that it should have got.
def asked: .prompt // (.messages | map(select(.role == "user").content) | last | words);
def wanted: .ideal // .completion // (.messages[-1] | select(.role == "assistant").content) // "" | words;

# An array in an order that follows from the seed (Park and Miller's minimal standard generator).
def shuffled($seed):
	reduce .[] as $row ({x: (($seed * 7919 + 12345) % 2147483646 + 1), rows: []};
		.x = .x * 16807 % 2147483647 | .rows += [[.x, $row]])
	| .rows | sort_by(.[0]) | map(.[1]);

# A row's scores from ft-eval -p as one; what could not be scored is wrong.
def score: .eval | map(. // 0) | add / length;
def failed: score < 1;

# Of candidates with scores those that no other is better than: at least as good in all, better in one.
def pareto: . as $all | map(.scores as $s
	| select($all | any(.scores as $t | ($s | keys) as $checks
		| ($checks | all($t[.] >= $s[.])) and ($checks | any($t[.] > $s[.]))) | not));

# Rows by id, and the differences of one's scores from another's over the rows that both have.
def by_id: map({key: .id, value: .}) | from_entries;
def gains($before): ($before | by_id) as $old | map(select($old[.id]) | score - ($old[.id] | score));

# What a batch says of the gain on the pool: failed rows stand in it more often than there, and each of both
# kinds counts for as many as it stands for. Rows that went right by luck are so no loss where others will.
def weighed($pool): ($pool | by_id) as $old | ($pool | map(select(failed)) | length / ($pool | length)) as $share
	| [map(select($old[.id] | failed)), map(select($old[.id] | failed | not)) | gains($pool) | add / length? // 0]
	| .[0] * $share + .[1] * (1 - $share);

# What a proposer is shown: the text at hand, in tags of that name, and cases.
def question($name; $text; $cases): "<\($name)>\n\($text)</\($name)>\n" + ($cases | map("\n<case>\n\(.)\n</case>\n") | join(""));

# A parent's answers to the pool, slurped, to lines of what a round does with its rows: the batch that the
# new ones are tried on, up to half of which went wrong; for the proposer those that did, as often as
# it is asked in another order; and those that are tried as an example more.
def plan($rows; $prompt; $examples; $seed; $n):
	($rows | by_id) as $row
	| map(select(failed)) as $failed | map(select(failed | not)) as $passed
	| ([($failed | length), ([($n.batch / 2 | ceil), $n.batch - ($passed | length)] | max)] | min) as $half
	| (($failed | shuffled($seed) | .[:$half]) + ($passed | shuffled($seed) | .[:$n.batch - $half]) | .[] | "batch \($row[.id] | tojson)"),
	(range($n.words) as $i | $failed | shuffled($seed + 101 * ($i + 1)) | .[:$n.cases]
		| map("asked: \(asked)\nanswer: \(.output // "none" | words)\nright: \(wanted)\nwrong by: "
			+ (.eval | to_entries | map(select((.value // 0) < 1).key) | join(", ")))
		| {id: "\($n.round).\($i + 1)", messages: [{role: "user", content: question("prompt"; $prompt; .)}]} | "ask \(tojson)"),
	($failed | map(select(.id as $id | $examples | all(.id != $id))) | shuffled($seed + 53) | .[:$n.tries][] | "example \($row[.id] | tojson)");

# A proposer's reply to a prompt: what stands in <prompt> or a fence where it put it there.
def proposed: (capture("<prompt>(?<p>.*?)</prompt>"; "m").p // .)
	| gsub("^\\s*```[a-z]*\n|\n```\\s*$"; "") | gsub("^\\s+|\\s+$"; "");

# Lines of ft-eval --baseline-file, slurped: whether a check is better beyond chance, and none worse
# beyond doubt; and that in words, $of being what is measured.
def better($alpha): map(select(.diff != null))
	| any(.diff > 0 and .p_adj != null and .p_adj < $alpha) and all(.verdict != "worse");
def compared($alpha; $than; $of):
	(if better($alpha) then "better" else "not better beyond chance" end) + " than \($than): "
	+ (map(select(.diff != null)) | length as $checks | map("\(.diff | signed) of \(if $checks > 1 then .metric else $of end)"
		+ (if .lo == null then "" else " (\(.lo | signed) to \(.hi | signed))" end)
		+ ", p \(if .p_adj == null then "unknown" elif .p_adj < 1e-4 then "< 0.0001" else "= \(.p_adj | r)" end)"
		+ " (taken below \($alpha | r)), \(.wins) rows won, \(.losses) lost") | join("; "));

# A requirement's line in words: the figure, and how far it is from its bound.
def figure: if . == null or .value == null then "unknown" elif .lo == null then "\(.value | r)" else "\(.value | r) (\(.lo | r) to \(.hi | r))" end;
def required: (.require | capture("[<>]=?(?<n>[-+0-9.eE]+)(?<percent>%?)")
		| (.n | tonumber) / (if .percent == "%" then 100 else 1 end)) as $bound
	| "\(.require): \(.verdict), \(figure)"
	+ (if .verdict == "met" or .value == null then "" else "; the gap left is \($bound - .value | fabs | r)" end);
# ft-eval's line on a group: its checks in words.
def figures: select(.metrics).metrics | to_entries | map("\(.key) \(.value | .value = .mean | figure)") | join(", ");
