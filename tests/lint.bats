#!/usr/bin/env bats
# The checks that `make lint` makes of the tree itself: each fails on a planted case and says which.

load helper

# plant FILE TEXT - a source file of the small tree in $TMP.
plant() {
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "$2" >"$1"
}

# rooms - a tree of two rooms, where high may use low, without a fault.
rooms() {
	plant lib/README.md '| low | a | | a.h, c.h |
| high | b | low | b.h |'
	plant lib/low/a.h '/* lib/low: a. */
#ifndef FT_LOW_A_H
#define FT_LOW_A_H
int a_of(int n);
#endif'
	plant lib/low/a.c '#include "a.h"
int a_of(int n) { return n; }'
	plant lib/high/b.h '/* lib/high: b.
 *
 * b: of sizes. */
#ifndef FT_HIGH_B_H
#define FT_HIGH_B_H
struct size { int n; };
int size_of(struct size s);
#endif'
	plant lib/high/b.c '#include "b.h"
#include "../low/a.h"
int size_of(struct size s) { return a_of(s.n); }'
}

# names - runs tests/lint/names over the tree, compiled.
names() {
	local c
	for c in lib/*/*.c; do
		mkdir -p "build/$(dirname "$c")"
		cc -c -o "build/${c%.c}.o" "$c"
	done
	"$ROOT/tests/lint/names" build .
}

@test "tests/lint/arrows: the tree itself has no arrow outside the table and no circle" {
	status_is 0 "$ROOT/tests/lint/arrows"
	[ "$output" = "" ]
}

@test "tests/lint/arrows: an arrow that the table lacks, a room it lacks, and circles of rooms and of modules" {
	rooms
	status_is 0 "$ROOT/tests/lint/arrows" .
	[ "$output" = "" ]

	plant lib/low/c.c '#include "../high/b.h"'
	status_is 1 "$ROOT/tests/lint/arrows" .
	[ "$output" = "lib/low/c.c: low may not use high" ]

	rm lib/low/c.c
	plant lib/other/d.c '#include "../low/a.h"'
	status_is 1 "$ROOT/tests/lint/arrows" .
	[[ $output == *"lib/README.md: no room other"* ]]

	rm -r lib/other
	sed -i 's/| low | a | |/| low | a | high |/' lib/README.md
	status_is 1 "$ROOT/tests/lint/arrows" .
	[[ $output == "circle of rooms: "* ]]

	rooms
	plant lib/low/e.c '#include "e.h"
#include "a.h"'
	plant lib/low/e.h ''
	echo '#include "e.h"' >>lib/low/a.c
	status_is 1 "$ROOT/tests/lint/arrows" .
	[[ $output == "circle of modules: "* ]]

	rooms
	sed -i 's/| b |/| bees |/' lib/README.md
	rm lib/low/e.c
	status_is 1 "$ROOT/tests/lint/arrows" .
	[ "$output" = "lib/high/b.h: does not open with the sentence of high" ]
}

@test "tests/lint/names: a name twice, in no header, without room or module, and a guard of another form" {
	rooms
	status_is 0 names
	[ "$output" = "" ]

	plant lib/high/c.c 'int a_of(int n);
int a_of(int n) { return n; }'
	status_is 1 names
	[ "$output" = "a_of: defined in lib/high/c.o and lib/low/a.o" ]

	plant lib/high/c.c 'int high_more;'
	status_is 1 names
	[ "$output" = "high_more: of lib/high/c.o, and in no header" ]

	plant lib/high/c.h '#ifndef FT_C_H
#define FT_C_H
extern int more;
#endif'
	plant lib/high/c.c 'int more;'
	status_is 1 names
	[ "${lines[0]}" = "lib/high/c.h: guard FT_C_H, not FT_HIGH_C_H" ]
	[ "${lines[1]}" = "more: of lib/high/c.h, and carries neither room nor module" ]
	[ "${#lines[@]}" -eq 2 ]
}

# judged STATUS LINE... - asserts on a bats file of these lines; what it printed is in $output.
judged() {
	local want=$1
	shift
	printf '%s\n' "$@" >planted.bats
	status_is "$want" "$ROOT/tests/lint/asserts" planted.bats
}

# refused LINE... - names the first line of a test's body that consists of these.
refused() {
	judged 1 '@test "planted" {' "$@" '}'
	[[ $output == planted.bats:2:* ]]
	[ "${#lines[@]}" -eq 1 ]
}

allowed() {
	judged 0 '@test "right" {' "$@" '}'
	[ -z "$output" ]
}

@test "tests/lint/asserts: what stands before && is named, at every depth and wherever it begins" {
	refused '[ -s a ] && [ -s b ]'
	[ "$output" = 'planted.bats:2: what stands before && cannot fail the test: a line for each assertion' ]
	refused '	[[ $x == *"a && b"* ]] && [ -s b ] && [ -s c ]'
	refused 'cmp a b &&' '	cmp a c'
	refused 'grep -q "it'"'"'s" a && grep -q b a # a comment'
	refused 'jq -c . a >b && mv b a'
	refused '[ -s a ] || [ -s b ] && [ -s c ]'
	refused 'x=$(jq . <<<"$y") cmp a b && cmp a c'
	refused '[ "$(jq -r '"'"'map("\(.a) && x")'"'"' a)" = "${x:-")"}" ] && cmp a b'
	for around in 'for i in 1 2; do|done' 'while read -r x; do|done <a' 'if [ -s x ]; then|fi' '{|}' '(|)' 'case $x in a | b)|;; esac' \
		'inner() {|}' 'if x; then y; else|fi' 'until x; do|done'; do
		judged 1 '@test "planted" {' "${around%|*}" '[ -s a ] && [ -s b ]' "${around##*|}" '}'
		[[ $output == planted.bats:3:* ]]
	done
	judged 1 'helper() {' '	cat <<-END' "	it's (not) read" '	END' '	cmp a b && cmp a c' '}' '@test "clean" { true; }'
	[[ $output == planted.bats:5:* ]]
	judged 1 '@test "on one line" { [ -s a ] && [ -s b ]; }'
	[[ $output == planted.bats:1:* ]]
}

@test "tests/lint/asserts: && is left alone where it can fail the test, and where it asserts nothing" {
	allowed '[ -s a ] && [ -s b ] || return 1' '[ -s a ] && cmp a b || { echo no; return 1; }'
	allowed 'if [ -s a ] && [ -s b ]; then echo; elif x && y; then echo; fi' 'while x && ! y; do :; done' 'until x && y; do :; done'
	allowed 'run bash -c "x && y"' "run bash -c 'x && y'" 'x=$(a && b)' 'cmp <(a && b) c' 'echo "$(a && b)"' \
		'[[ -s a && -s b ]]' '((a && b))'
	allowed '[ -s a ] && skip "no a"' '[ -s a ] && break' '[ -s a ] && continue' 'wait $! && return 1' 'x && y=1' \
		'x && y+=(a b)' 'x && y &'
	allowed '# a && b' 'cat <<END' 'a && b' 'END' 'cat <<"END"' "it's" 'END' 'echo a\&\& b'
}

@test "tests/lint/asserts: ! is named where nothing asks for it" {
	refused '! grep -q x a'
	refused '[ -s a ] || ! cmp a b'
	refused '! cmp a b; cmp a c'
	allowed 'run ! grep -q x a' '! grep -q x a || return 1' 'if ! x; then y; fi' 'while ! x; do y; done' '[ ! -s a ]'
}

@test "tests/lint/asserts: || that makes a success of a failed assertion is named" {
	refused '[ -s a ] || true'
	refused 'grep -q x a || echo "no x"'
	refused '[[ $x == y ]] || { echo "$x"; cat log; }'
	refused 'status_is 0 ft-eval || :'
	allowed '[ -s a ] || { echo "no a"; return 1; }' '[ -s a ] || [ -s b ]' '[ -s a ] || skip "no a"' 'cmp a b || bad=1' \
		'[ -s a ] || { cat log; false; }'
	allowed 'wait $! || true' 'kill $! 2>/dev/null || true' '"$@" || rc=$?' 'diff a b || exit 1'
}

@test "tests/lint/asserts: jq without -e is named where its output goes nowhere" {
	refused 'jq . a'
	refused 'ft-eval in | jq -s "length == 3"'
	allowed 'jq -e . a' 'jq -se . a' 'jq --exit-status . a' 'jq . a >b' 'jq . a | cmp - b' '{ jq . a; jq . b; } >c' \
		'for i in 1 2; do jq . $i; done | sort >c' 'x=$(jq . a)'
	judged 0 'rows() {' 'jq -n "range(3)"' '}'
}

@test "tests/lint/asserts: what our own tests say passes" {
	status_is 0 "$ROOT/tests/lint/asserts" "$BATS_TEST_DIRNAME"/*.bats "$BATS_TEST_DIRNAME"/*.bash
	[ -z "$output" ]
	# And they are read to their ends: a planted line is found in every test of theirs.
	for f in "$BATS_TEST_DIRNAME"/*.bats; do
		[ "$f" = "$BATS_TEST_FILENAME" ] && continue
		sed 's/^}$/planted \&\& planted\n}/' "$f" >planted.bats
		status_is "$(grep -qx '}' "$f" && echo 1 || echo 0)" "$ROOT/tests/lint/asserts" planted.bats
		[ "$(grep -c . <<<"$output")" -eq "$(grep -c '^planted' planted.bats)" ]
	done
}

@test "tests/lint/columns: a line of 141 columns is named, tabs counted, and ours pass" {
	printf '%0140d\n\t%0132d\n\t%0133d\nab\tx\n%0141d\n' 1 2 3 4 >planted.bats
	status_is 1 "$ROOT/tests/lint/columns" planted.bats
	[ "$output" = 'planted.bats:3: 141 columns, more than 140
planted.bats:5: 141 columns, more than 140' ]
	status_is 0 "$ROOT/tests/lint/columns" "$ROOT"/tests/*.bats "$ROOT"/tests/*.bash
	[ -z "$output" ]
}

# manual_of TEXT - runs tests/lint/options over a program with three options and a manual of TEXT.
manual_of() {
	mkdir -p build/bin man
	cat >build/bin/ft-x <<-'END'
		#!/bin/sh
		echo "complete -c ft-x -F"
		echo "complete -c ft-x -l form -s f -x -a 'tree flat' -d 'not -l this'"
		echo "complete -c ft-x -l deep -d 'all of it'"
		echo "complete -c ft-x -l help -s h -d 'this text'"
	END
	chmod +x build/bin/ft-x
	printf '%s\n' "$1" >man/ft-x.1
	: >man/ft.7
	run "$ROOT/tests/lint/options" build
}

# tables X Y ENTRY... - runs it over two programs with these options, "l long" or "- long value" with
# blanks between, whose manuals name them all, and a table of such entries in ft.7.
tables() {
	local program list letter long value
	rm -rf build man
	mkdir -p build/bin man
	for program in ft-x ft-y; do
		[ $program = ft-x ] && list=$1 || list=$2
		while read -r letter long value; do
			[ "$letter" = - ] || letter="Fl $letter , "
			echo ".It ${letter#-}Fl -$long" >>man/$program.1
			letter=${letter#-} letter=${letter#Fl } letter=${letter% , }
			echo "complete -c $program -l $long${letter:+ -s $letter}${value:+ -x} -d 'what -x -l y'"
		done <<<"${list//;/$'\n'}" >$program.options
		printf '#!/bin/sh\ncat %s\n' "$PWD/$program.options" >build/bin/$program
		chmod +x build/bin/$program
	done
	printf '%s\n' '.Ss Options that mean the same everywhere' "${@:3}" '.Ss More' '.It Fl Fl other' >man/ft.7
	run "$ROOT/tests/lint/options" build
}

@test "tests/lint/options: a letter is one option in all programs, and what several have stands in ft.7's table" {
	tables 'o output f;- threads n' 'o output f;q quiet' '.It Fl o , Fl Fl output Ar file'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	tables 'o output f' 'o out f'
	[ "$status" -eq 1 ]
	[ "$output" = "man/ft.7: -o is --output and, in ft-y, --out" ]
	tables '- keep' '- keep'
	[ "$output" = "man/ft.7: --keep, an option of ft-x ft-y, is not in the table" ]
	tables '- keep' '- keep n' '.It Fl Fl keep'
	[ "$output" = "man/ft.7: --keep takes a value in one of ft-x ft-y alone" ]
	tables 'j jobs n' '- jobs n' '.It Fl Fl jobs Ar n'
	[ "$output" = "man/ft.7: --jobs has one letter in ft-x and another in ft-y" ]
	tables 'q quiet' 'q quiet' '.It Fl Fl quiet'
	[ "$output" = 'man/ft.7: the letter of --quiet is "q", not ""' ]
	tables 'q quiet' 'q quiet' '.It Fl q , Fl Fl quiet' '.It Fl Fl seed'
	[ "$output" = "man/ft.7: --seed is no option of several programs" ]
}

@test "tests/lint/options: the manuals and the option tables name the same options and values" {
	status_is 0 "$ROOT/tests/lint/options" "$BUILD" "$ROOT/man"
	[ -z "$output" ]
}

@test "tests/lint/options: what only the table has, and what only the manual has" {
	local synopsis=$'.Sh SYNOPSIS\n.Op Fl f Ar form\n.Sh DESCRIPTION\n'
	manual_of "$synopsis"$'.It Fl f , Fl -form Cm tree | flat\n.It Fl -deep'
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	manual_of "$synopsis"$'.It Fl f , Fl Fl form Cm tree | flat\nAs with\n.Fl Fl deep .'
	[ "$status" -eq 0 ]
	manual_of "$synopsis"$'.It Fl f , Fl -form Cm tree | flat'
	[ "$status" -eq 1 ]
	[ "$output" = "man/ft-x.1: --deep is not named" ]
	manual_of $'.Sh DESCRIPTION\n.It Fl -form Cm tree | flat , Fl -deep'
	[ "$output" = "man/ft-x.1: -f (--form) is not named" ]
	manual_of "$synopsis"$'.It Fl f , Fl -form Cm tree\n.It Fl -deep'
	[ "$output" = "man/ft-x.1: --form flat is not named" ]
	manual_of "$synopsis"$'.It Fl f , Fl -form Cm tree | flat | round\n.It Fl -deep'
	[ "$output" = "man/ft-x.1: --form takes no round" ]
	manual_of "$synopsis"$'.It Fl f , Fl -form Cm tree | flat\n.It Fl -deep\n.It Fl -wide Ar n'
	[ "$output" = "man/ft-x.1: --wide is no option of ft-x" ]
	manual_of $'.Sh SYNOPSIS\n.Op Fl k | Fl -form Ar form\n.Sh DESCRIPTION\n.It Fl f , Fl -form Cm tree | flat\n.It Fl -deep'
	[ "$output" = "man/ft-x.1: -k is no option of ft-x" ]
}

@test "tests/lint/loops: a container that is looked for anew at each turn" {
	plant a.c 'while (json_next(&it, json_member(v, "data"), &key, &x))'
	plant b.c 'while (json_next(&it, list, &key, &x) || json_next(&it, buf_span(&b), &key, &x))'
	status_is 1 "$ROOT/tests/lint/loops" a.c b.c
	[ "$output" = 'a.c:1:while (json_next(&it, json_member(v, "data"), &key, &x))' ]
	status_is 0 "$ROOT/tests/lint/loops" b.c
	plant c.c 'for (size_t i = 0; i < json_count(list); i++)'
	plant d.c 'x = json_element(list, (long long)i);'
	status_is 1 "$ROOT/tests/lint/loops" b.c c.c d.c
	[ "${#lines[@]}" -eq 2 ]
}

@test "tests/run: a suite that takes longer than FT_LIMIT is ended, and what it had not come to is skipped by name" {
	printf '#!/usr/bin/env bats\n@test "one" { true; }\n@test "two" { sleep 60; }\n@test "three" { true; }\n' >"$TMP/slow.bats"
	printf '#!/usr/bin/env bats\n@test "four" { true; }\n' >"$TMP/quick.bats"
	# one that fails before is a failure
	printf '#!/usr/bin/env bats\n@test "five" { false; }\n@test "six" { sleep 60; }\n' >"$TMP/bad.bats"
	FT_JOBS=3 FT_LIMIT=15 FT_RESULTS=$TMP/results status_is 1 "$ROOT/tests/run" "$TMP/slow.bats" "$TMP/quick.bats" "$TMP/bad.bats"
	[[ $output == *"skipped: slow.bats: stopped after 15 s, before 2 of its tests were over"* ]]
	[[ $output == *"slow.bats "*" 1 passed, 0 failed, 2 skipped"* ]]
	[[ $output == *"bad.bats "*" 0 passed, 1 failed, 1 skipped"* ]]
	[ "${lines[-1]}" = "2 passed, 1 failed, 3 skipped" ]
	[ "$(cat results)" = $'failed bad.bats: five\n2 1 3' ]
}
