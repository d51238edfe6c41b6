# What the stand-in for a big model answers to each note, as stub-chat --replies reads it: the right
# answer, but for one note in 25 a sum that is ten times too large.
{match: .messages[0].content,
	reply: (.messages[1].content | if input_line_number % 25 == 0 then fromjson | .amount *= 10 | tojson else . end)}
