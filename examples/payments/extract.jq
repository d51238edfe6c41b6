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

# The first number with a currency before or behind it: {n, c}. A number without one may be an invoice's.
def money:
	"(?<n1>\\d[\\d.,]*\\d|\\d) (?<c1>EUR|USD|GBP|CHF|euros|dollars|pounds|francs)" as $behind
	| "(?<c2>EUR ?|USD ?|GBP ?|CHF ?|€|\\$|£)(?<n2>\\d[\\d.,]*\\d|\\d)" as $before
	| first(capture($before + "|" + $behind; "g")) | {n: (.n1 // .n2), c: (.c1 // .c2 | rtrimstr(" "))};

def amount:
	if test(",\\d\\d$") then gsub("\\."; "") | sub(","; ".") else gsub(","; "") end
	| if test("\\.\\d\\d$") then . else . + ".00" end;

def currency:
	{"€": "EUR", "euros": "EUR", "$": "USD", "dollars": "USD", "£": "GBP", "pounds": "GBP", "francs": "CHF"}[.] // .;

# Two or more capitalised words behind a word that tends to stand before a payee, else wherever they come.
def payee:
	"[A-Z][a-z]+(?: (?:[A-Z][a-zA-Z]+|&))+" as $name
	| ([capture("(?:pay|Pay|to|To|from|with|owe|pay:|is) (?<p>" + $name + ")")] + [capture("(?<p>" + $name + ")")])
	| .[0].p // "";

(.messages[0].content) as $note
| ($note | dates) as $dates
| ($note | [money][0] // {n: "0", c: "EUR"}) as $money
| .output = "{\"payee\":\($note | payee | tojson),\"amount\":\($money.n | amount),\"currency\":\"\($money.c | currency)\",\"due_date\":\"\(
	if ($dates | length) < 2 then ""
	else ($dates[-1].y // $dates[0].y) + "-" + $dates[-1].m + "-" + $dates[-1].d end)\"}"
| .model = "extract.jq"
