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
