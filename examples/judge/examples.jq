# Judged rows, slurped, to those that ft-judge -e shows: at most $shots rows with what people wrote beside
# their verdict, on which the judge disagreed; fails and passes in turn.
map(select(.judge.pass != null and .judge.pass != .human and (.why // "") != ""))
| map(select(.human)) as $passes | map(select(.human | not)) as $fails
| [range($shots) as $i | $fails[$i], $passes[$i]] | map(select(. != null))[:$shots][]
| .judge = {pass: .human, critique: .why}
