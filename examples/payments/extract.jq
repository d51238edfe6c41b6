# What one would try before any model: regular expressions over the note. Adds `output` and `model` to each record, so that
# ft-eval can put it beside the models.

def month:
	{jan: "01", feb: "02", mar: "03", apr: "04", may: "05", jun: "06",
	 jul: "07", aug: "08", sep: "09", oct: "10", nov: "11", dec: "12"}[.[:3] | ascii_downcase];

def two: if length == 1 then "0" + . else . end;

# Every date in the text, in order: {y, m, d}, y null where it was left out.
def dates:
	("(?<iso>\\d{4}-\\d{2}-\\d{2})|(?<d1>\\d{2})\\.(?<m1>\\d{2})\\.(?<y1>\\d{4})?|"
	+ "(?<d2>\\d{1,2}) (?<m2>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*)(?: (?<y2>\\d{4}))?|"
	+ "(?<m3>(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*) (?<d3>\\d{1,2})(?:, (?<y3>\\d{4}))?") as $any
	| [capture($any; "g")
		| if .iso then (.iso | split("-") | {y: .[0], m: .[1], d: .[2]})
		  else {y: (.y1 // .y2 // .y3), m: (.m1 // ((.m2 // .m3) | month)), d: ((.d1 // .d2 // .d3) | two)} end];

def amount:
	capture("(?<n>\\d[\\d,]*\\.\\d{2})(?![.\\d])") | .n | gsub(","; "");

def currency:
	if test("€|EUR") then "EUR" elif test("\\$|USD") then "USD" elif test("£|GBP") then "GBP" else "CHF" end;

# Two or more capitalised words behind a word that tends to stand before a payee, else wherever they come.
def payee:
	"(?:[A-Z][a-z]+|&)(?: (?:[A-Z][A-Za-z]+|&))+" as $name
	| ([capture("(?:pay|Pay|to|To|from|with|owe|pay:|is) (?<p>" + $name + ")")] + [capture("(?<p>" + $name + ")")])
	| .[0].p // "";

(.messages[0].content) as $note
| ($note | dates) as $dates
| .output = "{\"payee\":\($note | payee | tojson),\"amount\":\($note | amount // 0),\"currency\":\"\($note | currency)\",\"due_date\":\"\(
	if ($dates | length) < 2 then ""
	else ($dates[-1].y // $dates[0].y) + "-" + $dates[-1].m + "-" + $dates[-1].d end)\"}"
| .model = "extract.jq"
