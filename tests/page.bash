# The page of ft-review, as a browser talks to it.
# shellcheck shell=bash disable=SC2034 # cookie and code are for who asked

# http METHOD PATH [BODY] - one request to the page of $PORT with the headers of $HEADERS (an
# array); status in $code, body in $body, cookie in $cookie.
http() {
	local method=$1 path=$2 data=${3:-} line
	exec 8<>"/dev/tcp/127.0.0.1/$PORT"
	{
		printf '%s %s HTTP/1.1\r\nConnection: close\r\nContent-Length: %d\r\n' "$method" "$path" "${#data}"
		for line in "${HEADERS[@]}"; do printf '%s\r\n' "$line"; done
		printf '\r\n%s' "$data"
	} >&8
	code='' cookie=''
	while IFS= read -r line <&8; do
		line=${line%$'\r'}
		[ -n "$line" ] || break
		case $line in
		HTTP/1.1*) code=${line#HTTP/1.1 } code=${code%% *} ;;
		[Ss]et-[Cc]ookie:*) cookie=${line#*: } cookie=${cookie%%;*} ;;
		esac
	done
	body=$(cat <&8)
	exec 8>&-
}

# open_page ARGS... - starts ft-review -o and enters with its token.
open_page() {
	rm -f address.txt # or the last run's would be read
	ft-review -q "$@" >address.txt 2>page.err 3>&- &
	PAGE_PID=$!
	await [ -s address.txt ]
	ADDRESS=$(cat address.txt)
	PORT=${ADDRESS#http://127.0.0.1:}
	PORT=${PORT%%/*}
	HEADERS=("Host: 127.0.0.1:$PORT" "Origin: http://127.0.0.1:$PORT")
	http GET "/${ADDRESS#http://127.0.0.1:*/}"
	[ "$code" = 303 ]
	HEADERS+=("Cookie: $cookie")
}
