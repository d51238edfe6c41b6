# notes N SEED YEAR MONTHS - N payment notes received in the first MONTHS months of YEAR, as chat
# records whose reference is JSON: the amount, the currency and a due date 3 to 16 days later.
notes() {
	jq -nc --argjson n "$1" --argjson seed "$2" --arg year "$3" --argjson months "$4" '
		def mix: . * 48271 % 2147483647 | ((. % 46337) * (. % 46349) + (. / 7 | floor)) % 2147483647;
		def roll($i; $k): $i * 5003 + $seed * 104729 + $k * 1299709 + 1 | mix | mix | mix;
		def pad: 100 + . | tostring[1:];
		range($n) as $i
		| (["EUR", "EUR", "USD", "GBP"][roll($i; 1) % 4]) as $currency | (roll($i; 2) % 900 + 20) as $amount
		| (roll($i; 3) % $months + 1) as $m | (roll($i; 4) % 10 + 1) as $d | ($d + 3 + roll($i; 5) % 14) as $due
		| "\($year)-\($m | pad)-\($d | pad)" as $day
		| {id: "n\($seed)-\($i)", created: $day, messages: [
			{role: "user", content: "Received \($day). Please pay \($amount).50 \($currency) by \($due | pad).\($m | pad)."},
			{role: "assistant", content: ({amount: ($amount + 0.5), currency: $currency,
				due_date: "\($year)-\($m | pad)-\($due | pad)"} | tojson)}]}'
}
