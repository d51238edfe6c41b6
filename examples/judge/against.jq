# ft-eval's lines of a comparison, slurped, to a sentence that begins with its verdict.
def r: . * 1e4 | round / 1e4;
def signed: r | if . < 0 then tostring else "+\(.)" end;
map(select(.diff != null))[0]
| (if .diff > 0 and .p != null and .p < $alpha then "better" else "not better beyond chance" end)
	+ " than the judge before: \(.diff | signed) of agreement"
	+ (if .lo == null then "" else " (\(.lo | signed) to \(.hi | signed))" end)
	+ ", p \(if .p == null then "unknown" elif .p < 1e-4 then "< 0.0001" else "= \(.p | r)" end) (taken below \($alpha | r)), \(.wins) rows won, \(.losses) lost"
