# The rows that feedback made of calls: what the answer should have been is the reference.
select((.shadow | not) and .messages and (.ideal | type == "string"))
| {id, messages: (.messages + [{role: "assistant", content: .ideal}])}
