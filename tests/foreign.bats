#!/usr/bin/env bats
# Files in forms that are no JSON Lines: every program refuses them in one sentence whose command
# makes of the file what it reads.

# shellcheck disable=SC2154 # status_is and run set stderr
load helper

setup() {
	TMP=$BATS_TEST_TMPDIR
	cd "$TMP" || exit 1
	jq -nc 'range(40) | {id: "r\(.)", text: "row \(.)", output: "a", ideal: "a"}' >rows.jsonl
}

# refused FILE COMMAND... - the program ends with 2 and its sentence holds the file and the remedy,
# which gives the rows again.
refused() {
	local file=$1 remedy=$2 line
	run --separate-stderr ft-split -q "$file"
	[ "$status" -eq 2 ]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
	[[ $stderr == *"$file is "*"$remedy"* ]]
	line=${stderr##*what can be read: }
	bash -c "${line/FILE/$file}" >back.jsonl
	cmp back.jsonl rows.jsonl
}

@test "compressed rows, rows in UTF-16, an array and rows over several lines are refused with the remedy" {
	gzip -c rows.jsonl >rows.gz
	iconv -f UTF-8 -t UTF-16 rows.jsonl >rows.u16
	iconv -f UTF-8 -t UTF-16LE rows.jsonl >rows.u16le
	jq -s . rows.jsonl >rows.json
	jq -sc . rows.jsonl >one-line.json
	jq . rows.jsonl >pretty.json
	refused rows.gz zcat
	refused rows.u16 iconv
	refused rows.u16le iconv
	refused rows.json "jq -c '.[]'"
	refused one-line.json "jq -c '.[]'"
	refused pretty.json "jq -c ."
}

@test "each program that reads records refuses them so, and standard input too" {
	gzip -c rows.jsonl >rows.gz
	for program in "ft-split -q" "ft-eval" "ft-drift -r rows.jsonl" "ft-review --scan" \
		"ft-prompt -m x -u http://127.0.0.1:9" "ft-judge -m x -u http://127.0.0.1:9" "ft-judge --agree .x"; do
		OPENAI_API_KEY=k run --separate-stderr $program rows.gz
		[ "$status" -eq 2 ] || { echo "$program: $status $stderr"; return 1; }
		[[ $stderr == *"rows.gz is compressed by gzip"* ]] || { echo "$program: $stderr"; return 1; }
	done
	run --separate-stderr ft-split -q <rows.gz
	[ "$status" -eq 2 ]
	[[ $stderr == *"standard input is compressed by gzip"* ]]
}

@test "a Git LFS pointer in place of a model's file is named" {
	mkdir model
	printf 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n' | tee model/config.json >model/tokenizer.json
	run --separate-stderr ft-prompt -m ./model rows.jsonl
	[ "$status" -eq 2 ]
	[[ $stderr == *"model/tokenizer.json is a Git LFS pointer"*"git lfs pull"* ]]
}

@test "a tokenizer in tiktoken's form is named, with what converts it" {
	mkdir model
	echo '{"model_type": "qwen2"}' >model/config.json
	echo 'IQ== 0' >model/qwen.tiktoken
	run --separate-stderr ft-prompt -m ./model rows.jsonl
	[ "$status" -eq 2 ]
	[[ $stderr == *"model/tokenizer.json: no such file; qwen.tiktoken beside it"*TikTokenConverter* ]]
}
