#!/usr/bin/env bats
# What `make install` and its relatives put where, from the programs that are built.

# shellcheck disable=SC2154 # run sets stderr
load helper

# quiet_make GOAL... - in the tree, with what is built already, whatever flags it was built with.
quiet_make() {
	env -u MAKEFLAGS -u MFLAGS make -s -C "$ROOT" BUILD="$BUILD" -o "$BUILD/flags" "$@" >make.out 2>&1 || { cat make.out; return 1; }
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

# install_in DIR - installs what is built under $TMP/DIR, as a package would.
install_in() {
	[ -z "${FT_SANITIZED:-}" ] || skip "what is built here is not for installing"
	quiet_make DESTDIR="$TMP/$1" PREFIX=/usr HTML="$TMP/html" install
}

@test "make install: programs, manuals, ft.jq, completions and examples, of which uninstall leaves none" {
	install_in root
	for p in "$BUILD"/bin/ft "$BUILD"/bin/ft-*; do
		p=${p##*/}
		cmp "$BUILD/bin/$p" "root/usr/bin/$p"
		[ -s "root/usr/share/man/man1/$p.1" ]
		"$p" --complete bash | cmp - "root/usr/share/bash-completion/completions/$p"
		"$p" --complete zsh | cmp - "root/usr/share/zsh/site-functions/_$p"
		"$p" --complete fish | cmp - "root/usr/share/fish/vendor_completions.d/$p.fish"
	done
	[ -s root/usr/share/ft/ft.jq ]
	cmp "$ROOT/examples/slow/slow" root/usr/share/doc/ft/examples/slow/slow
	[ -x root/usr/share/doc/ft/examples/slow/slow ]
	[ -z "$(find root -name build)" ]
	quiet_make DESTDIR="$TMP/root" PREFIX=/usr uninstall
	[ -z "$(find root -type f)" ]
}

@test "make deb: the same bytes twice, whatever the umask and the times, and the libraries in its Depends" {
	command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-dev here"
	export SOURCE_DATE_EPOCH=1767225600 DPKG_DEB_COMPRESSOR_TYPE=gzip DPKG_DEB_COMPRESSOR_LEVEL=1 # in less time
	install_in one
	find one/usr/share/doc -exec touch -h -d '2025-11-12' {} +
	umask 077
	install_in two
	find two -exec touch -h -d '2026-02-03' {} +
	"$ROOT/.debian/build" two 1.2.3 out-two >/dev/null
	umask 022
	package=$("$ROOT/.debian/build" one 1.2.3 out)
	[ "$package" = "out/ft_1.2.3-1_$(dpkg --print-architecture).deb" ]
	cmp "$package" "out-two/${package##*/}"

	[ "$(dpkg-deb -f "$package" Version)" = 1.2.3-1 ]
	depends=$(dpkg-deb -f "$package" Depends)
	for library in libc6 libcurl4 libcjson1 libopenblas0 jq; do
		grep -q "\b$library\b" <<<"$depends"
	done
	dpkg-deb -x "$package" there
	[ "$(there/usr/bin/ft-eval --version)" = "$(ft-eval --version)" ]
	zcat there/usr/share/doc/ft/changelog.gz | cmp - "$ROOT/CHANGES.md"
	grep -q '^License: Expat$' there/usr/share/doc/ft/copyright
	dpkg-deb -I "$package" md5sums | env -C there md5sum --quiet -c
	run ! grep -v ' root/root .* 2026-01-01 ' <(TZ=UTC dpkg-deb -c "$package")
}

@test "what is compiled is the same in another directory" {
	command -v cc >/dev/null || skip "no compiler here"
	for d in here 'over there'; do
		mkdir -p "$d/lib"
		cp "$ROOT/Makefile" "$d/"
		cp -r "$ROOT/lib/base" "$d/lib/"
		env -u MAKEFLAGS -u MFLAGS CCACHE_DISABLE=1 make -s -C "$d" BUILD=build build/lib/base/buf.o
	done
	cmp here/build/lib/base/buf.o 'over there/build/lib/base/buf.o'
	readelf --debug-dump=info here/build/lib/base/buf.o >information
	run ! grep -qF "$TMP" information
}

@test "make deb: lintian has nothing to say" {
	[ -n "${FT_SLOW:-}" ] || skip "FT_SLOW=1 runs it"
	command -v lintian >/dev/null || skip "no lintian here"
	install_in root
	lintian --allow-root --fail-on error,warning "$("$ROOT/.debian/build" root 1.2.3 out)" >said
	[ ! -s said ]
}

@test "make installs nothing unasked: it says what is missing, and make setup asks for that" {
	mkdir fake
	printf '#!/bin/sh\ncase "$*" in *libmd-dev*) exit 1 ;; esac\necho "install ok installed"\n' >fake/dpkg-query
	printf '#!/bin/sh\necho "$0 $*" >>%q\n' "$TMP/installed" | tee fake/apt-get fake/sudo >/dev/null
	printf '#!/bin/sh\necho 0\n' >fake/id
	chmod +x fake/*
	PATH=$TMP/fake:$PATH run ! quiet_make all
	grep -q "apt-get install -y --no-install-recommends libmd-dev$" make.out
	[ ! -e installed ]
	PATH=$TMP/fake:$PATH quiet_make setup
	grep -q "install .* libmd-dev$" installed
}

@test "32 bits and big-endian are refused where it is built, and it is said why" {
	command -v cc >/dev/null || skip "no compiler here"
	cc -fsyntax-only -D_GNU_SOURCE "$ROOT/lib/base/err.c"
	status_is 1 cc -fsyntax-only -U__SIZEOF_POINTER__ -D__SIZEOF_POINTER__=4 -D_GNU_SOURCE "$ROOT/lib/base/err.c"
	[[ $stderr == *"needs a 64-bit system"* ]]
	status_is 1 cc -fsyntax-only -U__BYTE_ORDER__ -D__BYTE_ORDER__=__ORDER_BIG_ENDIAN__ -D_GNU_SOURCE "$ROOT/lib/base/err.c"
	[[ $stderr == *"needs a little-endian system"* ]]
}

@test "make dist: the same bytes twice, without the time at which they were packed" {
	git -C "$ROOT" rev-parse HEAD >/dev/null 2>&1 || skip "no checkout here"
	quiet_make dist
	cp "$ROOT"/build/ft-[0-9]*.tar.gz first
	quiet_make dist
	cmp "$ROOT"/build/ft-[0-9]*.tar.gz first
	[ "$(od -An -tx1 -j4 -N4 first)" = " 00 00 00 00" ]
}

@test "what asks the system compiles against musl" {
	command -v musl-gcc >/dev/null || skip "no musl-gcc here"
	mkdir headers
	for h in sha1 sha2 utf8proc; do ln -s "$(echo "#include <$h.h>" | cc -M -xc - | grep -o "[^ ]*/$h\.h" | head -n 1)" headers/; done
	for c in "$ROOT"/lib/base/*.c; do
		musl-gcc -std=c11 -D_GNU_SOURCE -DFT_VERSION='"0"' -Werror=implicit-function-declaration -isystem headers -fsyntax-only "$c"
	done
}
