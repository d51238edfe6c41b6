// What the npm package `openai` makes of a model that ft-serve serves: answers, streams, tools, schemas, refusals; chat completions,
// completions and responses. Run by tests/serve-local.bats with the server's address and the schema of a call as arguments; prints one
// line of JSON.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "any", maxRetries: 0, timeout: 60000 });
const call = JSON.parse(process.argv[3]);
const seen = {};
const ask = (more = {}) => client.chat.completions.create({ model: "m", messages: [{ role: "user", content: "Say it" }], max_tokens: 20, ...more });

const whole = await ask();
const stream = client.chat.completions.stream({
	model: "m", messages: [{ role: "user", content: "Say it" }], max_tokens: 20, stream_options: { include_usage: true },
});
const gathered = await stream.finalChatCompletion();
seen.chat = [whole.choices[0].message.content, gathered.choices[0].message.content];
seen.usage = [whole.usage.total_tokens, gathered.usage.total_tokens];

const tools = [{ type: "function", function: { name: "look", parameters: { type: "object", properties: { n: { type: "integer" } } } } }];
const shape = { type: "json_schema", json_schema: { name: "call", schema: call } };
const told = (choice) => [choice.finish_reason, choice.message.tool_calls[0].function.name, typeof JSON.parse(choice.message.tool_calls[0].function.arguments).n];
const tool = await ask({ tools, response_format: shape, max_tokens: 200 });
seen.tool = told(tool.choices[0]);
const streamed = client.chat.completions.stream({
	model: "m", messages: [{ role: "user", content: "Say it" }], max_tokens: 200, tools, response_format: shape,
});
seen.streamed_tool = told((await streamed.finalChatCompletion()).choices[0]);

const logged = await ask({ logprobs: true, top_logprobs: 2 });
seen.logprobs = [logged.choices[0].logprobs.content.length === logged.usage.completion_tokens, logged.choices[0].logprobs.content[0].top_logprobs.length];
seen.choices = (await ask({ n: 3, temperature: 1, seed: 4 })).choices.length;
try {
	await ask({ logit_bias: { 5: 10 } });
} catch (e) {
	seen.refused = [e.constructor.name, e.status, e.param];
}

const respond = { model: "m", input: "Say it", max_output_tokens: 20 };
const response = await client.responses.create(respond);
seen.events = [];
let text = "";
for await (const event of await client.responses.create({ ...respond, stream: true })) {
	seen.events.push(event.type);
	if (event.type === "response.output_text.delta") text += event.delta;
}
seen.responses = [response.output_text, text];
const called = await client.responses.create({
	...respond, max_output_tokens: 200, text: { format: { type: "json_schema", name: "call", schema: call } },
	tools: [{ type: "function", name: "look", parameters: { type: "object" }, strict: false }],
});
seen.response_tool = [called.output[0].type, called.output[0].name];

const complete = { model: "m", prompt: "Once", max_tokens: 8 };
let completed = "";
for await (const chunk of await client.completions.create({ ...complete, stream: true })) completed += chunk.choices[0]?.text ?? "";
seen.completion = [(await client.completions.create(complete)).choices[0].text, completed];
console.log(JSON.stringify(seen));
