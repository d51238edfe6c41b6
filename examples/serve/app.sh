#!/bin/bash
# The application where there is no node: the same calls with curl, or with bash alone.
# Usage: app.sh curl|bash BASE-URL NOTES
set -euo pipefail
how=$1 url=$2 notes=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# post PATH - posts each line of standard input, a JSON text, to the path, one after the other, and
# prints the answers with their heads.
post() {
	local body head length
	case $how in
	curl)
		jq -rR --arg url "$url$1" '"next\nurl = \($url | tojson)\ninclude\nsilent\nshow-error\nfail
			header = \"Content-Type: application/json\"\ndata-binary = \(tojson)"' | sed 1d | curl --fail-early -K -
		;;
	bash)
		local host=${url#http://} LC_ALL=C
		host=${host%%/*}
		while IFS= read -r body; do
			exec 5<>"/dev/tcp/${host%:*}/${host#*:}"
			printf 'POST /v1%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %s\r\n\r\n%s' \
				"$1" "$host" "${#body}" "$body" >&5
			IFS= read -r head <&5
			length=${head#* }
			[[ $length == 2* ]] || { echo "app.sh: $1: $head" >&2; return 1; }
			printf '%s\n' "$head"
			cat <&5
			echo
			exec 5>&-
		done
		;;
	*)
		echo "app.sh: curl or bash, not $how" >&2
		return 2
		;;
	esac
}

jq -c '{model: "payments", temperature: 0, max_tokens: 120, messages: .messages[:1],
	metadata: {conversation_id: .conversation, received}}' "$notes" | post /chat/completions >"$work/answers"
sed -n 's/^x-ft-record: \([^\r]*\).*/\1/Ip' "$work/answers" >"$work/records"
jq -c --rawfile ids "$work/records" '{record: ($ids / "\n")[input_line_number - 1], ideal: .messages[1].content}' "$notes" |
	post /feedback >"$work/taken"
