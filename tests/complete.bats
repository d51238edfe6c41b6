#!/usr/bin/env bats
# What `--complete SHELL` prints, in the shells that read it.

load helper

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
	mkdir models
	: >rows.jsonl
	: >'two words.jsonl'
}

# in_bash WORD... - the candidates for the last word, one a line, in the order of the alphabet.
in_bash() {
	"$1" --complete bash >script
	bash --norc -c '. ./script
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_${1//-/_}"
		[ ${#COMPREPLY[@]} -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$@" | sort
}

# in_zsh LINE - what a press of the tabulator key makes of the line, in an interactive shell.
in_zsh() {
	mkdir -p functions
	"${1%% *}" --complete zsh >"functions/_${1%% *}"
	cat >keys.zsh <<-'END'
		zmodload zsh/zpty
		zpty -b shell 'TERM=dumb zsh -f -i'
		zpty -w shell 'fpath=($PWD/functions $fpath); autoload -U compinit; compinit -u -D; PS1=ready
			tell() { print -r -- "$BUFFER" >buffer; exit }; zle -N tell; bindkey "^I" complete-word; bindkey "^G" tell
			: >started'
		for i in {1..3000}; do [[ -e started ]] && break; sleep 0.02; done
		zpty -n -w shell "$1"$'\t\a'
		for i in {1..3000}; do [[ -s buffer ]] && break; sleep 0.02; done
	END
	rm -f buffer started
	zsh -f keys.zsh "$1" </dev/null
	cat buffer
}

# in_fish LINE - the candidates for its last word, without what is said of them.
in_fish() {
	"${1%% *}" --complete fish >script.fish
	HOME=$TMP fish --no-config -c 'source script.fish; complete -C $argv[1]' "$1" | cut -f 1
}

@test "every program prints a script that each shell reads, and names the shells that it knows" {
	for p in "$BUILD"/bin/ft-*; do
		for shell in bash zsh fish; do
			"$p" --complete "$shell" >"script.$shell"
			[ -s "script.$shell" ]
			! command -v "$shell" >/dev/null || "$shell" -n "script.$shell"
		done
	done
	status_is 2 ft-eval --complete tcsh
	# shellcheck disable=SC2154 # run sets it
	[[ $stderr == "ft-eval: --complete tcsh: must be bash, zsh or fish"* ]]
}

@test "every option of the help is completed in every shell" {
	for p in "$BUILD"/bin/ft-*; do
		p=$(basename "$p")
		"$p" --help | sed -n '/^options:/,/^examples:/s/^  \(-., \|    \)\(--[a-z0-9-]*\).*/\2/p' | sort -u >want
		in_bash "$p" -- >got
		diff want got
		"$p" --complete zsh | grep -oE '(^|[^a-z])--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort -u >got
		[ -z "$(comm -23 want got)" ]
		"$p" --complete fish | sed -n 's/.* -l \([a-z0-9-]*\).*/--\1/p' | sort -u >got
		diff want got
	done
}

@test "bash: options, values of closed sets, files, directories, and nothing where nothing is known" {
	[ "$(in_bash ft-train --sch)" = --schedule ]
	[ "$(in_bash ft-train --schedule '')" = $'constant\ncosine\nlinear' ]
	[ "$(in_bash ft-train --schedule = co)" = $'constant\ncosine' ]
	[ "$(in_bash ft-train --schedule =)" = $'constant\ncosine\nlinear' ]
	[ "$(in_bash ft-train --schedule=li)" = --schedule=linear ]
	[ "$(in_bash ft-eval -c rouge)" = $'rouge-1\nrouge-2\nrouge-l' ]
	[ "$(in_bash ft-train --valid r)" = rows.jsonl ]
	[ "$(in_bash ft-train -v two)" = 'two words.jsonl' ]
	[ "$(in_bash ft-train -m '')" = models ]
	[ "$(in_bash ft-train --lr '')" = "" ]
	[ "$(in_bash ft-train --full r)" = rows.jsonl ]
	[ "$(in_bash ft-train -- --f)" = "" ]
	[ "$(in_bash ft-pull '')" = "" ]
}

@test "bash: a text is free, or a file after @, whether or not words end there" {
	[ "$(in_bash ft-prompt -t r)" = "" ]
	[ "$(in_bash ft-prompt -t @ r)" = rows.jsonl ]
	[ "$(in_bash ft-prompt --template = r)" = "" ]
	[ "$(in_bash ft-prompt --template =@ r)" = rows.jsonl ]
	[ "$(in_bash ft-prompt -t @r)" = @rows.jsonl ]
	[ "$(in_bash ft-prompt --template=@r)" = --template=@rows.jsonl ]
}

@test "zsh: options, values, files and directories" {
	command -v zsh >/dev/null || skip "no zsh here"
	[ "$(in_zsh 'ft-train --sched')" = "ft-train --schedule=" ]
	[ "$(in_zsh 'ft-train --schedule cos')" = "ft-train --schedule cosine " ]
	[ "$(in_zsh 'ft-train --too-long=tr')" = "ft-train --too-long=truncate " ]
	[ "$(in_zsh 'ft-eval -c exact -c lev')" = "ft-eval -c exact -c levenshtein " ]
	[ "$(in_zsh 'ft-train -v r')" = "ft-train -v rows.jsonl " ]
	[ "$(in_zsh 'ft-train --full m')" = "ft-train --full models/" ]
	[ "$(in_zsh 'ft-prompt -t @r')" = "ft-prompt -t @rows.jsonl " ]
}

@test "fish: options, values, files and directories" {
	command -v fish >/dev/null || skip "no fish here"
	[ "$(in_fish 'ft-train --sched')" = --schedule ]
	[ "$(in_fish 'ft-train --schedule co' | sort)" = $'constant\ncosine' ]
	[ "$(in_fish 'ft-train --too-long=tr')" = --too-long=truncate ]
	[ "$(in_fish 'ft-eval -c lev')" = levenshtein ]
	[ "$(in_fish 'ft-train -v r')" = rows.jsonl ]
	[ "$(in_fish 'ft-train -m m')" = models/ ]
	[ "$(in_fish 'ft-prompt -t @r')" = @rows.jsonl ]
	[ "$(in_fish 'ft-prompt -t r')" = "" ]
}

@test "bash: the programs behind ft, and then what each of them takes" {
	[ "$(in_bash ft spl)" = split ]
	[ "$(in_bash ft split --str)" = "$(in_bash ft-split --str)" ]
	[ "$(in_bash ft judge --resp)" = "$(in_bash ft-judge --resp)" ]
}
