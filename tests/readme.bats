#!/usr/bin/env bats
# The five minutes of README.md, walked word for word: what stands there is what the commands print.
# `tests/tour README.md 'Five minutes'` at the top, after make demo, prints the file anew.

load helper

# clone - a tree as a reader has it after make demo, in which the walk writes.
clone() {
	mkdir build
	ln -s "$ROOT/examples" examples
	ln -s "$BUILD/bin" "$BUILD/tests" "$BUILD/examples" build
}

# tour FILE - walks it; what it prints goes to walked.
tour() {
	TMPDIR=$TMP bash -c 'exec "$0" "$@"' "$ROOT/tests/tour" "$1" 'Five minutes' >walked
}

@test "README: what needs no training prints what stands there, byte for byte" {
	clone
	# To the end of the last block before the one that trains.
	awk '/^```console/ { inside = 1 }
		{ block = block $0 "\n" }
		/^\$ ft-train/ { exit }
		/^```$/ { inside = 0 }
		!inside { printf "%s", block; block = "" }' "$ROOT/README.md" >begin
	[ "$(grep -c '^\$ ' begin)" -ge 12 ]
	tour begin
	diff begin walked
}

@test "README: every command of the walk runs, on few rows and with little training" {
	clone
	export FT_TOUR_SED='s/-n 5600/-n 150/; s/-n 600/-n 8/; s/head -n [0-9]*/head -n 20/; s/--epochs [0-9]/--steps 1/
		s/--max-tokens 120/--max-tokens 9/'
	tour "$ROOT/README.md"
	# Nothing but what is printed was changed.
	diff <(grep '^\$ ' "$ROOT/README.md") <(grep '^\$ ' walked)
	[ -s build/tour/model-2024/model.safetensors ]
	[ "$(wc -l <build/tour/repaired-2024.jsonl)" -eq 8 ]
}

@test "README: the whole walk prints what stands there, but for the figures that training makes" {
	[ "${FT_SLOW:-0}" = 1 ] || skip "slow"
	clone
	tour "$ROOT/README.md"
	# Figures differ by processor, and with them which paths without drift come first.
	figures() { sed -E '/ (stable|insufficient) +/d; /^\{"(payee|n)"/d; s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g; s/^-+$/-/' "$1"; }
	diff <(figures "$ROOT/README.md") <(figures walked)
	jq -e '.wrong > 400 and .named["2023"] >= 0.9 * .wrong' <(grep '^{"n":600,' walked)
}
