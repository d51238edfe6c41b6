# Of the rows on standard input those whose input is none of $have's, each input once; run with -n.
def key: .messages[:-1] | tojson;
foreach inputs as $row ({seen: ($have | map({key: key, value: 1}) | from_entries)};
	.new = (.seen[$row | key] == null) | .seen[$row | key] = 1; select(.new) | $row)
