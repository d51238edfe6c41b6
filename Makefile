# ft: build, try, check, install. `make help` lists the targets.

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
BUILD = build

CC = cc
CFLAGS = -O2 -g
WARN = -Wall -Wextra -Wno-missing-field-initializers -Wshadow -Wvla -Wmissing-prototypes -Wstrict-prototypes -Wpointer-arith
SANITIZE =
MPI =

# V=1 shows the commands.
Q = $(if $(V),,@)
# How targets build what they need: on all processors, unless make was told how many.
JOBS = --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 1))
say = $(if $(V)$(findstring s,$(firstword -$(MAKEFLAGS))),,@printf '  %-5s %s\n' $(1) $(2))

# Goals that are asked for together share what they build: one after the other, each of them in
# parallel.
ifeq ($(MAKELEVEL),0)
ifneq ($(filter-out $(BUILD)/%,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif
endif

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SUFFIXES:

# All rooms of lib stand in one archive, and a program takes from it what it uses. What a room may
# use of another is the table in lib/README.md, which lint holds against the #include lines.
PROGRAMS = $(patsubst cmd/%.c,%,$(wildcard cmd/ft-*.c))
PKGS = libcjson libutf8proc libxxhash libpcre2-8 libcurl sqlite3 openblas libmicrohttpd libmd $(if $(MPI),ompi-c)

# Asked of pkg-config once, when first needed: setup may have to install it before.
pkg_cflags = $(eval pkg_cflags := $(shell pkg-config --cflags $(PKGS)))$(pkg_cflags)
pkg_libs = $(eval pkg_libs := $(shell pkg-config --libs $(PKGS)))$(pkg_libs)

CPPFLAGS_ALL = -D_GNU_SOURCE -DFT_VERSION='"$(VERSION)"' $(pkg_cflags) $(if $(MPI),-DFT_MPI) $(CPPFLAGS)
# Plain C rounds each step, so that results are the same on all processors; gcc does so unasked. And
# what is built is the same wherever the sources lie: debugging information, from which the linker
# makes a build ID, does not name the directory.
CFLAGS_ALL = -std=c11 $(if $(findstring clang,$(CC)),-ffp-contract=off) -ffile-prefix-map='$(CURDIR)'=. -pthread $(WARN) $(CFLAGS) $(SANITIZE)
LDFLAGS_ALL = -pthread -Wl,--as-needed $(LDFLAGS) $(SANITIZE)
COMPILE = $(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP

# --- objects ---

# NAME.isa.c holds vector kernels and is compiled once for each instruction set; the choice is made
# at run time.
ARCH := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
KERNEL_OPT = -O3
ISAS = base $(if $(filter x86_64,$(ARCH)),avx2 avx512) $(if $(filter aarch64,$(ARCH)),neon)
ISA_base =
ISA_avx2 = -mavx2 -mfma -mf16c -mbmi2
ISA_neon = -march=armv8.2-a+dotprod
ISA_avx512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c -mbmi2

OBJECTS = $(patsubst %.c,$(BUILD)/%.o,$(filter-out %.isa.c,$(wildcard lib/*/*.c))) \
	$(foreach f,$(wildcard lib/*/*.isa.c),$(foreach i,$(ISAS),$(BUILD)/$(f:.c=.$(i).o)))
LIB = $(BUILD)/libft.a
link = $(CC) $(LDFLAGS_ALL) -o $@ $(1) $(LIB) $(pkg_libs) -lm -ldl

.PHONY: all programs
all:
	@.ci/setup --say build
	@$(MAKE) $(JOBS) programs
programs: $(PROGRAMS:%=$(BUILD)/bin/%) $(BUILD)/bin/ft

$(BUILD)/lib/review/page.o: lib/review/page.html lib/review/page.css lib/review/page.js
$(BUILD)/lib/eval/page.o: lib/eval/page.css lib/eval/page.js
$(BUILD)/lib/web/difference.o: lib/web/difference.css lib/web/difference.js

$(BUILD)/%.o: %.c $(BUILD)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(COMPILE) -c -o $@ $<

define isa_rule
$(BUILD)/%.isa.$(1).o: %.isa.c $(BUILD)/flags
	$$(call say,CC,$$@)
	@mkdir -p $$(@D)
	$$(Q)$$(COMPILE) $$(KERNEL_OPT) -ffp-contract=fast -fno-math-errno $$(ISA_$(1)) -DISA=$(1) -DISA_$(1) -c -o $$@ $$<
endef
$(foreach i,$(ISAS),$(eval $(call isa_rule,$(i))))

$(LIB): $(OBJECTS)
	@rm -f $@
	$(call say,AR,$@)
	$(Q)ar rcs $@ $^

$(PROGRAMS:%=$(BUILD)/bin/%): $(BUILD)/bin/%: $(BUILD)/cmd/%.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(call link,$<)

# The one that names and runs the others.
$(BUILD)/bin/ft: cmd/ft
	@mkdir -p $(@D)
	$(Q)install -m 755 $< $@

# Changes only with the flags, and then everything is made anew.
flags_now = $(CC) $(CFLAGS) $(CPPFLAGS) $(LDFLAGS) $(SANITIZE) $(MPI) $(VERSION)$(filter-out -O3,$(KERNEL_OPT))
$(BUILD)/flags: force
	@mkdir -p $(BUILD)
	@[ -f $@ ] && [ "$$(cat $@)" = '$(flags_now)' ] || echo '$(flags_now)' >$@
.PHONY: force
force:

# --- tests ---

# Unit tests are programs that print TAP: tests/unit/ROOM-NAME.c. The stubs are servers.
UNITS = $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*-*.c))
STUBS = $(patsubst tests/stub/%.c,%,$(wildcard tests/stub/stub-*.c))
$(UNITS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(call link,$<)
$(STUBS:%=$(BUILD)/tests/%): $(BUILD)/tests/%: $(BUILD)/tests/stub/%.o $(LIB)
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(call link,$(filter %.o,$^))
$(BUILD)/tests/stub-chat: $(BUILD)/tests/stub/responses.o

# What examples/payments writes its data with, and what its base model is made with.
$(BUILD)/examples/notes: $(patsubst %.c,$(BUILD)/%.o,$(filter-out %/spread.c,$(wildcard examples/payments/*.c))) $(LIB)
$(BUILD)/examples/spread: $(BUILD)/examples/payments/spread.o $(LIB)
$(BUILD)/examples/notes $(BUILD)/examples/spread:
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(call link,$(filter %.o,$^))

.PHONY: test-programs
test-programs: programs $(UNITS:%=$(BUILD)/tests/%) $(STUBS:%=$(BUILD)/tests/%) $(BUILD)/tests/inject $(BUILD)/tests/fault.so $(BUILD)/tests/nojit.so $(BUILD)/tests/clock.so $(BUILD)/examples/notes $(BUILD)/examples/spread

.PHONY: demo
demo: setup
	@$(MAKE) $(JOBS) programs build/examples/notes build/tests/stub-chat
	@$(MAKE) --no-print-directory -C examples/payments

-include $(shell find $(BUILD) -type f -name '*.d' 2>/dev/null)

# Installs the packages that a build needs; all does not, but says which are missing.
.PHONY: setup
setup:
	@.ci/setup build

# Has one system call of a program fail; see there.
$(BUILD)/tests/inject: $(BUILD)/tests/fault/inject.o
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS_ALL) -o $@ $<

# Preloaded before programs: fault.so fails one allocation, nojit.so keeps PCRE2 from compiling
# patterns, clock.so has the clock jump.
$(BUILD)/tests/%.so: tests/fault/%.c $(BUILD)/flags
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -fPIC -shared -o $@ $< -ldl

RUN_TESTS = FT_BUILD=$(BUILD) tests/run
WITH_SANITIZERS = BUILD=build/asan SANITIZE='-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
# Programs leave freeing at exit to the system; what is tested for leaks are the unit tests.
ASAN_ENV = ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 FT_SANITIZED=1 FT_PATIENCE=5

.PHONY: check check-slow check-asan check-tsan check-valgrind check-fault lint
check: setup
	@.ci/setup check
	@$(MAKE) $(JOBS) test-programs
	@$(RUN_TESTS)

check-slow: setup
	@.ci/setup check
	@$(MAKE) $(JOBS) test-programs
	@FT_SLOW=1 $(RUN_TESTS)

check-asan: setup
	@.ci/setup check sanitize
	@$(MAKE) $(JOBS) $(WITH_SANITIZERS) test-programs
	@$(ASAN_ENV) FT_BUILD=build/asan tests/run

# Threads: those of the pool, of the servers, of the generator and of programs that share a cache. A
# program that has a data race ends with status 66, which no test expects.
check-tsan: setup
	@.ci/setup check sanitize
	@$(MAKE) $(JOBS) BUILD=build/tsan SANITIZE='-fsanitize=thread' test-programs
	@TSAN_OPTIONS='halt_on_error=1 second_deadlock_stack=1' FT_SANITIZED=1 FT_PATIENCE=10 FT_BUILD=build/tsan tests/run
	@if command -v mpirun >/dev/null && pkg-config --exists ompi-c; then $(MAKE) --no-print-directory check-tsan-ranks; \
		else echo 'skipped: ranks under ThreadSanitizer: no OpenMPI here'; fi

# The thread that sums over ranks, under mpirun. Of OpenMPI, which is not built so, ThreadSanitizer sees
# the locks alone, and that its TCP takes two of them in both orders.
.PHONY: check-tsan-ranks
check-tsan-ranks:
	@$(MAKE) $(JOBS) BUILD=build/tsan-mpi MPI=1 SANITIZE='-fsanitize=thread' build/tsan-mpi/tests/train-ranks
	@echo 'deadlock:mca_btl_tcp' >build/tsan-mpi/suppressions
	@for n in 1 2 3 5; do \
		TSAN_OPTIONS='halt_on_error=1 second_deadlock_stack=1 suppressions=$(CURDIR)/build/tsan-mpi/suppressions' \
		OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
		mpirun --oversubscribe --bind-to none -n $$n build/tsan-mpi/tests/train-ranks >build/tsan-mpi/tap || { cat build/tsan-mpi/tap; exit 1; }; \
		echo "train-ranks on $$n ranks: $$(grep -c '^ok' build/tsan-mpi/tap) passed"; done

# $(call under,COMMAND,FROM,DIR): wrappers that run the programs and unit tests of FROM under a command
# stand in DIR, where the suites look for them; the servers run as they are.
under = @mkdir -p $(3)/bin $(3)/tests && cp $(BUILD)/bin/ft $(3)/bin/ && cp $(STUBS:%=$(BUILD)/tests/%) $(3)/tests/ && \
	for p in $(PROGRAMS:%=bin/%) $(UNITS:%=tests/%); do \
		printf '\#!/bin/sh\nexec %s "%s" "$$@"\n' '$(1)' "$(CURDIR)/$(2)/$$p" >$(3)/$$p && chmod +x $(3)/$$p; done

# The same suites with every program under valgrind, of each as much as ten minutes hold (FT_LIMIT);
# VALGRIND names those that are meant (all).
check-valgrind: setup
	@.ci/setup check valgrind
	@$(MAKE) $(JOBS) test-programs
	$(call under,env LD_PRELOAD=$(CURDIR)/$(BUILD)/tests/nojit.so valgrind -q --error-exitcode=99 --trace-children=no,$(BUILD),build/valgrind)
	@FT_SANITIZED=1 FT_PATIENCE=20 FT_LIMIT=$${FT_LIMIT:-600} FT_BUILD=build/valgrind tests/run $(VALGRIND)

# The unit tests and contracts for arm64: cross-compiled against Debian's libraries in a tree of their
# own, which wants its archive, and run under qemu.
ARM64 = $(CURDIR)/build/arm64
ARM64_CC = aarch64-linux-gnu-gcc --sysroot=$(ARM64)/root
SUITES = tests/unit/*-*.c tests/contract.bats
.PHONY: check-arm64 arm64
check-arm64: setup
	@.ci/setup check arm64
	@$(MAKE) $(JOBS) test-programs
	@if tests/arm64 $(ARM64)/root; then $(MAKE) --no-print-directory arm64; else echo 'skipped: check-arm64: no libraries for arm64'; fi
arm64:
	@PKG_CONFIG_SYSROOT_DIR=$(ARM64)/root PKG_CONFIG_LIBDIR=$(ARM64)/root/usr/lib/aarch64-linux-gnu/pkgconfig \
		$(MAKE) $(JOBS) BUILD=build/arm64 CC='$(ARM64_CC)' test-programs
	$(call under,qemu-aarch64 -L $(ARM64)/root,build/arm64,build/arm64/qemu)
	@FT_SANITIZED=1 FT_PATIENCE=20 FT_LIMIT=$${FT_LIMIT:-600} FT_BUILD=build/arm64/qemu tests/run $(SUITES)

# Pages in a real browser. Asks Debian for chromium and node, and npm for the driver.
.PHONY: check-browser
check-browser: setup
	@.ci/setup check browser
	@$(MAKE) $(JOBS) test-programs
	@mkdir -p build/npm && cd build/npm && { [ -d node_modules/playwright-core ] || npm install --no-save --silent playwright-core@1; }
	@$(RUN_TESTS) tests/browser.bats

.PHONY: check-deb
# The package in a fresh minimal Debian, as root and from Debian's archive; the same bytes where the
# same files are built in another directory.
check-deb: deb
	@.ci/setup check deb
	@$(MAKE) $(JOBS) test-programs $(BUILD)/examples/notes
	@cp $(BUILD)/ft_$(VERSION)-1_$$(dpkg --print-architecture).deb $(BUILD)/first.deb
	@rm -rf $(BUILD)/again && mkdir -p $(BUILD)/again
	@git ls-files -z | tar --null -T - -cf - | tar -C $(BUILD)/again -xf -
	@$(MAKE) -s -C $(BUILD)/again BUILD=build deb >/dev/null
	cmp $(BUILD)/again/build/ft_$(VERSION)-1_$$(dpkg --print-architecture).deb $(BUILD)/first.deb
	lintian --allow-root --fail-on error,warning $(BUILD)/first.deb
	tests/chroot $(BUILD)/first.deb

.PHONY: check-cluster
# examples/cluster under a Slurm of its own, ft-train on several ranks.
check-cluster: setup
	@.ci/setup check cluster
	@$(MAKE) $(JOBS) test-programs
	@$(MAKE) $(JOBS) BUILD=build/mpi MPI=1 programs build/mpi/tests/train-ranks
	@FT_CLUSTER=1 $(RUN_TESTS) tests/cluster.bats

# The whole: each system call of a run fails once, and the run is killed before each; each site of
# allocations fails at its first, second, middle and last turn (see tests/faults.bash). FT_FAULT=N tries
# a slice of it, another for each N.
FT_FAULT = all
check-fault: setup
	@.ci/setup check
	@$(MAKE) $(JOBS) test-programs
	@FT_FAULT=$(FT_FAULT) $(RUN_TESTS) tests/fault.bats tests/fault-network.bats

# Other people's clients, for tests/peer.bats and the benchmarks; neither needs them. Of its many
# optional packages promptfoo needs only the driver of its database.
NODE_ARCH = $(patsubst x86_64,x64,$(patsubst aarch64,arm64,$(shell uname -m)))
.PHONY: peers
peers:
	mkdir -p build/peers
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/peers openai@6.49.0 @anthropic-ai/sdk@1.12.0
	npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --omit=peer --prefix build/peers/promptfoo \
		promptfoo@0.121.20 @libsql/linux-$(NODE_ARCH)-gnu@0.5.29
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix build/npm node-llama-cpp@3.22.1 @node-llama-cpp/linux-x64@3.22.1

# What reads foreign files is fuzzed with libFuzzer under ASan and UBSan, each target for SECONDS,
# from the seeds in tests/fuzz/NAME. The kernels are not what is fuzzed; clang takes many minutes to
# optimise them with all its checks in.
FUZZERS = $(filter-out scratch tiny,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
$(FUZZERS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/scratch.o $(BUILD)/tests/fuzz/tiny.o $(LIB)
	@mkdir -p $(@D)
	$(call link,$(filter %.o,$^) -fsanitize=fuzzer)

SECONDS = 60
.PHONY: fuzz fuzz-programs fuzz-all $(FUZZERS:%=fuzz-%)
fuzz-programs: $(FUZZERS:%=$(BUILD)/fuzz/%)
# As many at once as make has jobs; what one of them finds ends none of the others.
fuzz: setup
	@.ci/setup build sanitize
	@$(MAKE) $(JOBS) -k CC=clang BUILD=build/fuzzing KERNEL_OPT=-O0 fuzz-all \
		SANITIZE='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined -fno-omit-frame-pointer'
fuzz-all: $(FUZZERS:%=fuzz-%)
$(FUZZERS:%=fuzz-%): fuzz-%: fuzz-programs
	@mkdir -p $(BUILD)/corpus/$*
	@$(BUILD)/fuzz/$* -max_total_time=$(SECONDS) -timeout=25 -rss_limit_mb=3000 -max_len=100000 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/$*- $(BUILD)/corpus/$* tests/fuzz/$* 2>$(BUILD)/$*.log || \
		{ tail -40 $(BUILD)/$*.log; echo "fuzz: $*: see $(BUILD)/$*.log"; exit 1; }
	@echo "fuzz: $*: $$(sed -n 's/^stat::number_of_executed_units: *//p' $(BUILD)/$*.log) inputs, nothing found"

# Comparison with the reference implementations that npm has; not part of check, for it downloads
# them (500 MB).
$(BUILD)/tests/peer/%: $(BUILD)/tests/peer/%.o $(LIB)
	@mkdir -p $(@D)
	$(call link,$<)

.PHONY: check-npm
check-npm: setup
	@$(MAKE) $(JOBS) $(BUILD)/tests/peer/tokens $(BUILD)/tests/peer/render $(BUILD)/tests/peer/masks
	@tests/peer/check $(BUILD)

# What is measured stands in tests/bench; peers that are not installed are named as missing.
# BENCH='name ...' picks; accuracy, which takes hours, runs only where it is named.
.PHONY: bench
bench: setup
	@.ci/setup check
	@$(MAKE) $(JOBS) test-programs
	$(if $(filter mpi,$(BENCH)),@$(MAKE) $(JOBS) BUILD=build/mpi MPI=1 build/mpi/bin/ft-train)
	@FT_BUILD=$(CURDIR)/$(BUILD) tests/bench/run $(BENCH)

# tests/peer/llama.c can be read only where llama.cpp's headers are.
C_FILES = $(filter-out tests/peer/llama.c,$(wildcard cmd/*.c lib/*/*.c examples/*/*.c tests/unit/*.c tests/stub/*.c tests/fault/*.c tests/fuzz/*.c tests/peer/*.c))
H_FILES = $(wildcard lib/*/*.h examples/*/*.h tests/unit/*.h tests/stub/*.h tests/fault/*.h tests/fuzz/*.h)
BATS_FILES = $(wildcard tests/*.bats tests/*.bash)
SH_FILES = cmd/ft .ci/setup .ci/run .debian/build tests/run tests/tour tests/chroot tests/arm64 tests/bench/run tests/manual/prepare tests/lint/arrows tests/lint/loops tests/lint/names tests/lint/options tests/peer/check tests/peer/llama-build \
	$(wildcard tests/bench/*.sh tests/fixtures/*/make) examples/slow/slow examples/optimise/optimise examples/retrain/retrain examples/serve/story examples/serve/app.sh examples/payments/expect examples/payments/standin examples/cluster/task examples/cluster/submit \
	examples/cluster/task.sbatch examples/cluster/train.sbatch $(BATS_FILES)
lint: setup
	@.ci/setup lint
	@if grep -nE ' +$$' $(C_FILES) $(H_FILES); then echo "trailing blanks"; exit 1; fi
	@if clang-format --version | grep -q 'version 14\.'; then clang-format --dry-run -Werror $(C_FILES) $(H_FILES); \
		else echo "format not checked: the files are as clang-format 14 writes them"; fi
	tests/lint/arrows
	cppcheck -q -j 2 --std=c11 --error-exitcode=1 --enable=warning,portability --inline-suppr \
		-D_GNU_SOURCE -DISA=base -DISA_base -D__BYTE_ORDER__=1234 -D__ORDER_LITTLE_ENDIAN__=1234 $(C_FILES)
	printf '%s\n' $(C_FILES) | xargs -P 2 -n 8 sh -c 'clang-tidy --quiet "$$@" -- -std=c11 -D_GNU_SOURCE -DFT_VERSION="\"0\"" $(pkg_cflags) -DISA=base -DISA_base 2>/dev/null' tidy
	shellcheck -x -S warning $(SH_FILES)
	tests/lint/asserts $(BATS_FILES)
	tests/lint/columns $(BATS_FILES)
	tests/lint/loops $(wildcard lib/*/*.c cmd/*.c)
	@if mandoc -Tlint -W warning man/*.[157]; then :; else exit 1; fi
	$(MAKE) $(JOBS) CC=clang BUILD=build/clang CFLAGS='-O1 -Werror' test-programs
	$(MAKE) $(JOBS) BUILD=build/werror CFLAGS='-O2 -Werror' test-programs
	tests/lint/names build/werror
	tests/lint/options build/werror

# --- installing and shipping ---

.PHONY: completions html install uninstall deb deb-mpi dist distcheck help clean
MANUALS = $(wildcard man/*.[157])
SHARE = $(DESTDIR)$(PREFIX)/share

# What a shell completes of a program, as the program says it.
SHELLS = bash zsh fish
COMPLETION_DIRS = bash-completion/completions zsh/site-functions fish/vendor_completions.d
define completion_rule
$(BUILD)/complete/%.$(1): $(BUILD)/bin/%
	@mkdir -p $$(@D)
	$(Q)$$< --complete $(1) >$$@
endef
$(foreach s,$(SHELLS),$(eval $(call completion_rule,$(s))))
INSTALLED = ft $(PROGRAMS)
$(SHELLS:%=$(BUILD)/complete/ft.%): $(PROGRAMS:%=$(BUILD)/bin/%)
completions: $(foreach s,$(SHELLS),$(INSTALLED:%=$(BUILD)/complete/%.$(s)))

# The manuals as pages that lead to one another, and to Debian's where they name another's.
HTML = $(BUILD)/html
html: $(HTML)/index.html
$(HTML)/index.html: $(MANUALS) $(wildcard examples/*/README.md) Makefile
	@command -v mandoc >/dev/null || { echo 'html: needs mandoc: apt-get install mandoc' >&2; exit 1; }
	@rm -rf $(HTML) && mkdir -p $(HTML)
	$(Q)cd man && for m in $(MANUALS:man/%=%); do \
		mandoc -Thtml -O 'toc,man=%N.%S.html;https://manpages.debian.org/%N.%S' $$m >$(abspath $(HTML))/$$m.html || exit 1; done
	$(Q)for e in examples/*/README.md; do n=$${e#*/}; cp $$e $(HTML)/example-$${n%/*}.txt; done
	$(Q){ echo '<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>ft $(VERSION)</title><h1>ft $(VERSION)</h1><ul>'; \
		for m in ft.7 $(filter-out ft.7,$(MANUALS:man/%=%)); do \
			echo "<li><a href=\"$$m.html\">$${m%.*}($${m##*.})</a>: $$(sed -n 's/^\.Nd //p' man/$$m)"; done; \
		echo '</ul><h2>Examples</h2><ul>'; \
		for e in examples/*/README.md; do n=$${e#*/}; n=$${n%/*}; \
			echo "<li><a href=\"example-$$n.txt\">$$n</a>: $$(sed -n '1s/^# *//p' $$e)"; done; \
		echo '</ul></html>'; } >$@

install: all
	@$(MAKE) $(JOBS) completions
	@command -v mandoc >/dev/null && $(MAKE) $(JOBS) html || echo 'no mandoc: the manuals are installed without their HTML'
	mkdir -p '$(DESTDIR)$(PREFIX)/bin' $(patsubst %,'$(SHARE)/%',ft man/man1 man/man5 man/man7 $(COMPLETION_DIRS) doc/ft/html doc/ft/examples)
	for p in $(INSTALLED); do install -m 755 $(BUILD)/bin/$$p '$(DESTDIR)$(PREFIX)/bin/'; done
	install -m 644 lib/jq/ft.jq '$(SHARE)/ft/'
	for m in $(MANUALS); do install -m 644 $$m '$(SHARE)/man/man'$${m##*.}/; done
	tar -C examples --exclude=build -cf - . | tar -C '$(SHARE)/doc/ft/examples' --no-same-owner -xf -
	chmod -R u=rwX,go=rX '$(SHARE)/doc/ft/examples'
	[ ! -f $(HTML)/index.html ] || install -m 644 $(HTML)/* '$(SHARE)/doc/ft/html/'
	for p in $(INSTALLED); do \
		install -m 644 $(BUILD)/complete/$$p.bash '$(SHARE)/bash-completion/completions/'$$p; \
		install -m 644 $(BUILD)/complete/$$p.zsh '$(SHARE)/zsh/site-functions/_'$$p; \
		install -m 644 $(BUILD)/complete/$$p.fish '$(SHARE)/fish/vendor_completions.d/'; done

uninstall:
	for p in $(INSTALLED); do rm -f '$(DESTDIR)$(PREFIX)/bin/'$$p '$(SHARE)/bash-completion/completions/'$$p \
		'$(SHARE)/zsh/site-functions/_'$$p '$(SHARE)/fish/vendor_completions.d/'$$p.fish; done
	rm -f '$(SHARE)/ft/ft.jq'
	rm -rf '$(SHARE)/doc/ft'
	for m in $(MANUALS); do rm -f '$(SHARE)/man/man'$${m##*.}/$${m##*/}; done

# A package for Debian of what install places; .debian/build says what goes in besides.
deb: all
	@rm -rf $(BUILD)/deb
	@$(MAKE) -s install DESTDIR='$(abspath $(BUILD))/deb' PREFIX=/usr >/dev/null
	@.debian/build $(BUILD)/deb $(VERSION) $(BUILD)

# Its program beside the package above, built for MPI.
deb-mpi:
	@$(MAKE) $(JOBS) BUILD=build/mpi MPI=1 build/mpi/bin/ft-train
	@rm -rf $(BUILD)/deb-mpi && mkdir -p $(BUILD)/deb-mpi/usr/bin $(BUILD)/deb-mpi/usr/share/man/man1
	@install -m 755 build/mpi/bin/ft-train $(BUILD)/deb-mpi/usr/bin/ft-train-mpi
	@echo '.so man1/ft-train.1' >$(BUILD)/deb-mpi/usr/share/man/man1/ft-train-mpi.1
	@.debian/build $(BUILD)/deb-mpi $(VERSION) $(BUILD) ft-mpi

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=ft-$(VERSION)/ -o build/ft-$(VERSION).tar.gz HEAD
	@echo build/ft-$(VERSION).tar.gz

# The archive builds, passes its tests and installs from itself alone.
distcheck: dist
	rm -rf build/dist && mkdir -p build/dist
	tar -xzf build/ft-$(VERSION).tar.gz -C build/dist
	$(MAKE) -C build/dist/ft-$(VERSION) check
	$(MAKE) -C build/dist/ft-$(VERSION) install DESTDIR=$(CURDIR)/build/dist/root PREFIX=/usr
	$(MAKE) -C build/dist/ft-$(VERSION) uninstall DESTDIR=$(CURDIR)/build/dist/root PREFIX=/usr
	test -z "$$(find build/dist/root -type f)"

help:
	@echo 'make setup           install the packages that a build needs'
	@echo 'make                 build into build/bin, or say which packages are missing'
	@echo 'make demo            the whole road on generated payment notes, a few minutes on 2 cores'
	@echo 'make check           build and run all tests (check-slow: also the long simulations)'
	@echo 'make check-asan      the tests under AddressSanitizer and UndefinedBehaviorSanitizer'
	@echo 'make check-tsan      the tests under ThreadSanitizer'
	@echo 'make check-valgrind  the tests under valgrind'
	@echo 'make check-arm64     the unit tests and contracts (SUITES=...) built for arm64, under qemu'
	@echo 'make check-browser   the pages in headless Chromium'
	@echo 'make check-cluster   examples/cluster under Slurm and GNU parallel, training on several ranks'
	@echo 'make check-deb       the package built twice, in two directories, linted, installed in a fresh chroot and used there'
	@echo 'make check-fault     each system call and each site of allocations fails, and runs are killed there'
	@echo 'make check-npm       tokenizers and chat templates against the references on npm (downloads them)'
	@echo 'make fuzz            fuzz what reads foreign files (SECONDS=60 each)'
	@echo 'make lint            cppcheck, clang-tidy, shellcheck, mandoc, both compilers with -Werror'
	@echo 'make bench           speed and memory against peers, as ratios'
	@echo 'make peers           install clients from npm to test and measure against (not needed)'
	@echo 'make install         PREFIX=/usr/local DESTDIR='
	@echo 'make html            the manuals as linked pages, build/html'
	@echo 'make deb             a package for Debian, build/ft_VERSION-1_ARCH.deb'
	@echo 'make deb-mpi         the same of ft-train for MPI, build/ft-mpi_VERSION-1_ARCH.deb'
	@echo 'make uninstall dist distcheck clean'

.PHONY: clean
clean:
	rm -rf build
