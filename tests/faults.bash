# What the suites of faults share: runs of a program in which one call fails, or which are killed before it.
#
# Each system call of a run is such a call. Allocations are many thousands, most of them in a loop's turns: one
# is told from another by its site, the last calls that led to it, and of a site the first, the second, the
# middle and the last are tried; a site in libraries alone in the first program of a suite that comes there:
# most are those of OpenSSL, which starts, or does not, in one place for all programs (lib/net).
#
# FT_FAULT=all tries all of these (make check-fault), FT_FAULT=N a slice of them that N moves on (.ci/run
# gives the day); without it the same few are tried.

# shellcheck disable=SC2034,SC2154 # the loops' variables are for those they call
load helper

KINDS="alloc write sync open rename map read"
[ -n "${FT_FAULT:-}" ] || KINDS="alloc write open rename"

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
	need_inject
	export OPENBLAS_NUM_THREADS=1 SOURCE_DATE_EPOCH=0
	plain=cat next=() tried='' faults=0 kills=0
	mkdir start
	jq -nc 'range(40) | {id: "r\(.)", messages: [{role: "user", content: "q \(.)"}, {role: "assistant", content: "{\"a\": \(. % 7)}"}],
			output: "{\"a\": 1}", model: "m"}' >in.jsonl
}

teardown() {
	stop "${SERVE_PID:-}"
	stop_stub
}

# no WORD... - says what is not as it should be.
no() {
	echo "$*"
	return 1
}

# sites - of the calls in the file count, a line with its site each, the numbers of those to try.
sites() {
	local known=$BATS_FILE_TMPDIR/sites
	touch "$known"
	awk -v known="$known" -v whole="${FT_FAULT:-}" '
		FILENAME == known { met[$1]; next }
		!($1 in met) { at[$1, ++n[$1]] = ++calls; next }
		{ calls++ }
		END {
			for (s in n) {
				print at[s, 1] "\n" at[s, n[s] < 2 ? 1 : 2] "\n" at[s, int((n[s] + 1) / 2)] "\n" at[s, n[s]]
				if (whole == "all" && s ~ /l$/)
					print s >>known
			}
		}' "$known" count | sort -nu
}

# counted KIND - takes from the file count how many calls of the kind there were ($total), and sets $points to
# the numbers of those that are tried.
counted() {
	local i few=1 from=${FT_FAULT:-5}
	if [ "$1" = alloc ]; then
		total=$(wc -l <count)
		mapfile -t points < <(sites)
	else
		total=$(<count)
		mapfile -t points < <(seq "$total")
	fi
	[ "$from" != all ] || return 0
	[ -z "${FT_FAULT:-}" ] || few=3
	[ "${#points[@]}" -gt "$few" ] || return 0
	mapfile -t points < <(for ((i = 0; i < few; i++)); do echo "${points[(from * 7 + i * ${#points[@]} / few) % ${#points[@]}]}"; done)
}

# under KIND WHAT N - sets $around to what runs a command with the N-th call of a kind failing (WHAT f), or
# ended before it (s), or counts them into the file count (c).
under() {
	case $1$2 in
	allocc) around=(env LD_PRELOAD="$BUILD/tests/fault.so" FT_FAIL_SITES="$TMP/count") ;;
	allocf) around=(env LD_PRELOAD="$BUILD/tests/fault.so" FT_FAIL_AT="$3") ;;
	*c) around=(inject -k "$1" -c "$TMP/count") ;;
	*) around=(inject -k "$1" "-$2" "$3") ;;
	esac
}

# in_work COMMAND... - runs it there; its status is $rc, its output in out and err.
in_work() {
	rc=0
	timeout -k 5 60 env -C work "$@" >out 2>err </dev/null || rc=$?
}

# anew COMMAND... - the same where work/ is as it was at the start.
anew() {
	: >requests
	rm -rf work
	cp -a start work
	in_work "$@"
}

# content FILE|DIR - what is in it, without what differs from run to run.
content() {
	local f
	find "$1" -type f ! -name '*.lock' ! -name '*.ft-??????' ! -name '.weights-*' | sort | while read -r f; do
		echo "${f#"$1"} $($plain <"$f" | md5sum)"
	done
}

# same A B - two files or directories hold the same, or neither is there.
same() {
	[ -e "$1" ] || { [ ! -e "$2" ]; return; }
	[ -e "$2" ] || return 1
	# what a run leaves for the next one to find has a name of its own
	diff -rq -x '*.lock' -x '*.ft-??????' -x '.weights-*' "$1" "$2" >/dev/null || [ "$(content "$1")" = "$(content "$2")" ]
}

# old_or_new - each of the targets is as it was, or as it was to be.
old_or_new() {
	local t
	for t in "${targets[@]}"; do
		same "work/$t" "start/$t" || same "work/$t" "new/$t" || no "$t is neither old nor new" || return 1
	done
}

all_new() {
	local t
	for t in "${targets[@]}"; do
		same "work/$t" "new/$t" || no "$t is not as it was to be" || return 1
	done
}

# left - the temporaries in the targets and beside them.
left() {
	shopt -s dotglob globstar nullglob
	echo work/**/*.ft-??????
}

# failed_well - of a run in which a call has failed.
failed_well() {
	[ "$rc" -le 4 ] || no "not ended by itself" || return 1
	if [ "$rc" = "$good" ]; then
		cmp -s out new.out || [ "$($plain <out)" = "$($plain <new.out)" ] || no "another output" || return 1
		all_new
		return
	fi
	# with -q the rows alone say that there was no answer
	[ -s err ] || [ "$rc" = 3 ] || no "no word of it" || return 1
	[ -s err ] || grep -q '"error":{' out || no "no word of it" || return 1
	old_or_new || return 1
	[ "$kind" = rename ] || [ -z "$(left)" ] || no "a temporary is left"
}

# done_again - after a kill the next run does it all, and clears away what the killed one has left.
done_again() {
	if [ ${#next[@]} -gt 0 ]; then in_work "${next[@]}"; else in_work "$@"; fi
	[ "$rc" = "$good" ] || no "the next run fails" || return 1
	all_new || return 1
	[ -n "${leaves:-}" ] || [ -z "$(left)" ] || no "a temporary is left"
}

# taken_up - the next run ends what one that failed or was killed has begun, and begins nothing again: a POST
# to $posted reached the server once.
taken_up() {
	local n
	done_again "$@" || return 1
	[ -n "${posted:-}" ] || return 0
	n=$(grep -cE "POST $posted( |\"|\$)" requests)
	[ "$n" = 1 ] || no "$n POSTs to $posted"
}

# hold TARGET... -- COMMAND... - tries the command, which writes the targets, under faults of all $KINDS.
hold() {
	local kind i
	targets=()
	while [ "$1" != -- ]; do
		targets+=("$1")
		shift
	done
	shift
	anew "$@"
	good=$rc
	[ "$good" -le 1 ] || { cat err; return 1; }
	rm -rf new
	mv out new.out
	mv work new
	for kind in $KINDS; do
		under "$kind" c 0
		anew "${around[@]}" "$@"
		[ "$rc" = "$good" ] || no "counting calls of $kind: status $rc: $(<err)" || return 1
		counted "$kind"
		for i in "${points[@]}"; do
			under "$kind" f "$i"
			anew "${around[@]}" "$@"
			faults=$((faults + 1))
			failed_well >why || no "$kind $i of $total fails: $(<why); status $rc: $(<err)" || return 1
			if [ -n "${posted:-}" ] && [ "$rc" != "$good" ]; then
				taken_up "$@" >why || no "after $kind $i of $total: $(<why); status $rc: $(<err)" || return 1
			fi
			[ "$kind" != alloc ] || continue
			under "$kind" s "$i"
			anew "${around[@]}" "$@"
			[ "$rc" = 137 ] || continue # it came to fewer calls
			kills=$((kills + 1))
			old_or_new >why || no "killed before $kind $i of $total: $(<why)" || return 1
			taken_up "$@" >why || no "killed before $kind $i of $total: $(<why); status $rc: $(<err)" || return 1
		done
		tried+="${#points[@]} of $total $kind, "
	done
	told
}

# told - of the whole, which takes its time, says how much it was.
told() {
	if [ "${FT_FAULT:-}" = all ]; then echo "# $BATS_TEST_DESCRIPTION: $faults faults, $kills kills: ${tried%, }" >&3; fi
	tried='' faults=0 kills=0
}
