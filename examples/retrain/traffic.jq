# Of each call in ft-serve's log (it has a routes_hash), and of each row that was made of one, what the
# two can be compared by; records of another kind as they are.
if .routes_hash then
	select(.messages and (.shadow or .error | not))
	| {id, messages, tools, response_format, output, tool_calls} | with_entries(select(.value != null))
else select(.feedback == null or .messages or .prompt) end
