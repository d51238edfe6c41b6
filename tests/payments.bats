# The payments example: its notes are what the story needs them to be.

load helper

notes() {
	"$BUILD/examples/notes" "$@"
}

@test "notes: the same seed gives the same bytes, and a longer file begins with the shorter one" {
	notes -n 50 -s 7 >a
	notes -n 80 -s 7 >b
	cmp a <(head -50 b)
	run ! cmp -s a <(notes -n 50 -s 8)
}

@test "notes: ids are unique across years, months, seeds and the base model's corpus" {
	{
		notes -n 100
		notes -n 100 -s 2
		notes -n 100 -m 1
		notes -n 100 -y 2024
		notes -n 100 -y 2024 -m 1
		notes -n 100 --drills
		notes -n 100 --memos
	} | jq -r .id | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "notes: no two notes of different seeds are the same" {
	{ notes -n 2000; notes -n 2000 -s 2; notes -n 2000 -s 3; } | jq -c '.messages[0].content' | sort | uniq -d >twice
	[ ! -s twice ]
}

@test "notes: everything of 2023 lies in 2023, 3 to 30 days between a note and its due date" {
	notes -n 3000 | jq -e -n '
		def day: strptime("%Y-%m-%d") | mktime / 86400;
		[inputs | .messages[1].content as $ref | ($ref | fromjson | .due_date) as $due
			| select((.received[:4] != "2023") or ($due[:4] != "2023")
				or (($due | day) - (.received | day) | . < 3 or . > 30))] == []'
}

@test "notes: a window of January 2024 is received in that month and due in that year" {
	notes -y 2024 -m 1 -n 1000 | jq -e -n '
		[inputs | select(.received[:7] != "2024-01" or (.messages[1].content | fromjson | .due_date[:4]) != "2024")] == []'
}

@test "notes: the year of receipt always stands in the note, so the year can always be told" {
	notes -n 1000 | jq -e -n '[inputs | select(.messages[0].content | test("2023") | not)] == []'
	notes -y 2031 -n 1000 | jq -e -n '[inputs | select(.messages[0].content | test("2031") | not)] == []'
}

@test "notes: about two in three due dates leave the year out" {
	notes -n 3000 | jq -n '[inputs | select([.messages[0].content | scan("(?<![0-9])2023(?![0-9])")] | length == 1)] | length' >bare
	[ "$(cat bare)" -gt 1800 ]
	[ "$(cat bare)" -lt 2200 ]
}

@test "notes: the reference has four fields, and the payee as the note writes it" {
	notes -n 1000 | jq -e -n '[inputs | (.messages[1].content | fromjson) as $r | .messages[0].content as $note
		| select(($r | keys_unsorted) != ["payee", "amount", "currency", "due_date"]
			or (($note | contains($r.payee)) | not)
			or ($r.amount < 20 or $r.amount > 9000)
			or (["EUR", "USD", "GBP", "CHF"] | index($r.currency)) == null)] == []'
}

@test "notes: payee, amount, currency and days to pay do not depend on the month" {
	for m in 1 6 12; do
		notes -m $m -n 3000 | jq -n 'def day: strptime("%Y-%m-%d") | mktime / 86400;
			[inputs | (.messages[1].content | fromjson) + {received}]
			| [(map(.amount | log) | add / length), (map(select(.currency == "EUR")) | length / 3000),
				(map((.due_date | day) - (.received | day)) | add / length)] | @tsv' -r
	done >means
	# Differences of means stay within five standard errors: 1.8 / sqrt(3000), .49 / sqrt(3000),
	# 8.5 / sqrt(3000).
	awk 'NR == 1 { for (i = 1; i <= 3; i++) first[i] = $i; next }
		{ for (i = 1; i <= 3; i++) { d = $i - first[i]; if (d < 0) d = -d
			if (d > 5 * 1.5 * (i == 1 ? 1.8 : i == 2 ? .49 : 8.5) / sqrt(3000)) bad = 1 } }
		END { exit bad }' means
}

@test "notes: a bad year or month is a usage error" {
	status_is 2 notes -m 13
	status_is 2 notes -y 99999
	status_is 2 notes surplus
}

@test "extract.jq answers every note, and well below what is asked for" {
	notes -n 500 -s 3 | jq -c -f "$ROOT/examples/payments/extract.jq" >answers
	[ "$(wc -l <answers)" -eq 500 ]
	jq -e -n '[inputs | select(.output == .messages[1].content)] | length | . > 250 and . < 450' answers
}

@test "ft-drift: a month of fresh 2023 notes is no drift, January 2024 is, and the year is named" {
	[ -x "$BUILD/bin/ft-drift" ] || skip "ft-drift is not built"
	notes -n 2000 >reference
	for m in 1 5 12; do
		notes -m $m -n 60 -s 5 >window
		status_is 0 ft-drift -r reference --time .received window
	done
	notes -y 2024 -m 1 -n 60 -s 5 >window
	status_is 1 ft-drift -r reference --time .received window
	[[ $output == *2024* ]]
}

@test "ft-drift: of fresh 2023 windows, 60 rows from each month, at least 95 % are no drift" {
	[ -x "$BUILD/bin/ft-drift" ] || skip "ft-drift is not built"
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	notes -n 2000 >reference
	local alarms=0 windows=0
	for s in $(seq 11 210); do
		for m in 1 2 3 4 5 6 7 8 9 10 11 12; do
			notes -m $m -n 60 -s "$s" >window
			run ft-drift -q --threads 1 -r reference --time .received window
			[ "$status" -le 1 ]
			alarms=$((alarms + status))
			windows=$((windows + 1))
		done
	done
	echo "$alarms alarms in $windows windows"
	[ $((alarms * 20)) -le "$windows" ]
}
