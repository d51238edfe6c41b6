# shellcheck shell=bash
# candidates: what is trained, for how long, and which is the best. Sourced by retrain.

# cook N - reads recipe N and writes its rows; sets $command to what trains it, with the place where it does as its last word.
cook() {
	local start share options model
	read -r start share options <<<"${recipe[$1]}"
	case $start in
	service) as "$now/model" ;;
	base) model=(-m "$base") ;;
	*) die "$recipes: a recipe starts from service or base, not from '$start'" ;;
	esac
	# The candidate is what the model in service is.
	[ ! -e "$now/model/config.json" ] || model+=(--full)
	jq -nc --arg share "$share" --slurpfile old "$now/rows.jsonl" --slurpfile new "$run/new.jsonl" -f "$here/weigh.jq" >"$run/train-$1.jsonl" ||
		die "$recipes: '$share' is no share of the loss"
	local made=$run/candidates/$({ echo "${recipe[$1]} $base $(readlink "$now")"; cat "$run/train-$1.jsonl"; } | md5sum | cut -c 1-16)
	read -ra options <<<"$options"
	command=("${fit[@]}" -q "${model[@]}" "${options[@]}" -o "$made")
	printf '%s\n' "${command[@]}" >"$run/command-$1"
}

# train_all - trains by every recipe for which there is time, each where it can work or none, and sets $best to the best one's place.
train_all() {
	local i seconds spent=0 tried=()
	mapfile -t recipe < <(grep -v '^#' "$recipes" | grep .)
	[ ${#recipe[@]} -gt 0 ] || die "$recipes holds no recipe"
	mkdir -p "$run/candidates"
	for i in "${!recipe[@]}"; do
		cook "$i"
		"${command[@]}" --estimate "$run/train-$i.jsonl" >"$run/estimate" || die "recipe $((i + 1)) of $recipes cannot work: ${recipe[$i]}"
		seconds=$(jq '.seconds | ceil' "$run/estimate")
		say "Recipe $((i + 1)), ${recipe[$i]}: about $seconds s."
		if [ ${#tried[@]} -gt 0 ] && [ $((spent + seconds)) -gt $((hours * 3600)) ]; then
			say "  Left out: with it the night would be longer than $hours hours."
			continue
		fi
		spent=$((spent + seconds))
		tried+=("$i")
	done
	say "Training ${#tried[@]} candidates on $(side train "$run/train-0.jsonl" | wc -l) rows, $(side train "$run/new.jsonl" | wc -l) of them of this world: about $spent s."
	{
		jq -c 'select(.split == "valid") | .world = "old"' "$now/rows.jsonl"
		jq -c 'select(.split == "valid") | .world = "new"' "$run/new.jsonl"
	} >"$run/valid.jsonl"
	: >"$run/tried.figures"
	for i in "${tried[@]}"; do
		mapfile -t command <"$run/command-$i"
		"${command[@]}" --resume "$run/train-$i.jsonl" >/dev/null
		measure "$i" "${command[-1]}"
	done
	best=$(jq -rs 'max_by(.right).right as $most | first(.[] | select(.right == $most)).made' "$run/tried.figures")
}

# measure N DIR - how often candidate N, which is in DIR, is right on the validation rows; the old and the new world count alike.
measure() {
	answers "$2" "$run/valid.jsonl" >"$run/valid-answers.jsonl"
	evaluate --by .world "$run/valid-answers.jsonl" >"$run/valid"
	jq -sc --arg recipe "${recipe[$1]}" --arg made "$2" --slurpfile metrics "$2/metrics.jsonl" '{recipe: $recipe, made: $made,
		seconds: ($metrics | last.seconds), worlds: map({world: .group.world, n, right: [.metrics[]][0].mean})} | .right = (.worlds | map(.right) | add / length)' \
		"$run/valid" >>"$run/tried.figures"
	say "Recipe $(($1 + 1)): $(tail -n 1 "$run/tried.figures" | jq -r 'def pc: "\(. * 1000 | round / 10) %";
		"right on \(.right | pc) of the validation rows (\(.worlds | map("\(.world) \(.right | pc) of \(.n)") | join(", "))), \(.seconds | round) s."')"
}
