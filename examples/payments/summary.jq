# The story in the numbers that this run measured, and whether it came true. Takes ft-eval's lines of each stage and ft-drift's as
# variables; ends with an error that names the claims that failed.

def error($eval): $eval[0].metrics.exact | {n, mean: (1 - .mean), lo: (1 - .hi), hi: (1 - .lo)};
def due($eval): $eval[0].metrics["json-fields"].fields.due_date.mean;

# Wrong dates that name the year of the notes that were trained on.
def stuck: $stuck[0].named["2023"] // 0;

def percent: . * 1000 | round | "\(. / 10 | floor).\(. % 10)";
def left($n): tostring | . + " " * ([$n - length, 0] | max);
def right($n): tostring | " " * ([$n - length, 0] | max) + .;

def line($name; $eval): error($eval) as $e
	| "  \($name | left(46)) \($e.n | right(4))  \($e.mean | percent | right(5))  \($e.lo | percent | right(5)) ..\($e.hi | percent | right(5))  \(due($eval) | percent | right(5))";

error($bare) as $bare_e | error($few_shot) as $few_shot_e | error($regex) as $regex_e
| error($tuned_2023) as $old | error($tuned_2024) as $new
| error($repaired_2023) as $kept | error($repaired_2024) as $back
| ([$drift[] | select(.path and .verdict == "drift")]) as $found
| ([$found[] | select(.path | test("due_date|received|note"))]) as $named
| [
	["regular expressions and both prompts miss 5 % error", ([$regex_e, $bare_e, $few_shot_e] | all(.lo > 0.05))],
	["tuned: at most 5 % error on at least 500 fresh notes of 2023", $old.n >= 500 and $old.mean <= 0.05],
	["January 2024: at least 3 times that, intervals apart", $new.n >= 500 and $new.mean >= 3 * $old.mean and $new.lo > $old.hi],
	["of its wrong dates at least 9 in 10 name 2023, the year it was trained on", $stuck[0].wrong > 0 and 10 * stuck >= 9 * $stuck[0].wrong],
	["ft-drift says drift and names the due date and the year 2024", $drift[-1].verdict == "drift"
		and ([$named[] | select(.path | test("due_date"))] | length) > 0 and ([$named[] | select((.why // "") | test("2024"))] | length) > 0],
	["repaired: 2024 within twice the error of 2023, or its interval", $back.mean <= ([2 * $old.mean, $old.hi] | max)],
	["repaired: 2023 not broken", $kept.mean <= ([2 * $old.mean, $old.hi] | max)]
] as $claims
| "
What this run measured (error: answers that are not the reference, byte for byte; 95 % intervals)

  \("" | left(46)) \("n" | right(4))  error %        interval  due date right %
\(line("regular expressions, 2023"; $regex))
\(line("big model (stand-in), plain prompt, 2023"; $bare))
\(line("big model (stand-in), with examples, 2023"; $few_shot))
\(line("tuned on 2023, 2023"; $tuned_2023))
\(line("tuned on 2023, January 2024"; $tuned_2024))
\(line("repaired with \($dozen) rows of 2024, January 2024"; $repaired_2024))
\(line("repaired with \($dozen) rows of 2024, 2023"; $repaired_2023))

  \($stuck[0].wrong) wrong dates of January 2024, by the year they name: \($stuck[0].named | to_entries | sort_by(-.value) | map("\(.key) (\(.value))") | join(", "))
\($named | map("  ft-drift: \(.path): \(.why)") | if length > 0 then join("\n") else "  ft-drift says nothing about dates" end)
  \($seconds) seconds from the first note to here

\($claims | map("  \(if .[1] then "yes" else "NO " end)  \(.[0])") | join("\n"))",
($claims | map(select(.[1] | not)) | if length > 0 then "\nThe story did not come true in this run.\n" | halt_error(1) else empty end)
