# Of answers to notes, all in one array: how many, how many with a wrong due date, and which years these name ("none" where there is no
# year in it).
[.[] | {due: (((.output // "") | fromjson? | .due_date? | strings) // ""), right: (.messages[1].content | fromjson | .due_date)}] as $answers
| [$answers[] | select(.due != .right) | .due[:4] | if test("^[0-9]{4}$") then . else "none" end] as $wrong
| {n: ($answers | length), wrong: ($wrong | length), named: (reduce $wrong[] as $y ({}; .[$y] += 1))}
