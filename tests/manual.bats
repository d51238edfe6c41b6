#!/usr/bin/env bats
# Every `.Dl` line in the EXAMPLES of a manual is a command that works: run here, in a directory
# that tests/manual/prepare fills. A comment `# exit N` at its end states the exit status where it
# is not 0. The module for jq is taken from where it stands before it is installed.

load helper

MAN=$BATS_TEST_DIRNAME/../man

examples_of() {
	awk '/^\.Sh /{on = ($2 == "EXAMPLES")} on && /^\.Dl /{sub(/^\.Dl /, ""); print}' "$1" |
		sed -e "s|/usr/local/share/ft|$ROOT/lib/jq|g" -e "s/\\\\(aq/'/g" -e 's/\\(dq/"/g' -e 's/\\&//g' \
			-e 's/\\-/-/g' -e 's/\\(ti/~/g' -e 's/\\(ha/^/g' -e 's/\\e/\\/g'
}

# run_examples PAGE - runs them in order, in one directory, so that later ones may use what earlier
# ones wrote.
run_examples() {
	local page=$MAN/$1 line want got n=0 bad=0
	start_stub
	"$BATS_TEST_DIRNAME/manual/prepare" "$TMP/work"
	while IFS= read -r line; do
		want=0
		[[ $line =~ \#\ exit\ ([0-9]+)$ ]] && want=${BASH_REMATCH[1]}
		n=$((n + 1)) got=0
		env -C "$TMP/work" bash -o pipefail -c "$line" >"$TMP/out" 2>&1 </dev/null || got=$?
		if [ "$got" -ne "$want" ]; then
			bad=1
			printf 'exit status %s, not %s: %s\n' "$got" "$want" "$line"
			tail -n 5 "$TMP/out"
		fi
	done < <(examples_of "$page")
	[ "$n" -gt 0 ] || { echo "no examples in $page"; return 1; }
	[ "$bad" -eq 0 ]
}

# A hub for ft-pull with one small model under a public name, served from what prepare makes.
serve_hub() {
	stub-hub --port-file "$TMP/hub.port" "$TMP/work/hub" 3>&- >/dev/null 2>&1 &
	HUB_PID=$!
	HF_ENDPOINT=http://127.0.0.1:$(port_of "$TMP/hub.port")
	export HF_ENDPOINT HF_HOME=$TMP/cache
	unset HF_HUB_CACHE HF_TOKEN
}

teardown() {
	stop "${HUB_PID:-}"
	stop "$(cat "$TMP/work/serve.pid" 2>/dev/null || true)"
	stop_stub
}

@test "examples of ft.7 work" { run_examples ft.7; }
@test "examples of ft.1 work" { run_examples ft.1; }
@test "examples of ft-jsonl.5 work" { run_examples ft-jsonl.5; }
@test "examples of ft.jq.5 work" { run_examples ft.jq.5; }
@test "examples of ft-split.1 work" { run_examples ft-split.1; }
@test "examples of ft-prompt.1 work" { run_examples ft-prompt.1; }
@test "examples of ft-train.1 work" { run_examples ft-train.1; }
@test "examples of ft-eval.1 work" { run_examples ft-eval.1; }
@test "examples of ft-judge.1 work" { run_examples ft-judge.1; }
@test "examples of ft-drift.1 work" { run_examples ft-drift.1; }
@test "examples of ft-review.1 work" { run_examples ft-review.1; }
@test "examples of ft-serve.1 work" { run_examples ft-serve.1; }
@test "examples of ft-export.1 work" { run_examples ft-export.1; }
@test "examples of ft-migrate.7 work" { run_examples ft-migrate.7; }

@test "examples of ft-pull.1 work" { serve_hub; run_examples ft-pull.1; }
@test "examples of ft-model.5 work" { run_examples ft-model.5; }

@test "every page has its examples run here and every program its page" {
	for page in "$MAN"/*.[157]; do
		grep -q "run_examples $(basename "$page");" "$BATS_TEST_FILENAME"
	done
	for p in "$BUILD"/bin/ft-*; do
		[ -f "$MAN/$(basename "$p").1" ] || { echo "no manual for $p"; return 1; }
	done
}
