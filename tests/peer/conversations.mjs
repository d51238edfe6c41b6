// Prints the conversations that chat templates are compared on, one set of template variables a line.
const bos_token = "<s>", eos_token = "</s>";
const tools = [
  { type: "function", function: { name: "get_weather", description: "Weather of a city, <now> & \"here\"", parameters: { type: "object", properties: {
    city: { type: "string", description: "The city's name, e.g. São Paulo" }, unit: { type: "string", enum: ["C", "F"] }, days: { type: "integer" } }, required: ["city"] } } },
  { type: "function", function: { name: "add", description: "Adds numbers", parameters: { type: "object", properties: { xs: { type: "array", items: { type: "number" } }, flag: { type: "boolean" } }, required: ["xs"] } } },
];
const call = (id, name, args) => ({ id, type: "function", function: { name, arguments: args } });
const u = (content) => ({ role: "user", content }), a = (content) => ({ role: "assistant", content }), s = (content) => ({ role: "system", content });
const sets = [
  { messages: [u("Hello")] },
  { messages: [s("Be brief."), u("  What is 2+2? \n")] },
  { messages: [u("Hi"), a("Hello! \"quoted\" & <b>"), u("And 3+3?"), a("6"), u("Größe, 日本語, 👍🏽?")] },
  { messages: [s("You are\na poet."), u("a"), a("b"), u("c"), a("d")] },
  { messages: [s(""), u(""), a(""), u("again")] },
  { messages: [u("Weather in Paris?"), { role: "assistant", content: "", tool_calls: [call("abcdef123", "get_weather", { city: "Paris", days: 3 })] },
    { role: "tool", tool_call_id: "abcdef123", name: "get_weather", content: "{\"t\": 21.5}" }, a("It is 21.5 °C."), u("Thanks")], tools },
  { messages: [s("Use tools."), u("Do both"), { role: "assistant", content: "Sure.", tool_calls: [call("aaaaaaaa1", "get_weather", { city: "Rome", unit: "C" }), call("aaaaaaaa2", "add", { xs: [1, 2.5], flag: true })] },
    { role: "tool", tool_call_id: "aaaaaaaa1", name: "get_weather", content: "sunny" }, { role: "tool", tool_call_id: "aaaaaaaa2", name: "add", content: "3.5" }], tools },
  { messages: [u("No tools needed, but here they are")], tools },
  { messages: [u("think"), { role: "assistant", content: "<think>\nhm\n</think>\n\n42", reasoning_content: "hm" }, u("more"), { role: "assistant", content: "43", reasoning_content: "ok" }] },
  { messages: [s("sys"), u("x"), a("  spaces kept?  "), u("y\n\n")], enable_thinking: false },
];
for (const set of sets)
  for (const add_generation_prompt of [true, false])
    console.log(JSON.stringify({ tools: null, documents: null, ...set, add_generation_prompt, bos_token, eos_token, pad_token: "<pad>", unk_token: "<unk>" }));
