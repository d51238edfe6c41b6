#!/usr/bin/env bats
# What `make install` and its relatives put where, from the programs that are built.

load helper

# quiet_make GOAL... - in the tree, with what is built already. The tests' own programs and scratch
# stay outside it.
quiet_make() {
	make -s -C "$ROOT" BUILD="$BUILD" "$@" >make.out 2>&1 || { cat make.out; return 1; }
}

@test "make html: each link among the pages leads to one, and the index to all and to the examples" {
	command -v mandoc >/dev/null || skip "no mandoc here"
	quiet_make HTML="$TMP/html" html
	for m in "$ROOT"/man/*.[157]; do
		[ -s "html/${m##*/}.html" ]
		grep -q "href=\"${m##*/}.html\"" html/index.html
	done
	for e in "$ROOT"/examples/*/README.md; do
		e=${e%/*}
		cmp "$e/README.md" "html/example-${e##*/}.txt"
		grep -q "href=\"example-${e##*/}.txt\"" html/index.html
	done
	grep -q 'href="ft-eval.1.html"' html/ft-split.1.html
	grep -q 'href="https://manpages.debian.org/jq.1"' html/ft.jq.5.html
	grep -oh 'href="[^"#]*' html/*.html | sed 's/href="//' | sort -u | grep -v '^https:' | while read -r page; do
		[ -z "$page" ] || [ -s "html/$page" ] || { echo "no $page"; exit 1; }
	done
}
