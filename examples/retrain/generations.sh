# shellcheck shell=bash
# generations: what is in service, what was before, and what did not come. Sourced by retrain.
#
# STATE/NNNN holds a generation: model; rows.jsonl, all that were judged for it, with their side of the split; new.jsonl, those of them that
# its world brought; reference.jsonl, what the next nights are compared with; asked/, what people are asked about while it serves;
# journal.jsonl, their verdicts up to then; figures.jsonl; why.txt; decided; before, the one that served then; base. STATE/now is a link to
# the one in service.

# enter STATE - one run at a time; the first night files what it finds as generation 0000.
enter() {
	state=$1 now=$1/now run=$1/run journal=$1/journal.jsonl
	[ -d "$state" ] || die "there is no directory $state"
	exec 9>"$state/lock"
	flock -n 9 || die "another run is at work on $state"
	mkdir -p "$run"
	export FT_CACHE=$run/answers.db
	: >"$run/why.txt"
	rm -f "$run"/*.figures
	[ -e "$state/0000" ] || first
	[ -e "$now" ] || ln -sn 0000 "$now"
	if [ "$(readlink "$state/model")" != now/model ]; then
		rm -rf "$state/model"
		ln -s now/model "$state/model"
	fi
	touch "$journal"
}

first() {
	local f lost new=$state/0000.new
	for f in train.jsonl test.jsonl model; do
		[ -e "$state/$f" ] || die "$state has no $f: it begins with train.jsonl, test.jsonl and model"
	done
	rm -rf "$new"
	mkdir -p "$new/asked"
	jq -c '.split = "train"' "$state/train.jsonl" >"$new/rows.jsonl"
	# The model has seen all that it was trained on, so without rows to choose by a quarter of the test becomes these.
	if [ -e "$state/valid.jsonl" ]; then
		jq -c '.split = "valid"' "$state/valid.jsonl"
		jq -c '.split = "test"' "$state/test.jsonl"
	else
		jq -c 'del(.split)' "$state/test.jsonl" | ft-split -q --ratio 75:25:0 | jq -c 'if .split == "train" then .split = "test" else . end'
	fi >"$new/held"
	jq -nc --slurpfile have "$new/rows.jsonl" -f "$here/fresh.jq" "$new/held" >"$new/kept"
	lost=$(($(count "$new/held") - $(count "$new/kept")))
	[ $lost -eq 0 ] || say "$lost test or validation rows stand among the training rows or twice: left out."
	cat "$new/kept" >>"$new/rows.jsonl"
	rm "$new/held" "$new/kept"
	jq -c -f "$here/traffic.jq" "$state/train.jsonl" >"$new/reference.jsonl"
	echo 'In service before the first night.' | tee "$new/why.txt" >"$new/decided"
	if [ -L "$state/model" ]; then ln -s "$(realpath "$state/model")" "$new/model"; else cp -r "$state/model" "$new/model"; fi
	mv "$new" "$state/0000"
}

generations() {
	(cd "$state" && ls -d [0-9][0-9][0-9][0-9])
}

# forebears - the generations that the one in service was made after, the latest first.
forebears() {
	local g
	g=$(readlink "$now")
	while [ -e "$state/$g/before" ]; do
		g=$(cat "$state/$g/before")
		echo "$g"
	done
}

# references - all rows that the one in service and those before it had seen.
references() {
	local g
	for g in $(readlink "$now") $(forebears); do cat "$state/$g/reference.jsonl"; done
}

# failed - those that were made after what is in service and did not come, or were put back.
failed() {
	local g
	for g in $(generations); do
		if [ "$(cat "$state/$g/before" 2>/dev/null)" = "$(readlink "$now")" ] && grep -qx 'refused\|rolled back' "$state/$g/decided"; then echo "$g"; fi
	done
}

# file_as DECISION MODEL - makes a generation of this night, and sets $number.
file_as() {
	local f new
	number=$(printf %04d $((10#$(generations | tail -n 1) + 1)))
	new=$state/$number.new
	rm -rf "$new"
	mkdir -p "$new/asked"
	if [ "$1" = kept ]; then ln -s "$2" "$new/model"; else mv "$2" "$new/model"; fi
	cat "$now/rows.jsonl" "$run/new.jsonl" >"$new/rows.jsonl"
	# The model was trained on a part of what was asked this night and has seen the rest, each world in the proportion of now.
	jq -c 'del(.output, .tool_calls)' "$run/traffic.jsonl" >"$new/reference.jsonl"
	cp "$run/new.jsonl" "$journal" "$new"
	for f in "$run"/*.figures; do
		jq -c --arg of "$(basename "$f" .figures)" '{of: $of} + .' "$f"
	done >"$new/figures.jsonl"
	{ date -u +'%Y-%m-%d %H:%M UTC'; cat "$run/why.txt"; } >"$new/why.txt"
	echo "$1" >"$new/decided"
	echo "$base" >"$new/base"
	readlink "$now" >"$new/before"
	mv "$new" "$state/$number"
	rm -rf "$run/candidates"
}

# serve NUMBER - puts a generation into service, in one step, and into the routes, if ft-serve takes them.
serve() {
	[ -z "$routes" ] || next_routes "$state/$1/model"
	ln -sfn "$1" "$state/now.next"
	mv -T "$state/now.next" "$now"
	say "In service: $1."
	if [ -n "$routes" ]; then
		cp -p "$routes" "$routes.before"
		mv "$routes.next" "$routes"
		say "$routes names it; the routes as they were are in $routes.before."
		eval "${RELOAD:-}"
	fi
}

# next_routes MODEL - the routes with it, in ROUTES.next.
next_routes() {
	local whole=false
	[ ! -e "$1/config.json" ] || whole=true
	jq --arg route "${ROUTE:-}" --argjson weight "${WEIGHT:-5}" --arg base "$base" --arg to "$(realpath "$1")" --argjson whole $whole \
		-f "$here/routes.jq" "$routes" >"$routes.next" || die "the model cannot go into $routes"
	ft-serve --routes-hash --routes "$routes.next" >/dev/null || die "ft-serve does not take the routes with it, which are in $routes.next"
}

rollback() {
	local from to=
	enter "$1"
	from=$(readlink "$now")
	for to in $(forebears); do
		# Not one in which the same model stayed.
		[ "$(realpath "$state/$to/model")" = "$(realpath "$now/model")" ] || break
	done
	[ -n "$to" ] && [ "$(realpath "$state/$to/model")" != "$(realpath "$now/model")" ] || die "no other model was in service before generation $from"
	base=$(cat "$state/$from/base")
	serve "$to"
	echo 'rolled back' >"$state/$from/decided"
	date -u +"Rolled back to $to, %Y-%m-%d %H:%M UTC." >>"$state/$from/why.txt"
}

history() {
	local g state=$1 now=$1/now
	for g in $(generations); do
		echo "$g: $(cat "$state/$g/decided")$([ "$g" != "$(readlink "$now")" ] || echo ', in service')"
		sed 's/^/    /' "$state/$g/why.txt"
	done
}
