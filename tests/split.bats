#!/usr/bin/env bats
# ft-split: the same row on the same side, groups, classes, look-alikes, and the check for leaks.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

# rows N [FIRST] - N records with an id, a customer (four rows each) and a number of their own.
rows() {
	jq -nc --argjson n "$1" --argjson first "${2:-0}" 'range($first; $first + $n) |
		{id: "r\(.)", customer: "c\(. / 4 | floor)", messages: [
			{role: "system", content: "Answer in one word."},
			{role: "user", content: "Question number \(.)"},
			{role: "assistant", content: "answer \(. % 3)"}]}'
}

# sides - id and split of each record, sorted.
sides() {
	jq -r '[.id, .split] | @tsv' | sort
}

@test "every record gets a side near the shares asked for" {
	rows 2000 >in.jsonl
	status_is 0 ft-split -r 70:10:20 in.jsonl
	printf '%s\n' "$output" >out.jsonl
	[ "$(wc -l <out.jsonl)" -eq 2000 ]
	jq -se '[group_by(.split)[] | {key: .[0].split, value: length}] | from_entries |
		.train > 1318 and .train < 1482 and .valid > 146 and .valid < 254 and .test > 328 and .test < 472' out.jsonl
}

@test "a record keeps its bytes: without the added member the line is the old one" {
	printf '%s\n' '{ "b":1e999,"a" : 12345678901234567890, "s":"\u0041\/", "x":{"a":1,"a":2} }  ' >in.jsonl
	ft-split -q in.jsonl | sed -E 's/ *, *"split": *"(train|valid|test)"//' >out.jsonl
	cmp in.jsonl out.jsonl
}

@test "adding, removing and shuffling rows moves none (five seeds)" {
	rows 1200 >all.jsonl
	for seed in 1 2 3 4 5; do
		ft-split -q --seed $seed all.jsonl | sides >whole
		sort -R --random-source=<(yes $seed) all.jsonl | ft-split -q --seed $seed | sides >shuffled
		cmp whole shuffled
		head -n $((seed * 200)) all.jsonl | ft-split -q --seed $seed | sides >part
		[ -z "$(comm -23 part whole)" ]
	done
}

@test "adding, removing and shuffling rows moves none with --group and --key either" {
	rows 1200 >all.jsonl
	for option in --group=.customer --key=.id; do
		ft-split -q $option all.jsonl | sides >whole
		sort -R --random-source=<(yes 1) all.jsonl | ft-split -q $option | sides >shuffled
		cmp whole shuffled
		sed -n '100,700p' all.jsonl | ft-split -q $option | sides >part
		[ -z "$(comm -23 part whole)" ]
	done
}

@test "another seed is another split" {
	rows 400 >in.jsonl
	ft-split -q --seed 1 in.jsonl | sides >one
	ft-split -q --seed 2 in.jsonl | sides >two
	[ "$(comm -13 one two | wc -l)" -gt 50 ]
}

@test "a larger test share keeps the rows that test had" {
	rows 1000 >in.jsonl
	ft-split -q -r 90:10 in.jsonl | jq -r 'select(.split == "test").id' | sort >small
	ft-split -q -r 60:10:30 in.jsonl | jq -r 'select(.split == "test").id' | sort >large
	[ -s small ]
	[ -z "$(comm -23 small large)" ]
}

@test "groups stay whole" {
	rows 1000 >in.jsonl
	ft-split -q --group customer in.jsonl | jq -se 'group_by(.customer) | all(map(.split) | unique | length == 1)'
	ft-split -q --group customer in.jsonl | jq -se '[.[].split] | unique | length == 3'
}

# spelt N - two rows for each of N numbers as groups, each in one of the ways to write it.
spelt() {
	jq -nr --argjson n "$1" 'range(2 * $n) | (. % $n) as $k
		| ["\($k)", "\($k).0", "\($k)e0", "\"\($k)\"", "\($k * 10)e-1", "\"\($k).00\"", "\($k / 10)E+1"][(. * 7919 + 3) % 7] as $g
		| "{\"id\":\"r\(.)\",\"g\":\($g),\"q\":\"question \(.)\"}"'
}

@test "groups and keys are one by value, however the number is written; --check agrees" {
	spelt 200 >in.jsonl
	for option in --group=.g --key=.g; do
		ft-split -q $option in.jsonl >out.jsonl
		jq -se 'group_by(.g | tonumber) | length == 200 and all(map(.split) | unique | length == 1)' out.jsonl
	done
	# One spelling in train, another in test.
	printf '%s\n' '{"q":"a","g":7.0}' '{"q":"b","g":"12"}' '{"q":"c","g":-0}' '{"q":"d","g":1e2}' >train.jsonl
	printf '%s\n' '{"q":"e","g":7}' '{"q":"f","g":12e0}' '{"q":"g","g":0}' '{"q":"h","g":"100.0"}' >test.jsonl
	check --group g train.jsonl test.jsonl
	[ "$status" -eq 1 ]
	jq -se 'map(select(.check == "shared-group"))[0] | .verdict == "leak" and .count == 4' out.jsonl
}

@test "numbers that differ are different groups, beyond what a double tells apart too; what is no number is text" {
	printf '{"q":"q%d","g":%s}\n' 1 12345678901234567890 2 12345678901234567891 3 9007199254740993 4 9007199254740992 \
		5 '"01234"' 6 1234 7 '"1e"' 8 1 9 1e400 10 1e401 11 0.1 12 0.10000000000000001 >in.jsonl
	for i in $(seq 2 2 12); do
		sed -n "$((i - 1))p" in.jsonl >train.jsonl
		sed -n "${i}p" in.jsonl >test.jsonl
		check --group g train.jsonl test.jsonl
		[ "$status" -eq 0 ]
		jq -se 'map(select(.check == "shared-group"))[0].verdict == "ok"' out.jsonl
	done
}

@test "--stratify: a class is one however its number is written" {
	spelt 3 >few
	for i in $(seq 40); do jq -c --argjson i "$i" '.id += "-\($i)" | .q += "-\($i)"' few; done >in.jsonl
	status_is 0 ft-split --stratify g -r 80:20 in.jsonl
	[[ $stderr == *"3 classes at .g, each with exactly its share"* ]]
}

@test "a group larger than a side's share is said by name" {
	rows 200 | jq -c 'if (.id | ltrimstr("r") | tonumber) < 60 then .customer = "big one" else . end' >in.jsonl
	status_is 0 ft-split -q --group customer in.jsonl
	[[ $stderr == *'one group, .customer = "big one", has 60 of 200 rows, more than the share of valid (20), test (20)'* ]]
	status_is 0 ft-split -q --key customer -r 20:40:40 in.jsonl
	[[ $stderr == *'one key, .customer = "big one", has 60 of 200 rows, more than the share of train (40)'* ]]
	[[ $stderr != *"valid ("* ]]
	status_is 0 ft-split -q --group id in.jsonl
	[ -z "$stderr" ]
	# A set that equal inputs make has no one name.
	jq -c '.customer = .id | if input_line_number <= 90 then .messages[1].content = "the same" else . end' in.jsonl >same.jsonl
	status_is 0 ft-split -q --group customer same.jsonl
	[[ $stderr == *" has 90 of 200 rows, more than the share of valid (20), test (20)"* ]]
}

@test "--stratify: with two paths it is said what each of them reached" {
	jq -nc 'range(700) | {id: "r\(.)", q: "question \(.)", g: (. / 9 | floor), kind: "k\(. * 5003 % 211 % 6)",
		size: "s\(. * 7919 % 509 % 4)"}' >in.jsonl
	status_is 0 ft-split -r 80:20 --group g --stratify kind --stratify size in.jsonl
	jq -s 'def worst(f): group_by(f) | map({off: ((map(select(.split == "test")) | length) - 0.2 * length)})
		| {n: length, beyond: (map(select(.off | fabs > 1)) | length), off: (map(.off | fabs) | max * 10 | round / 10)};
		{kind: worst(.kind), size: worst(.size)}' <<<"$output" >reached
	for path in kind size; do
		said=$(jq -r --arg p $path '.[$p] | "\(.n) classes at .\($p), \(.beyond | if . == 0 then "none" else "\(.) of them" end)"
			+ " more than a row from its share"' reached)
		[[ $stderr == *"$said; furthest: .$path = "*", $(printf %.1f "$(jq ".$path.off" reached)") rows "* ]]
	done
}

@test "equal inputs share a side whatever their reference, id, spacing and key order" {
	rows 300 >a.jsonl
	jq -c '.id = "again-" + .id | .messages[2].content = "other" | {messages, id, customer}' a.jsonl >b.jsonl
	sed 's/":/" : /g' b.jsonl >spaced.jsonl
	ft-split -q a.jsonl spaced.jsonl | jq -se 'group_by(.messages[1].content)
		| all(length == 2 and (map(.split) | unique | length == 1))'
}

@test "equal inputs in different groups join the groups" {
	rows 400 >a.jsonl
	jq -c '.id = "again-" + .id | .customer = "d" + .id' a.jsonl >b.jsonl
	status_is 0 ft-split --group customer a.jsonl b.jsonl
	[[ $stderr == *"100 sets of groups were joined because they hold the same input"* ]]
	printf '%s\n' "$output" | jq -se 'group_by(.messages[1].content) | all(map(.split) | unique | length == 1)'
}

@test "a split that is there is kept, and equal inputs follow it wherever they stand" {
	rows 60 >a.jsonl
	jq -c '.id = "k-" + .id | .split = "test"' a.jsonl >kept.jsonl
	cat a.jsonl kept.jsonl >in.jsonl
	ft-split -q in.jsonl | jq -se 'length == 120 and all(.split == "test")'
	cat kept.jsonl a.jsonl | ft-split -q | jq -se 'length == 120 and all(.split == "test")'
	ft-split -q --group customer <in.jsonl | jq -se 'length == 120 and all(.split == "test")'
}

@test "rows that belong together and stand on both sides are reported, not moved" {
	rows 4 | jq -c '.split = (if .id == "r0" then "train" else "test" end)' >in.jsonl
	status_is 0 ft-split --group customer in.jsonl
	[[ $stderr == *"1 set of rows that belong together stand on both sides already"* ]]
	[ "$output" = "$(cat in.jsonl)" ]
	# From a pipe, where rows are written as they come, the same is said and done.
	printf '%s\n' '{"q":"a","split":"train"}' '{"q":"a","split":"test"}' '{"q":"a"}' >torn.jsonl
	for from in "torn.jsonl" "-"; do
		status_is 0 ft-split -q -r 80:20 $from <torn.jsonl
		[ "$(jq -r .split <<<"$output" | tr '\n' ' ')" = 'train test test ' ]
		[[ $stderr == *"1 set of rows that belong together stand on both sides already"* ]]
	done
}

@test "a split that is no side is an error with file and line" {
	printf '%s\n' '{"a":1}' '{"a":2,"split":"dev"}' >in.jsonl
	status_is 2 ft-split in.jsonl
	[[ $stderr == *'in.jsonl:2: split is "dev": it must be "train", "valid" or "test"'* ]]
}

@test "any number of threads writes the same bytes and ends at the same line" {
	rows 3000 | jq -c '.size = "c\(.id | length)"' >in.jsonl
	sed '2000s/.*/{"id":"torn"/; 2500s/"id"/"split":"nowhere","id"/' in.jsonl >bad.jsonl
	for option in -q --key=id --group=customer --stratify=size; do
		ft-split --threads 1 "$option" in.jsonl >one 2>one.err
		status_is 2 ft-split --threads 1 --skip-bad "$option" bad.jsonl
		[[ $stderr == *"bad.jsonl:2500: split is"* ]]
		skipped=$output$stderr
		for threads in 2 5; do
			ft-split --threads "$threads" "$option" in.jsonl >many 2>many.err
			cmp one many
			cmp one.err many.err
			status_is 2 ft-split --threads "$threads" --skip-bad "$option" bad.jsonl
			[ "$output$stderr" = "$skipped" ]
			status_is 2 ft-split --threads "$threads" "$option" bad.jsonl
			[[ $stderr == *"bad.jsonl:2000: "* ]]
		done
	done
}

@test "-d writes the lines unchanged, each to one file" {
	rows 500 >in.jsonl
	status_is 0 ft-split -d out -r 60:20:20 in.jsonl
	[ -z "$output" ]
	[ "$(ls out)" = "$(printf 'test.jsonl\ntrain.jsonl\nvalid.jsonl')" ]
	cat out/*.jsonl | sort >got
	sort in.jsonl | cmp - got
	ft-split -q -r 60:20:20 in.jsonl | jq -r 'select(.split == "test").id' >want
	jq -r .id out/test.jsonl | cmp - want
}

@test "-d writes all files or none" {
	rows 50 >in.jsonl
	ft-split -q -d out in.jsonl
	cp -r out before
	{ rows 80; printf '{"broken":'; } >bad.jsonl
	status_is 2 ft-split -d out bad.jsonl
	[[ $stderr == *"bad.jsonl:81: "* ]]
	diff -r before out
	status_is 2 ft-split -d fresh bad.jsonl
	[ -z "$(ls fresh)" ]
}

@test "-d refuses to leave a side of an earlier run behind" {
	rows 50 >in.jsonl
	ft-split -q -d out -r 80:10:10 in.jsonl
	cp -r out before
	status_is 2 ft-split -d out -r 80:20 in.jsonl
	[[ $stderr == *"out/valid.jsonl is from an earlier run"* ]]
	diff -r before out
}

@test "ratios that make no sense are refused" {
	for ratio in 80 80: 80:10:10:10 -1:2 a:b 0:1 1:0 nan:1 80::20 ''; do
		status_is 2 ft-split -r "$ratio" /dev/null
		[[ $stderr == *ratio* ]]
	done
}

@test "a record without the key is an error, one without the group its own group" {
	printf '%s\n' '{"q":1,"k":1}' '{"q":2}' >in.jsonl
	status_is 2 ft-split --key .k in.jsonl
	[[ $stderr == *"in.jsonl:2: no value at the key .k"* ]]
	status_is 0 ft-split --group .k in.jsonl
	[[ $stderr == *"1 rows have no value at .k"* ]]
}

@test "a bad line in a pipe is told as standard input, also when the pipe is read twice" {
	printf '{"k":1}\n{"k":}\n' >in
	status_is 2 ft-split --key k <in
	[[ $stderr == *"standard input:2: "* ]]
	status_is 3 ft-split --key k --skip-bad <in
	[[ $stderr == *"standard input:2: "*"(skipped)"* ]]
	[ "$(printf '%s\n' "$output" | wc -l)" -eq 1 ]
}

@test "a long pipe is passed on row by row" {
	mkfifo pipe
	ft-split -q --line-buffered <pipe >out 3>&- &
	exec 9>pipe
	echo '{"q":1}' >&9
	await [ -s out ]
	[ "$(wc -l <out)" -eq 1 ]
	exec 9>&-
	wait $!
}

# classes N - N rows of four classes of very different size, one label or two.
classes() {
	jq -nc --argjson n "$1" 'range($n)
		| {id: "r\(.)", q: "question \(.)", label: (if . % 50 == 0 then "rare" elif . % 7 == 0 then "some" elif . % 2 == 0
				then "many" else "most" end),
		tags: ([["x", "y", "z"][. % 3]] + (if . % 5 == 0 then ["w"] else [] end))}'
}

@test "--stratify: each class within one row of its share, whatever the order of the rows" {
	classes 1013 >in.jsonl
	ft-split -q -r 70:10:20 --stratify label in.jsonl >out.jsonl
	jq -se 'group_by(.label) | all(length as $n | (map(select(.split == "train")) | length - 0.7 * $n | fabs <= 1) and
		(map(select(.split == "valid")) | length - 0.1 * $n | fabs <= 1) and (map(select(.split == "test")) | length - 0.2 * $n
				| fabs <= 1))' out.jsonl
	jq -se 'map(select(.split == "test")) | length - 202.6 | fabs <= 2' out.jsonl
	sort -R --random-source=<(yes 3) in.jsonl | ft-split -q -r 70:10:20 --stratify label | sides >shuffled
	sides <out.jsonl | cmp - shuffled
}

@test "--stratify: several labels to a row, and two paths at once" {
	classes 900 >in.jsonl
	ft-split -q -r 80:20 --stratify tags in.jsonl | jq -se '. as $all | ["w", "x", "y", "z"] | all(. as $t |
		$all | map(select(.tags | index($t))) | length as $n | map(select(.split == "test")) | length - 0.2 * $n | fabs <= 2)'
	ft-split -q -r 80:20 --stratify tags --stratify label in.jsonl | jq -se 'group_by(.label) | all(length as $n |
		map(select(.split == "test")) | length - 0.2 * $n | fabs <= 4)'
}

@test "--stratify: groups stay whole" {
	rows 800 >in.jsonl
	ft-split -q --group customer --stratify '.messages[2].content' in.jsonl >out.jsonl
	jq -se 'group_by(.customer) | all(map(.split) | unique | length == 1)' out.jsonl
	jq -se 'map(select(.split == "test")) | length - 80 | fabs <= 12' out.jsonl
}

@test "--stratify: what is impossible is refused, rare classes are named" {
	classes 2 >two.jsonl
	status_is 2 ft-split --stratify label two.jsonl
	[[ $stderr == *"2 rows cannot be stratified over 3 sides"* ]]
	rows 8 >groups.jsonl # of two customers
	status_is 2 ft-split --group customer --stratify '.messages[2].content' groups.jsonl
	[[ $stderr == *"8 rows that form 2 blocks"*"cannot be stratified over 3 sides"* ]]
	classes 100 >in.jsonl
	status_is 2 ft-split --stratify id in.jsonl
	[[ $stderr == *"what --stratify names must repeat"* ]]
	status_is 0 ft-split --stratify label in.jsonl
	[[ $stderr == *"1 class has fewer rows than there are sides: .label = rare"* ]]
}

@test "--keep: rows of an earlier run never move, with --stratify and --near too, and new ones fill the quotas" {
	classes 1000 >all.jsonl
	head -n 400 all.jsonl >old.jsonl
	for option in -q --near=0.9; do
		rm -rf before after
		ft-split -q $option --stratify label -d before old.jsonl
		sort -R --random-source=<(yes 5) all.jsonl | ft-split -q $option --stratify label --keep before -d after
		for side in train valid test; do
			[ -s before/$side.jsonl ]
			[ -z "$(sort before/$side.jsonl | comm -23 - <(sort after/$side.jsonl))" ]
		done
		[ "$(cat after/*.jsonl | wc -l)" -eq 1000 ]
		jq -se 'group_by(.label) | all(length > 0)' after/test.jsonl
		jq -se 'map(select(.label == "most")) | length - 42 | fabs <= 2' after/test.jsonl
	done
}

@test "--keep: a new row follows its group and its equals, also those that are not in the input any more" {
	rows 400 >old.jsonl
	ft-split -q --group customer -d before old.jsonl
	rows 400 | jq -c '.id += "-again" | .messages[1].content += " more"' >new.jsonl
	ft-split -q --group customer --keep before -d after new.jsonl
	for side in train valid test; do
		jq -r .customer before/$side.jsonl | sort -u >want
		jq -r .customer after/$side.jsonl | sort -u | cmp - want
	done
}

@test "--near: look-alikes share a side, short texts and system prompts make none" {
	jq -nc 'range(200) | {id: "a\(.)", messages: [
		{role: "system", content: "You answer many questions about cards and payments in very few words, politely."},
		{role: "user", content: ("please tell me how long it takes until transfer \(.) "
			+ "that I sent to account \(. * 7919) arrives at bank \(. * 31)")}]}' >a.jsonl
	jq -c '.id = "b" + .id | .messages[1].content |= sub("please tell me how long"; "Please,  tell me how LONG")' a.jsonl >b.jsonl
	jq -c '.id = "c" + .id | .messages[1].content += " today"' a.jsonl >c.jsonl
	ft-split -q --near 0.8 a.jsonl b.jsonl c.jsonl >out.jsonl
	jq -se 'group_by(.messages[1].content | capture("transfer (?<n>[0-9]+)").n) | length == 200
		and all(length == 3 and (map(.split) | unique | length == 1))' out.jsonl
	jq -se 'map(.split) | unique | length == 3' out.jsonl
}

@test "--near: rows that differ in one word of twelve share a side" {
	jq -nc 'range(600) | . as $i
		| {id: "\($i)", q: ([range(12)] | map("w\($i / 3 | floor)x\(.)") | if $i % 3 == 1 then .[11] = "x" elif $i % 3 == 2
				then .[0] = "y" else . end | join(" "))}' >in.jsonl
	ft-split -q --near 0.6 -r 60:20:20 in.jsonl >out.jsonl
	jq -se '. as $r | [range(200) | $r[. * 3:. * 3 + 3] | map(.split) | unique | length] | all(. == 1)' out.jsonl
}

# plain_texts - of records with a split: side and text of the first turn in small letters, without
# punctuation; for near-pairs.awk.
plain_texts() {
	# shellcheck disable=SC1112
	jq -r '[.split, .messages[0].content] | @tsv' | sed -E 's/\\[nrt]/ /g; s/(€|£|¥|’|‘|“|”|…|–)+/ /g' |
		tr 'A-Z' 'a-z' | sed -E 's/[^a-z0-9\x80-\xff\t]+/ /g'
}

# Three even sides, so that what was not found shows two times in three.
@test "--near: against an exact comparison of all pairs of 10,000 real rows, no equal text and at most 1 % of near ones are torn" {
	need_shared data/banking77
	for option in --near=0.5 '--near=0.5 --stratify=.messages[-1].content'; do
		# shellcheck disable=SC2086
		ft-split -q -r 34:33:33 $option "$SHARED/data/banking77/train.jsonl" 2>told | plain_texts >texts
		[ ! -s told ] # nothing capped
		read -r equal across near near_across <<<"$(awk -v least=0.5 -f "$ROOT/tests/near-pairs.awk" texts)"
		echo "$option: $equal equal pairs, $across torn; $near near pairs, $near_across torn"
		[ "$equal" -gt 20 ]
		[ "$across" -eq 0 ]
		[ "$near" -gt 1000 ]
		[ $((near_across * 3 * 100)) -le $((near * 2)) ]
	done
}

@test "--near: chains are cut at 50 rows, and what that leaves apart is counted" {
	jq -nc 'range(400) | . as $i | {id: "\($i)", prompt: ([range(20)] | map("w\($i + .)") | join(" "))}' >chain.jsonl
	status_is 0 ft-split --near 0.6 -r 34:33:33 chain.jsonl
	[[ $stderr == *" pairs of near-duplicates were not tied: their chains had grown too long"* ]]
	printf '%s\n' "$output" | jq -se 'map(.split) | unique | length == 3'
	status_is 0 ft-split -q --near 0.6 -r 34:33:33 chain.jsonl
	[[ $stderr == *" pairs of near-duplicates were not tied"* ]]
}

@test "--stratify: the first split of real rows is within one row of each class's share on every side" {
	need_shared data/banking77
	ft-split -q --stratify '.messages[-1].content' "$SHARED/data/banking77/train.jsonl" | jq -se 'group_by(.messages[-1].content)
		| length == 77 and
		all(length as $n | (map(select(.split == "train")) | length - 0.8 * $n | fabs < 1) and
			(map(select(.split == "valid")) | length - 0.1 * $n | fabs < 1) and (map(select(.split == "test"))
				| length - 0.1 * $n | fabs < 1))'
}

@test "--time: what is dated later is the test side, the gap is left out and told" {
	jq -nc 'range(300) | {id: "t\(.)", q: "q\(.)", at: (1672531200 + . * 86400 | todate)}' >in.jsonl
	status_is 0 ft-split --time at --after 2023-08-31 --gap 7 -r 80:10:10 in.jsonl
	[[ $stderr == *"7 rows stand in the gap before 2023-08-31 and were left out"* ]]
	printf '%s\n' "$output" | jq -se 'length == 293 and all((.split == "test") == (.at > "2023-08-31T23:59:59Z"))
		and (map(.split) | unique | length == 3)'
	status_is 2 ft-split --time at --after someday in.jsonl
	status_is 2 ft-split --time nowhere --after 2023-08-31 in.jsonl
	[[ $stderr == *"in.jsonl:1: no date or time at .nowhere"* ]]
	# Times are moments: an offset from UTC counts, and fractions of a second do not part what is one.
	cat >zones.jsonl <<-'END'
	{"q": "1", "at": "2024-01-31T22:00:00-05:00"}
	{"q": "2", "at": "2024-02-01T02:30:00+0200"}
	{"q": "3", "at": "Thu, 01 Feb 2024 01:00:01 GMT"}
	{"q": "4", "at": 1706749200.5}
	{"q": "5", "at": "2024-02-01 01:00"}
	END
	status_is 0 ft-split -q --time at --after 2024-02-01T01:00:00Z -r 80:20 zones.jsonl
	[ "$(jq -r 'select(.split == "test") | .q' <<<"$output" | tr '\n' ' ')" = '1 3 ' ]
}

@test "a named pipe is read twice like a file" {
	classes 300 >in.jsonl
	ft-split -q --stratify label in.jsonl >want
	ft-split -q --stratify label <(cat in.jsonl) | cmp - want
}

@test "joined groups fall to the sides in their shares" {
	jq -nc 'range(4000) | {id: "r\(.)", g: "g\(.)", q: "question \(. / 8 | floor)"}' >in.jsonl
	ft-split -q --group g -r 60:20:20 in.jsonl | jq -se 'group_by(.q) | map(.[0].split) | group_by(.)
		| map(length) as [$test, $train, $valid] |
		$test > 64 and $test < 136 and $valid > 64 and $valid < 136 and $train > 256 and $train < 344'
}

# notes_rows N FROM - N different support questions with a written answer, a customer and a day.
notes_rows() {
	jq -nc --argjson n "$1" --argjson from "$2" '
		def mix: . * 48271 % 2147483647 | ((. % 46337) * (. % 46349) + (. / 7 | floor)) % 2147483647;
		def word($i; $k): "w\(($i * 5003 + $k * 1299709 + 1 | mix | mix) % 3000)";
		range($from; $from + $n) as $i | {id: "n\($i)", customer: "c\($i)", day: (1672531200 + $i * 3600 | todate), messages: [
			{role: "system", content: ("You answer questions of customers about their orders in one short and polite "
				+ "sentence and never make anything up.")},
			{role: "user", content: ([range(18)] | map(word($i; .)) | join(" "))},
			{role: "assistant", content: ([range(100; 120)] | map(word($i; .)) | join(" "))}]}'
}

# check ARGS... - runs ft-split --check; lines go to out.jsonl, the status to $status.
check() {
	status=0
	ft-split --check "$@" >out.jsonl 2>err || status=$?
	cat err >&2
}

@test "--check: a clean split is silent" {
	notes_rows 600 0 >all.jsonl
	ft-split -q -r 80:20 -d clean all.jsonl
	check --group customer clean/train.jsonl clean/test.jsonl
	[ "$status" -eq 0 ]
	jq -se '.[:-1] | all(.verdict == "ok")' out.jsonl
	tail -1 out.jsonl | jq -e '.verdict == "ok" and .leaks == 0 and .seed == 0 and .train.rows + .test.rows == 600
		and (.version | type == "string")'
}

@test "--check: an id that stands twice is found, on one side or across, and no copy of a sample" {
	notes_rows 300 0 >train.jsonl
	notes_rows 150 300 >test.jsonl
	twice() {
		jq -se --argjson n "$1" --argjson names "$2" '.[] | select(.check == "duplicate-id")
			| .count == $n and .examples == $names and (.verdict == "warning") == ($n > 0)' out.jsonl
	}
	check train.jsonl test.jsonl
	twice 0 '[]'
	# Another row under the id of the first: in train, in test, across.
	{ cat train.jsonl; tail -n 1 train.jsonl | jq -c '.id = "n0" | .messages[1].content += " again, please, by then"'; } >bad.jsonl
	check bad.jsonl test.jsonl
	twice 1 '["n0"]'
	{ cat test.jsonl; tail -n 1 test.jsonl | jq -c '.id = "n300" | .messages[1].content += " again, please, by then"'; } >bad.jsonl
	check train.jsonl bad.jsonl
	twice 1 '["n300"]'
	jq -c 'if .id == "n310" then .id = "n7" else . end' test.jsonl >bad.jsonl
	check train.jsonl bad.jsonl
	twice 1 '["n7"]'
	# Numbers are ids by value; rows without ids have none in common; samples tell rows apart.
	jq -c 'if .id == "n20" then .id = "7" elif .id == "n21" then .id = 7 else . end' train.jsonl >bad.jsonl
	check bad.jsonl test.jsonl
	twice 1 '["7"]'
	check <(jq -c 'del(.id)' train.jsonl train.jsonl) <(jq -c 'del(.id)' test.jsonl)
	twice 0 '[]'
	check <(jq -c '.sample = (0, 1)' train.jsonl) test.jsonl
	twice 0 '[]'
}

@test "--check: each planted leak is found and no other" {
	notes_rows 500 0 >train.jsonl
	notes_rows 100 500 >test.jsonl
	only() {
		[ "$status" -eq 1 ]
		jq -se --arg c "$1" --argjson n "$2" 'map(select(.verdict == "leak" and .check))
			| map([.check, .count]) == [[$c, $n]]' out.jsonl
	}
	tail -1 test.jsonl | jq -c '.messages[2].content = "something else"' | cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	only exact-duplicate 1
	jq -se '.[0].examples == ["n599"] and .[0].train_rows == ["n599"]' out.jsonl

	tail -1 test.jsonl | jq -c '.messages[1].content |= (ascii_upcase | gsub(" "; "  ")) | .messages[2].content = "x"' |
		cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	only near-duplicate 1

	tail -2 test.jsonl | jq -c '.messages[1].content += " today" | .messages[2].content = "x"' | cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	only near-duplicate 2

	head -1 train.jsonl | jq -c '.customer = "c550"' | cat - train.jsonl >bad.jsonl
	check --group customer bad.jsonl test.jsonl
	only shared-group 1

	jq -c 'select(.id == "n520") | .id = "other" | .messages[1].content = "an entirely other question"
		| .messages[2].content |= "Well, " + . + " indeed."' test.jsonl | cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	only overlap-reference 1

	jq -c 'select(.id == "n521") | .id = "other" | .messages[1].content |= ([range(60)] | map("f\(.)") | join(" ")) + " " + .
		| .messages[2].content = "x"' test.jsonl | cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	only overlap-input 1

	check --time day train.jsonl test.jsonl
	[ "$status" -eq 0 ]
	head -1 train.jsonl | jq -c '.day = "2023-12-31T00:00:00Z"' | cat - train.jsonl >bad.jsonl
	check --time day bad.jsonl test.jsonl
	only time 1
}

@test "--check: conflicts, absent classes, sorted rows and a test set of another kind are warnings" {
	jq -nc 'range(400)
		| {messages: [{role: "user", content: "how is number \(. * 7919) doing today my friend"},
				{role: "assistant", content: ["a", "b", "c", "d"][. / 100 | floor]}]}' >sorted.jsonl
	jq -nc 'range(60)
		| {messages: [{role: "user", content: "say \(.)"}, {role: "assistant", content: ["a", "b", "e"][. % 3]}]}' >test.jsonl
	head -1 sorted.jsonl | jq -c '.messages[1].content = "d"' | cat - sorted.jsonl >train.jsonl
	check train.jsonl test.jsonl
	[ "$status" -eq 0 ]
	for name in conflicting-references absent-class order size classifier representative; do
		jq -se --arg c $name 'map(select(.check == $c))[0] | .verdict == "warning"' out.jsonl
	done
	# The first row of train has another answer than the second, which has its words.
	jq -se 'map(select(.check == "conflicting-references"))[0].pairs == [[{side: "train", row: 2}, {side: "train", row: 1}]]' out.jsonl
	jq -se 'map(select(.check == "absent-class"))[0]
		| .count == 3 and (.why | contains("2 classes stand in train only (d, c), 1 in test only (e)"))' out.jsonl
	status_is 0 ft-split --check --table train.jsonl test.jsonl
	[[ $output == *"warning: 0 kinds of leak, 6 warnings; 401 training rows, 60 test rows"* ]]
	[[ $output == *"(train 2) against "*" (train 1)"* ]]
	# The examples stand below their reasons, and texts are wrapped in their column.
	grep -A 1 '^conflicting-references  warning' <<<"$output" | grep -qE '^ {40}[^ ]'
	on_terminal 80 "ft-split --check -q train.jsonl test.jsonl"
	grep -qE '^conflicting-references  warning +[0-9]+  [^ ].*[^ ]$' <<<"$output"
	on_terminal 40 "ft-split --check -q train.jsonl test.jsonl"
	grep -qx '    why' <<<"$output"
	status_is 2 ft-split --check train.jsonl
}

@test "--check: answers of the same form are no leak, thirteen words of one of their strings are" {
	jq -nc 'range(600) as $i
		| {id: "j\($i)",
			messages: [{role: "user", content: "please book number \($i * 7919) for the guest with the letter \($i * 31)"},
		{role: "assistant",
				content: ({intent: "book", object_type: "room", best_rating: (["5", "6"][$i % 2]), rating_unit: "stars",
				rating_value: "\($i % 6)", guest: "g\($i)", paid: true, nights: ($i % 9),
			note: "the guest \($i) asked for a quiet room number \($i) on floor \($i) and pays by card \($i)"} | tojson)}]}' \
		>all.jsonl
	head -n 500 all.jsonl >train.jsonl
	tail -n 100 all.jsonl >test.jsonl
	check train.jsonl test.jsonl
	jq -se 'map(select(.check == "overlap-reference"))[0].verdict == "ok"' out.jsonl
	tail -n 1 test.jsonl | jq -c '.id = "leak" | .messages[0].content = "an entirely other question"
		| .messages[1].content |= (fromjson | {other: .note} | tojson)' | cat train.jsonl - >bad.jsonl
	check bad.jsonl test.jsonl
	[ "$status" -eq 1 ]
	jq -se 'map(select(.check == "overlap-reference"))[0] | .verdict == "leak" and .count == 1 and .examples == ["j599"]
		and .train_rows == ["leak"]' out.jsonl
}

# Chance may warn of a clean random division in 5 of 100; FT_SLOW makes it 400 divisions.
@test "--check: random divisions of the same rows get warnings from tests of chance no more often than the level says" {
	local n=40 most=7 warned=0 i
	[ -z "${FT_SLOW:-}" ] || n=400 most=32 # beyond these one run in 500 goes by chance
	jq -nc 'range(500) as $i
		| {id: "r\($i)", kind: (["a", "b", "c"][$i * 7919 % 3]),
			messages: [{role: "user", content: ([range(3 + $i * 31 % 9)]
				| map("w\(($i * 5003 + . * 1299709) % 211 % (7 + . * 20))") | join(" ") + " \($i)")},
		{role: "assistant", content: (["yes", "no", "maybe"][$i * 104729 % 7 % 3])}]}' >all.jsonl
	for i in $(seq "$n"); do
		sort -R --random-source=<(yes "$i") all.jsonl | ft-split -q -r 70:30 --seed "$i" -d "cut" -
		ft-split --check --seed "$i" cut/train.jsonl cut/test.jsonl >out.jsonl || [ $? -eq 1 ]
		jq -se 'map(select(.verdict == "warning" and (.check | IN("order", "classifier", "representative"))))
			| length > 0' out.jsonl >/dev/null && warned=$((warned + 1))
	done
	echo "$warned of $n"
	[ "$warned" -le "$most" ]
}

@test "--check --html: one page that asks for nothing, with the leaking rows side by side and nothing of theirs taken as HTML" {
	notes_rows 300 0 >train.jsonl
	notes_rows 60 300 >test.jsonl
	tail -n 1 test.jsonl | jq -c '.id = "<script>alert(1)</script>" | .messages[1].content += " <img src=x> again"' |
		cat train.jsonl - >bad.jsonl
	check --html page.html bad.jsonl test.jsonl
	[ "$status" -eq 1 ]
	grep -q '<h2>near-duplicate</h2>' page.html
	grep -q '&lt;img src=x&gt; again' page.html
	grep -q '&lt;script&gt;alert(1)&lt;/script&gt;' page.html
	run ! grep -Eq '<(script|img|link [^>]*href="http)|url\(' page.html
	[ "$(grep -c '<svg' page.html)" -ge 3 ]
	grep -q 'prefers-color-scheme:dark' page.html
	# Pipes are read once: the page shows ids alone.
	status_is 1 ft-split --check --html piped.html <(cat bad.jsonl) <(cat test.jsonl)
	grep -q '<td class="id" data-h="test">n359<br><small>test, row 60</small></td>' piped.html
	run ! grep -q 'src=x' piped.html
	status_is 2 ft-split --check --html no/such/page.html bad.jsonl test.jsonl
	[ -z "$output" ]
}

@test "--check refuses options that divide, and --html goes with it alone" {
	echo '{"a":1}' >a.jsonl
	for option in -r80:10:10 --key=a --keep=. --after=2023-01-01 "--gap=0 --after=2023-01-01" -dx; do
		# shellcheck disable=SC2086
		status_is 2 ft-split --check $option --time a a.jsonl a.jsonl
		[[ $stderr == *"does not go with --check: it divides nothing"* ]]
	done
	for option in "--html x.html" --table --json; do
		# shellcheck disable=SC2086
		status_is 2 ft-split $option a.jsonl
		[[ $stderr == *"${option%% *} goes with --check"* ]]
	done
	status_is 2 ft-split --check --table --json a.jsonl a.jsonl
	[[ $stderr == *"--json does not go with --table"* ]]
}

@test "with -d nothing is written where one side's file cannot be" {
	classes 60 >in.jsonl
	mkdir -p d/test.jsonl
	echo old >d/train.jsonl
	status_is 2 ft-split -q -d d -r 80:20 in.jsonl
	[[ $stderr == *"d/test.jsonl: is a directory"* ]]
	[ "$(cat d/train.jsonl)" = old ]
}

@test "--skip-bad ends with 3 for a bad line in a file of --keep" {
	mkdir kept
	printf '{"prompt":"a"}\n{bad\n' >kept/train.jsonl
	echo '{"prompt":"b"}' >rows.jsonl
	status_is 3 ft-split -q --skip-bad --keep kept rows.jsonl
	[[ $stderr == *"kept/train.jsonl:2:"*"(skipped)"* ]]
	echo '{"prompt":"a"}' >kept/train.jsonl
	status_is 0 ft-split -q --skip-bad --keep kept rows.jsonl
}

@test "the summary names a negative seed as it was given" {
	echo '{"prompt":"a"}' >rows.jsonl
	status_is 0 ft-split --seed -1 rows.jsonl
	[[ $stderr == *"seed -1,"* ]]
}

@test "--check refuses standard input for both sides" {
	run --separate-stderr bash -c 'echo "{\"prompt\":\"a\"}" | ft-split --check - -'
	[ "$status" -eq 2 ]
	[[ $stderr == *"cannot be both"* ]]
}

@test "a division with an empty side cannot be checked" {
	classes 60 >in.jsonl
	: >empty.jsonl
	status_is 4 ft-split --check empty.jsonl in.jsonl
	[[ $stderr == *"empty.jsonl holds no rows"* ]]
	status_is 4 ft-split --check in.jsonl empty.jsonl
}

@test "what ft or a model wrote into a record does not make it a look-alike" {
	jq -nc 'range(30)
		| {id: "\(.)", question: "number \(. * . * 7919)", tool_calls: [range(40) as $k
				| {function: {name: "word\($k) shelf\($k * 7) by the window\($k * 3)"}}]}' >in.jsonl
	jq -c 'del(.tool_calls)' in.jsonl >bare.jsonl
	[ "$(ft-split -q --near 0.8 in.jsonl | jq -r .split | sort | uniq -c)" = "$(ft-split -q --near 0.8 bare.jsonl | jq -r .split |
		sort | uniq -c)" ]
}

# one_set DIR - fails unless DIR holds the files of the old division whole, or of the new one; prints which.
one_set() {
	for set in old new; do
		if cmp -s "$set/train.jsonl" "$1/train.jsonl" && cmp -s "$set/valid.jsonl" "$1/valid.jsonl" &&
			cmp -s "$set/test.jsonl" "$1/test.jsonl"; then
			echo $set
			return
		fi
	done
	ls -lA "$1" . >&2
	return 1
}

# two_divisions - old and new, of old.jsonl and new.jsonl.
two_divisions() {
	rows 60 >old.jsonl
	rows 60 | jq -c '.id += "-new" | .messages[1].content += " once more"' >new.jsonl
	ft-split -q -d old old.jsonl
	ft-split -q -d new new.jsonl
}

@test "-d: a kill before any step leaves the old set or the new one whole, and the next run leaves nothing else" {
	need_inject
	two_divisions
	mkdir place
	cp -r old place/d
	echo mine >place/d/notes.txt
	cp -r place before
	inject -k rename,sync -c count ft-split -q -d place/d new.jsonl
	steps=$(<count)
	[ "$steps" -gt 15 ]
	seen=
	for i in $(seq "$steps"); do
		rm -rf place
		cp -r before place
		status=0
		inject -k rename,sync -s "$i" ft-split -q -d place/d new.jsonl || status=$?
		[ "$status" -eq 137 ]
		seen+="$(one_set place/d) "
		[ "$(cat place/d/notes.txt)" = mine ]
		ft-split -q -d place/d new.jsonl
		[ "$(ls -A place place/d)" = "$(printf 'place:\nd\n\nplace/d:\nnotes.txt\ntest.jsonl\ntrain.jsonl\nvalid.jsonl')" ]
		[ "$(one_set place/d)" = new ]
	done
	[[ $seen == *old*new* ]]
	[[ $seen != *new*old* ]]
}

@test "-d: any step may fail, in a directory that can be exchanged and in one that cannot: the set is whole" {
	need_inject
	two_divisions
	for more in notes.txt sub/notes.txt; do
		rm -rf before place
		cp -r old before
		mkdir -p "$(dirname before/$more)"
		echo mine >before/$more
		cp -r before place
		inject -k rename,sync -c count ft-split -q -d place new.jsonl
		for i in $(seq 1 "$([ -n "${FT_SLOW:-}" ] && echo 1 || echo 2)" "$(<count)"); do
			rm -rf place
			cp -r before place
			status=0
			inject -k rename,sync -f "$i" ft-split -q -d place new.jsonl 2>err || status=$?
			[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
			set=$(one_set place)
			# What is said is so.
			[ "$status" -eq 2 ] || [ "$set" = new ]
			[ "$status" -eq 0 ] || [ "$set" = old ]
			[ "$(cat place/$more)" = mine ]
		done
	done
}

@test "-d: where files take their names in turn, the next run undoes what a kill left half done" {
	need_inject
	two_divisions
	echo '{"broken":' >bad.jsonl
	for kind in sub link fresh; do
		rm -rf before place elsewhere.jsonl
		cp -r old before
		case $kind in
		sub) mkdir before/sub ;;
		link)
			mv before/valid.jsonl elsewhere
			ln -s ../elsewhere before/valid.jsonl
			cp elsewhere kept
			;;
		fresh)
			rm before/*.jsonl
			mkdir before/sub
			;;
		esac
		cp -a before place
		inject -k rename,sync -c count ft-split -q -d place new.jsonl
		[ "$(one_set place)" = new ]
		[ $kind != link ] || [ -L place/valid.jsonl ]
		for i in $(seq 1 "$([ -n "${FT_SLOW:-}" ] && echo 1 || echo 2)" "$(<count)"); do
			rm -rf place
			cp -a before place
			[ $kind != link ] || cp kept elsewhere
			inject -k rename,sync -s "$i" ft-split -q -d place new.jsonl || [ $? -eq 137 ]
			# One that does nothing else.
			status_is 2 ft-split -q -d place bad.jsonl
			[ -n "$(find place -name '*.jsonl')" ] || { [ $kind = fresh ] && continue; }
			one_set place
			run ! ls place/.ft-split.undo
		done
	done
}

@test "-d: one run at a time writes to a directory; of two, one is refused or both follow each other" {
	two_divisions
	for _ in $(seq 12); do
		ft-split -q -d both old.jsonl 2>first &
		pid=$!
		status=0
		ft-split -q -d both new.jsonl 2>second || status=$?
		other=0
		wait $pid || other=$?
		[ "$status" -eq 0 ] || [ "$other" -eq 0 ]
		[ "$status" -eq 0 ] || grep -q 'both: in use by another process' second
		[ "$other" -eq 0 ] || grep -q 'both: in use by another process' first
		one_set both
	done
	# In the directory itself, and through a link to it.
	cd both
	ft-split -q -d . ../old.jsonl
	cd ..
	[ "$(one_set both)" = old ]
	ln -s both named
	ft-split -q -d named new.jsonl
	[ -L named ]
	[ "$(one_set both)" = new ]
}
