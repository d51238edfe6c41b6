#!/usr/bin/env bats
# What every program keeps to, whatever it does: help, version, usage errors, malformed and missing
# input, closed readers, full disks, signals.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

PROGRAMS=$(cd "${FT_BUILD:-$BATS_TEST_DIRNAME/../build}/bin" && echo ft-*)

# Arguments with which a program works as a filter over the records of $TMP/in.jsonl.
args_of() {
	case $1 in
	ft-prompt) echo "-m stub-echo" ;;
	ft-judge) echo "-m stub-echo -c polite --max-errors 100000000" ;;
	ft-drift) echo "-r $TMP/in.jsonl" ;;
	ft-train) echo "-m $TMP/tiny --dry-run" ;;
	ft-review) echo "--scan" ;;
	ft-export | ft-pull | ft-serve) echo "none" ;;
	*) echo "" ;;
	esac
}

# each FUNCTION - calls FUNCTION PROGRAM ARGS... for every program that reads records. The call
# stands alone: before || or in an if, nothing in the function could fail the test but its end.
each() {
	local p args
	for p in $PROGRAMS; do
		args=$(args_of "$p")
		[ "$args" = none ] && continue
		echo "$1 $p"
		# shellcheck disable=SC2086
		"$1" "$p" $args
	done
}

prepare() {
	jq -nc 'range(30)
		| {id: "r\(.)", messages: [{role: "user", content: "question \(.)"},
				{role: "assistant", content: (if . % 2 == 0 then "yes" else "no" end)}], output: "yes"}' >in.jsonl
	start_stub
	if [[ $PROGRAMS == *ft-train* ]]; then
		jq -n '{model_type: "llama", hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2,
			num_key_value_heads: 1, max_position_embeddings: 256}' >config.json
		ft-train --scratch config.json --steps 1 -o tiny in.jsonl >/dev/null 2>&1 || true
	fi
}

@test "--help and --version go to standard output with status 0" {
	for p in $PROGRAMS; do
		status_is 0 "$p" --help
		[ -z "$stderr" ]
		[[ $output == *usage:*$p* && $output == *examples:* ]]
		status_is 0 "$p" -h
		status_is 0 "$p" --version
		[[ $output == "$p (ft) "* ]]
		status_is 0 "$p" -V
	done
}

@test "an unknown option is status 2 with a hint" {
	for p in $PROGRAMS; do
		status_is 2 "$p" --no-such-option
		[ -z "$output" ]
		[[ $stderr == "$p: "*--no-such-option*--help* ]]
	done
}

@test "a long name may be cut short where no other begins so, and a whole one is never taken for another's beginning" {
	for p in $PROGRAMS; do
		status_is 0 "$p" --vers
		[[ $output == "$p (ft) "* ]]
		status_is 2 "$p" --no-such
	done
	status_is 2 ft-split --s 3
	[[ $stderr == "ft-split: --s is short for several options: --stratify, --seed, --skip-bad"* ]]
	echo '{"prompt": "a"}' >a
	status_is 0 ft-split -q --rat=1:1 --se 3 a
	jq -e .split <<<"$output"
	status_is 2 ft-split --rat
	[[ $stderr == "ft-split: --ratio needs a value"* ]]
	status_is 2 ft-split --chec=1 a a
	[[ $stderr == "ft-split: --check takes no value"* ]]
	status_is 2 ft-eval --baseline-fi none a # not --baseline
	[[ $stderr == *none* ]]
	status_is 2 ft-eval --baseline x a # not --baseline-file
	[[ $stderr == "ft-eval: --baseline goes with --compare"* ]]
}

@test "earlier spellings of options are taken, and shown nowhere" {
	printf '%s\n' '{"id": "a", "output": "x", "ideal": "x"}' '{"id": "b", "output": "y", "ideal": "y"}' >in
	ft-split -q --ratio 1:1:0 -o new in
	ft-split -q -r 1:1:0 -d old in
	diff -r new old
	ft-split -q -r1:1:0 --dir=older in
	diff -r new older
	ft-eval -q -p -c iexact in >new.jsonl
	ft-eval -q --pass --check iexact in | cmp new.jsonl -
	jq -c '.judge = {pass: true} | .human = true' in >judged
	status_is 4 ft-judge -q --agree .human --target 'agreement>=0.9' judged
	status_is 2 ft-judge -m j --shots 99 in
	[[ $stderr == "ft-judge: --examples-k 99: "* ]]
	status_is 2 ft-review -p 0 -o j in
	[[ $stderr == "ft-review: --port 0: "* ]]
	status_is 2 ft-review --journal j --scan in
	[[ $stderr == "ft-review: --output does not go with --scan"* ]]
	status_is 2 ft-serve --url u -r routes.json
	[[ $stderr == "ft-serve: --routes does not go with --base-url"* ]]
	status_is 2 ft-serve -u u --keep 0
	[[ $stderr == "ft-serve: --keep-days 0: "* ]]
	status_is 2 ft-drift -r in --estimate .x in
	[[ $stderr == "ft-drift: --estimate-from goes with --truth"* ]]
	status_is 2 ft-train -m ./none -o x --keep worst in
	[[ $stderr == "ft-train: --keep-state worst: must be best or last"* ]]
	status_is 2 ft-export -m ./none --out x
	[[ $stderr == *"./none"* ]]
	for p in $PROGRAMS; do
		"$p" --help >help
		run ! grep -E -- '--(dir|shots|journal|url|out|target FIGURE|estimate PATH|keep DAYS|keep best)( |$)' help
	done
}

@test "--help to a full disk is status 2" {
	for p in $PROGRAMS; do
		run bash -c "$p --help >/dev/full"
		[ "$status" -eq 2 ]
	done
}

empty_input() {
	case $1 in
	ft-drift)
		status_is 4 "$@" </dev/null
		[[ $(tail -n 1 <<<"$output") == *'"verdict":"insufficient"'* ]]
		;;
	ft-eval)
		status_is 4 "$@" </dev/null
		[[ $stderr == *"there are no records"* ]]
		;;
	ft-train)
		status_is 2 "$@" </dev/null
		[[ $stderr == *"no rows to train on"* ]]
		;;
	*) status_is 0 "$@" </dev/null ;;
	esac
}

@test "empty input ends at once: too little to compare or to score, nothing to train on, else with status 0" {
	prepare
	each empty_input
}

malformed_line() {
	head -n 2 in.jsonl >bad.jsonl
	echo '{"id": "x", "messages": [' >>bad.jsonl
	status_is 2 "$@" bad.jsonl
	[[ $stderr == *bad.jsonl:3:* ]]
}

@test "a malformed line stops the run with its file and line" {
	prepare
	each malformed_line
}

byte_order_mark() {
	printf '\xef\xbb\xbf' | cat - in.jsonl >marked.jsonl
	status_is 2 "$@" marked.jsonl
	[[ $stderr == *marked.jsonl:1:*"byte order mark"*sed* ]]
}

@test "a byte order mark is named, and what is said against it helps" {
	prepare
	each byte_order_mark
	status_is 2 ft-split marked.jsonl
	remedy=$(sed -n "s/.*say with sed '\(.*\)'.*/\1/p" <<<"$stderr")
	sed "$remedy" marked.jsonl | cmp - in.jsonl
}

skips_bad() {
	{ head -n 15 in.jsonl; echo '{"id": "x", "messages": ['; tail -n 15 in.jsonl; } >bad.jsonl
	status_is 3 "${@/100000000/0}" --skip-bad bad.jsonl
	[[ $stderr == *bad.jsonl:16:* ]]
	case $1 in
	ft-eval | ft-drift | ft-train) [ -n "$output" ] ;;
	*) [ "$(wc -l <<<"$output")" -eq 30 ] ;;
	esac
}

@test "--skip-bad names a malformed line, goes on and ends with status 3" {
	prepare
	each skips_bad
}

quietly() {
	status_is 0 "$@" -q in.jsonl
	[ -z "$stderr" ]
}

@test "-q leaves standard error empty where all is well" {
	prepare
	each quietly
}

@test "a plain no (1) ranks over too little data (4), and trouble (2) over both" {
	prepare
	status_is 1 ft-eval --require 'exact>=0.95' --require 'exact>=0.5' in.jsonl
	status_is 4 ft-eval --require 'exact>=0.5' in.jsonl
	status_is 2 ft-eval --require 'exact>=0.95' --require 'exact>=0.5' in.jsonl no-such-file
	# Dates of another year are drift, two numbers too few to tell.
	jq -nc 'range(200) | {day: "2023-\(1 + . % 12 | tostring | if length < 2 then "0" + . else . end)-11"}
		+ (if . % 30 == 0 then {n: .} else {} end)' >old.jsonl
	jq -nc 'range(60) | {day: "2024-01-\(10 + . % 20)"} + (if . % 30 == 0 then {n: .} else {} end)' >new.jsonl
	status_is 1 ft-drift -r old.jsonl new.jsonl
	jq -se 'any(.verdict == "insufficient")' <<<"$output"
	status_is 2 ft-drift -r old.jsonl new.jsonl no-such-file
}

missing_file() {
	status_is 2 "$@" no-such-file.jsonl
	[[ $stderr == *no-such-file.jsonl*"No such file"* ]]
}

@test "a missing file is status 2 by its name" {
	prepare
	each missing_file
}

directory_as_file() {
	mkdir -p folder
	status_is 2 "$@" folder
	[[ $stderr == *folder*directory* ]]
}

@test "a directory given as a file is status 2" {
	prepare
	each directory_as_file
}

full_disk() {
	local rc=0
	"$@" in.jsonl >/dev/full 2>err.txt || rc=$?
	echo "status $rc: $(cat err.txt)"
	[ "$rc" -eq 2 ]
	grep -qi 'space' err.txt
}

@test "a full disk is status 2" {
	prepare
	each full_disk
}

closed_reader() {
	local rc
	for _ in $(seq 200); do cat in.jsonl; done | jq -c '.id = "\(.id)-\(input_line_number)"' >long.jsonl
	case $1 in
	ft-prompt | ft-judge) head -n 600 long.jsonl >some.jsonl ;;
	ft-train) head -n 2000 long.jsonl >some.jsonl ;;
	ft-eval | ft-drift) return 0 ;; # they write at their end
	*) cp long.jsonl some.jsonl ;;
	esac
	{ timeout "$(patience 60)" "$@" some.jsonl 2>err.txt || echo $? >rc.txt; } | head -n 1 >/dev/null
	rc=$(cat rc.txt)
	echo "status $rc: $(cat err.txt)"
	[ "$rc" -eq 141 ]
}

@test "a closed reader ends a program as SIGPIPE does" {
	prepare
	each closed_reader
}

interrupted() {
	local rc=0 pid
	rm -f "pipe.$1"
	mkfifo "pipe.$1"
	env --default-signal=INT,TERM "$@" <pipe.$1 >got.txt 2>err.txt & # they may be ignored here
	pid=$!
	exec 9>pipe.$1
	cat in.jsonl >&9
	await eval 'kill -0 $pid 2>/dev/null && grep -q . "/proc/$pid/status"'
	sleep 0.3
	kill "-$SIGNAL" $pid
	exec 9>&-
	wait $pid || rc=$?
	[ "$rc" -eq $((128 + $(kill -l "$SIGNAL"))) ] || { echo "status $rc: $(cat err.txt)"; return 1; }
	# What was written is whole lines.
	[ ! -s got.txt ] || [ "$(tail -c 1 got.txt | od -An -c | tr -d ' ')" = '\n' ]
}

@test "SIGINT and SIGTERM half way keep what is done and end" {
	prepare
	set -m
	for SIGNAL in INT TERM; do
		each interrupted
	done
}

hostile() {
	local rc f
	for f in hostile-*.jsonl; do
		rc=0
		timeout "$(patience 60)" "$@" "$f" >/dev/null 2>err.txt || rc=$?
		[ "$rc" -le 4 ] || { echo "status $rc on $f: $(head -c 300 err.txt)"; return 1; }
	done
}

# nested MEMBER DEPTH - a record with so many arrays in one another.
nested() {
	awk -v name="$1" -v depth="$2" 'BEGIN {
		printf "{\"id\":\"a\",\"%s\":", name
		for (i = 0; i < depth; i++) printf "["
		for (i = 0; i < depth; i++) printf "]"
		print "}" }'
}

@test "hostile records give an answer or an error, never a crash" {
	prepare
	nested messages 1000000 >hostile-deep.jsonl
	awk 'BEGIN { for (i = 0; i < 1000000; i++) printf "{\"a\":"; print 1 }' >hostile-deeper.jsonl
	printf '{"id":"a\\u0000b","messages":[{"role":"user","content":"x\\u0000y"},{"role":"assistant","content":"z"}],"output":"z"}\n' \
		>hostile-nul.jsonl
	printf '{"id":"a","messages":[{"role":"user","content":"\xff\xfe"}]}\n' >hostile-utf8.jsonl
	printf '{"id":1e999,"messages":"no array","output":7,"model":[1]}\n' >hostile-types.jsonl
	printf '{"id":{"x":[1]},"messages":[1,null,"x",{"role":7}],"output":null}\n' >hostile-messages.jsonl
	printf '{"a":1}\0\n' >hostile-raw-nul.jsonl
	head -c 5000000 /dev/zero | tr '\0' 'a' >hostile-long.jsonl
	head -c 3000 /dev/urandom >hostile-random.jsonl
	each hostile
}

@test "nesting a million deep and a reference with a NUL are refused by name, not cut short" {
	prepare
	nested x 1000000 >deep.jsonl
	too_deep() {
		status_is 2 "$@" deep.jsonl
		[[ $stderr == *"deep.jsonl:1: invalid JSON: nesting too deep"* ]]
	}
	each too_deep
	printf '{"id":"a","messages":[{"role":"user","content":"x"}],"ideal":["z\\u0000a","k"],"output":"k"}\n' >nul.jsonl
	for command in ft-eval 'ft-split --check nul.jsonl'; do
		# shellcheck disable=SC2086
		status_is 2 $command nul.jsonl
		[[ $stderr == *"nul.jsonl:1: a reference holds \\u0000"* ]]
	done
}

# odd_lines FILE - prints the lines of a report that a terminal would obey or hide.
odd_lines() {
	grep -nP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]' "$1"
}

@test "what a record says reaches a terminal's reader as text" {
	prepare
	local bad=$'\e]0;x\a\e[2J\u009b31m\u202e\u2066\177\nft-eval: all is well\r'
	jq -nc --arg bad "$bad" 'range(40)
		| {id: "\($bad)\(.)", model: "m\($bad)\(. % 2)", output: "a\($bad)", ideal: "b", ("k" + $bad): "v\($bad)\(. % 3)",
		messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a\($bad)"}]}' >odd.jsonl
	jq -nc --arg bad "$bad" 'range(40) | {id: "\(.)", ("k" + $bad): "w\($bad)\(. % 5)", output: "z\($bad)"}' >other.jsonl
	jq -nc --arg bad "$bad" 'range(40) | {id: "\(.)", a: "x\($bad)", human: "pass", judge: {score: (. % 2)}}' >judged.jsonl
	cp odd.jsonl "$bad.jsonl" 2>/dev/null || cp odd.jsonl $'odd\e[2J.jsonl'
	ft-eval --table --by .model -c exact odd.jsonl >eval.txt 2>&1 || :
	ft-eval --table --compare .model -c exact odd.jsonl >compare.txt 2>&1 || :
	ft-drift --table -r odd.jsonl other.jsonl >drift.txt 2>&1 || :
	ft-split --table --check odd.jsonl odd.jsonl >split.txt 2>&1 || :
	ft-split -d sides odd.jsonl >sided.txt 2>&1 || :
	ft-review --scan odd.jsonl 2>scan.txt >/dev/null || :
	ft-review --report odd.jsonl >report.txt 2>&1 || :
	ft-train -m tiny --show odd.jsonl >show.txt 2>&1 || :
	ft-eval --table -c exact $'odd\e[2J.jsonl' >named.txt 2>&1 || :
	ft-eval --table -c "exact$bad" odd.jsonl >check.txt 2>&1 || :
	ft-eval --table --by ".k$bad" -c exact odd.jsonl >path.txt 2>&1 || :
	for f in eval compare drift split sided scan report show named check path; do
		f=$f.txt
		[ -s "$f" ]
		run ! odd_lines "$f"
		run ! grep -q '^ft-eval: all is well' "$f"
	done
	grep -qF '\x1b[2J' eval.txt
	grep -qiF '\u202e' drift.txt
}

@test "a server's message does not make a line of ours" {
	prepare
	stub-mirror --as error --say $'no\nft-prompt: 1 row: 1 answer\e[2J\u202e' --port-file mirror.port 3>&- &
	MIRROR=$!
	url=http://127.0.0.1:$(port_of mirror.port)/v1
	head -n 1 in.jsonl >one.jsonl
	ft-prompt -m m -u "$url" --retries 0 one.jsonl >out 2>err || :
	ft-prompt -m m -u "$url" --retries 0 --batch state one.jsonl >>out 2>>err || :
	ft-train -m m --remote "$url" -o job --skip-bad one.jsonl >>out 2>>err || :
	HF_ENDPOINT=${url%/v1} HF_HOME=home ft-pull org/m >>out 2>>err || :
	stop "$MIRROR"
	grep -qF '\x1b[2J' err
	run ! grep -q '^ft-prompt: 1 row: 1 answer' err
	run ! odd_lines err
}

@test "a file that may not grow is an error with its name" {
	jq -nc 'range(2000) | {id: "r\(.)", messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a"}]}' >in.jsonl
	limited() { (ulimit -f 8; "$@" >/dev/null 2>err); }
	run limited ft-split -d sides in.jsonl
	[ "$status" -eq 2 ]
	grep -q 'train.jsonl: File too large' err
	[ -z "$(ls -A sides)" ]
}

@test "where memory cannot be had training says so, and does not wait" {
	[ -z "${FT_SANITIZED:-}" ] || skip "sanitizers take address space of their own"
	jq -nc 'range(12) | {messages: [{role: "user", content: "q\(.)"}, {role: "assistant", content: "a"}]}' >in.jsonl
	jq -n '{model_type: "llama", hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1, num_attention_heads: 2,
		num_key_value_heads: 1, max_position_embeddings: 256}' >config.json
	limited() { (ulimit -v 900000; timeout -s KILL 60 "$@" 2>err); }
	run limited ft-train -q --scratch config.json --steps 1 --threads 8 -o out in.jsonl
	[ "$status" -eq 2 ]
	grep -q '1024 MB of address space for 8 threads cannot be had: give fewer --threads' err
}

@test "what multiplies nothing loads no OpenBLAS" {
	local program
	mkfifo input
	# Each waits for its first row, with a key that nothing is asked with.
	for program in 'ft-prompt -m m' 'ft-judge -m m' 'ft-review --scan' 'ft-eval -c exact'; do
		# shellcheck disable=SC2086 # several words
		OPENAI_API_KEY=none $program <input >/dev/null 2>&1 3>&- &
		exec 9>input
		await grep -q "/bin/${program%% *}$" "/proc/$!/maps"
		run ! grep -q openblas "/proc/$!/maps"
		kill -0 $!
		exec 9>&-
		wait $! || true
	done
}

@test "where OpenBLAS cannot have its memory programs still end, those that need none of it with their work done" {
	[ -z "${FT_SANITIZED:-}" ] || skip "sanitizers take address space of their own"
	prepare
	limited() { (ulimit -v "$kb"; OPENBLAS_NUM_THREADS=2 timeout -s KILL 60 "$@" >out 2>err); }
	for kb in 90000 150000; do
		run limited ft-review --scan in.jsonl
		[ "$status" -eq 0 ]
		[ "$(wc -l <out)" -eq 30 ]
		run limited ft-prompt -m m --dry-run in.jsonl
		[ "$status" -eq 0 ]
		run limited ft-train -q --scratch config.json --steps 1 --threads 2 -o trained in.jsonl
		[ "$status" -eq 2 ]
		grep -q 'address space for 2 threads cannot be had' err
	done
}

# Memory and time stay in proportion: one line of 100 MB, and a file that holds none.
@test "a line of 100 MB passes through, one of 300 MB is refused" {
	[ -n "${FT_SLOW:-}" ] || skip "FT_SLOW=1 runs it"
	awk 'BEGIN {
		s = "abcdefgh "
		for (i = 0; i < 16; i++) s = s s
		printf "{\"id\":\"a\",\"prompt\":\""
		for (i = 0; i < 170; i++) printf "%s", s
		print "\"}" }' >long.jsonl
	[[ $(ft-split -q long.jsonl | cut -c1-1000) == *'"id":"a"'* ]]
	ft-eval -q -c includes long.jsonl
	head -c 300000000 /dev/zero | tr '\0' ' ' >endless.jsonl
	status_is 2 ft-split endless.jsonl
	[[ $stderr == *"endless.jsonl:1: the line is longer than 256 MiB"* ]]
}

@test "shards under GNU parallel: the same split, and profiles that add up to the whole" {
	command -v parallel >/dev/null || skip "no GNU parallel here"
	jq -nc 'range(900) | {id: "r\(.)", prompt: "question \(.) of \(. * 7919 % 97)", ideal: "\(. % 3)",
			output: "\(. * 31 % 5 % 3)"}' >rows.jsonl
	parallel --will-cite --pipe --block 10k -k ft-split -q <rows.jsonl >shards.out
	ft-split -q rows.jsonl | cmp - shards.out
	split -n l/4 --additional-suffix=.jsonl rows.jsonl part-
	parallel --will-cite ft-eval -c exact --profile {} '>' '{.}.eval' ::: part-*.jsonl
	ft-eval --merge part-*.eval >merged.json
	ft-eval -c exact rows.jsonl | cmp - merged.json
	parallel --will-cite ft-drift --profile {} '>' '{.}.profile' ::: part-*.jsonl
	ft-drift --merge part-*.profile >all.profile
	status_is 0 ft-drift --table -r all.profile rows.jsonl
}

@test "reports go into a FIFO and behind a symbolic link, and both stay what they are" {
	prepare
	mkfifo pipe
	timeout "$(patience 20)" cat pipe >junit.xml 3>&- &
	reader=$!
	timeout "$(patience 20)" ft-eval -q -c exact --junit pipe in.jsonl >/dev/null
	wait "$reader"
	[ -p pipe ]
	[[ $(cat junit.xml) == "<?xml"*"</testsuite"* ]]
	mkdir site
	ln -s site/report.html link
	for command in "ft-eval -q -c exact" "ft-drift -q -r in.jsonl"; do
		echo old >site/report.html
		# shellcheck disable=SC2086
		$command --html link in.jsonl >/dev/null
		[ -L link ]
		[[ $(cat site/report.html) == *"</html>"* ]]
		[ "$(ls site)" = report.html ]
	done
	ln -s /dev/full full
	status_is 2 ft-eval -q -c exact --html full in.jsonl
	[[ $stderr == *full*space* ]]
	[ -L full ]
	# What is open already is written to where it is, not replaced under its owner.
	ft-eval -q -c exact --html /dev/fd/9 in.jsonl 9>open.html >/dev/null
	[[ $(cat open.html) == *"</html>"* ]]
}

@test "a standard descriptor that is closed is not taken for a file: messages and results stay out of data" {
	prepare
	{ head -n 3 in.jsonl; echo broken; } >bad.jsonl
	run bash -c 'ft-split -q --skip-bad -d sides -r 50:50 bad.jsonl 2>&-'
	[ "$status" -eq 3 ]
	[ "$(cat sides/*.jsonl | jq -c .id | sort | tr '\n' ' ')" = '"r0" "r1" "r2" ' ]
	run bash -c 'ft-eval -c exact --html report.html in.jsonl >&-'
	[ "$status" -eq 2 ]
	run bash -c 'ft-eval -c exact <&-'
	[ "$status" -eq 2 ]
}

@test "where no temporary file can be made, the directory, the cause and the way out are told" {
	prepare
	export TMPDIR=$PWD/nowhere
	jq -n '{architectures: ["LlamaForCausalLM"], hidden_size: 8, intermediate_size: 8, num_hidden_layers: 1,
			num_attention_heads: 1}' >config.json
	for command in "ft-split --near 0.8" "ft-drift -r in.jsonl --rows 3" "ft-review --scan" "ft-eval -c jq:true" \
		"ft-train --scratch config.json -o out"; do
		echo "$command"
		# shellcheck disable=SC2086
		run --separate-stderr bash -c "cat in.jsonl | $command"
		[ "$status" -eq 2 ]
		[[ $stderr == *"$TMPDIR: cannot keep "*"No such file or directory; name another directory by TMPDIR"* ]]
	done
}

@test "a report is a table or JSON: both together are refused, in the same words" {
	prepare
	for command in "ft-split --check in.jsonl in.jsonl" "ft-judge --agree .x in.jsonl" "ft-judge --bias in.jsonl" \
		"ft-eval -c exact in.jsonl" \
		"ft-drift -r in.jsonl in.jsonl" "ft-review --report in.jsonl"; do
		echo "$command"
		# shellcheck disable=SC2086
		status_is 2 $command --table --json
		[[ $stderr == "${command%% *}: --json does not go with --table"* ]]
	done
}

@test "ft names the programs beside it, runs one by its short name, and says what it does not know" {
	run -0 --separate-stderr ft
	for p in $PROGRAMS; do
		grep -Eq "^$p +[0-9.]+ +[A-Z]" <<<"$output"
	done
	[ "$(ft split --version)" = "$(ft-split --version)" ]
	[ "$(echo '{"prompt": "a"}' | ft split -q -)" = "$(echo '{"prompt": "a"}' | ft-split -q -)" ]
	run -2 --separate-stderr ft split --nonsense
	[[ $stderr == "ft-split: "* ]]
	for wrong in nothing ../bin/ft-split 'spl it' $'a\e[2J'; do
		run -2 --separate-stderr ft "$wrong"
		[[ $stderr == "ft: there is no program "*"one of "*"split"* ]]
		[[ $stderr != *$'\e'* ]]
	done
	# through a link from elsewhere
	ln -s "$(command -v ft)" front
	[ "$(./front eval --version)" = "$(ft-eval --version)" ]
}

# sources FILE - what its policy lets run and look: each 'sha256-...' of it, and none.
sources() {
	grep -o 'Content-Security-Policy" content="[^"]*"' "$1" | grep -oE "'[^']*'" | tr -d "'"
}

# hashes FILE - of all that stands in its style and script elements, as a policy names them.
hashes() {
	local page tag text
	page=$(<"$1")
	for tag in style script; do
		text=$page
		while [[ $text == *"<$tag"* ]]; do
			text=${text#*"<$tag"}
			text=${text#*>}
			printf '%s' "${text%%"</$tag>"*}" | sha256sum | cut -c1-64 | sed 's/../\\x&/g' >"$TMP/sum"
			echo "sha256-$(printf "$(<"$TMP/sum")" | base64)"
		done
	done
}

@test "a page's policy names the very style and script that stand in it, and a record cannot add to them" {
	jq -nc 'range(60) | {id: "<script>alert(\(. / 2 | floor))</script>", 
		model: (if . % 2 == 0 then "a</script>" else "<b onclick=x>" end), group: "</style><style>*{}",
		output: "yes</script><script>alert(1)</script>", ideal: (if . % 3 == 0 then "no" else "yes" end),
		messages: [{role: "user", content: "q \(. % 50) <style>x</style>"}], at: "2024-01-\(10 + . % 20)T00:00:00Z"}' >rows.jsonl
	jq -c '.output = "other" | .score = 3' rows.jsonl >later.jsonl
	ft-split -q -o d rows.jsonl
	report() { "$@" >/dev/null 2>err || [ $? -eq 1 ]; }
	report ft-eval -c exact -c words:1-9 --by .group --html eval.html rows.jsonl
	report ft-eval -c exact --compare .model --html compare.html rows.jsonl
	report ft-eval -c exact --by .model --baseline-file rows.jsonl --html baseline.html later.jsonl
	report ft-drift -r rows.jsonl --html drift.html later.jsonl
	report ft-split --check --html split.html d/train.jsonl d/test.jsonl
	seen=0
	for page in *.html; do
		sources "$page" | grep -vx none | sort -u >named
		hashes "$page" | sort -u >there
		[ -s named ]
		cmp named there
		run ! grep -qE 'unsafe-|[^-]nonce-' "$page"
		sed 's/="[^"]*"/=""/g' "$page" >unquoted
		run ! grep -qiE '<[a-z][^>]* (on[a-z]+|style)=' unquoted
		seen=$((seen + 1))
	done
	[ "$seen" -eq 5 ]
}

@test "what a killed program left beside a file goes when the file is written again; what is being written, and another's, stays" {
	prepare
	: >page.html.ft-abCD12
	: >page.html.ft-abCD13
	: >page.html.ft-letters
	: >page.html.ft-ab_D12
	: >my.page.html.ft-abCD12
	mkdir page.html.ft-abCD14
	ln -s in.jsonl page.html.ft-abCD15
	exec 7<page.html.ft-abCD13
	flock 7
	ft-eval -q -c exact --html page.html in.jsonl >/dev/null
	exec 7<&-
	[ "$(echo my.*.ft-* page.*.ft-*)" = "my.page.html.ft-abCD12 page.html.ft-abCD13 page.html.ft-abCD14 page.html.ft-abCD15 \
page.html.ft-ab_D12 page.html.ft-letters" ]
	# Through a link, where it leads to.
	mkdir there
	ln -s there/page.html linked.html
	: >there/page.html.ft-000000
	ft-eval -q -c exact --html linked.html in.jsonl >/dev/null
	[ "$(ls there)" = page.html ]
}
