# The rows to train on and to choose by: those of before ($old) and those of the new world ($new), these weighted so that they have $share
# of the loss, but never more than thirty times as much as they are (- as much as they are).
def train: map(select(.split == "train"));
(if $share == "-" then 1 else ($share | tonumber) as $part
	| [1, ([30, $part / (1 - $part) * ($old | train | length) / ([1, ($new | train | length)] | max)] | min)] | max end) as $weight
| $old[], ($new[] | if .split == "train" then .weight = (.weight // 1) * $weight else . end)
| select(.split != "test")
