# The stand-in for a big model behind an API, as replies for stub-chat. Its error rates are stated here, and say nothing of any real
# model. With prompts/bare.txt it leaves the year out of the due date wherever the note does, as nothing asks for it: two notes in
# three. With prompts/few-shot.txt it is right but for one note in 8, where it takes the day of receipt for the due date.
.messages[0].content as $note
| .messages[1].content as $right
| .received as $received
| ([$note | scan("(?<![0-9])\($received[:4])(?![0-9])")] | length < 2) as $bare
| def due($day): $right | sub("\"due_date\":\"[-0-9]*\""; "\"due_date\":\"\($day)\"");
{match: "Answer with JSON: payee", last: $note, reply: (if $bare then due($right | fromjson | .due_date[5:]) else $right end)},
{match: "one JSON object on one line", last: $note, reply: (if input_line_number % 8 == 0 then due($received) else $right end)}
