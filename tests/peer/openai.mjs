// What the npm package `openai` makes of the test server: answers, streams, tools, schemas, errors, retries, files and batches.
// Run by tests/peer.bats with the server's address as argument; prints one line of JSON.
import OpenAI from "openai";
import fs from "node:fs";

const base = process.argv[2];
const client = new OpenAI({ baseURL: base, apiKey: "sk-test-key", maxRetries: 2, timeout: 10000 });
const ask = (content, more = {}) => client.chat.completions.create({ model: "m", messages: [{ role: "user", content }], ...more });
const seen = {};

const plain = await ask("hello é 漢字");
seen.plain = [plain.object, plain.choices[0].message.content, plain.choices[0].finish_reason, plain.usage.total_tokens > 0, plain._request_id.startsWith("req-")];

let text = "", usage = null, reason = null;
for await (const chunk of await ask("streamed é 漢字 words", { stream: true, stream_options: { include_usage: true } })) {
	text += chunk.choices[0]?.delta?.content ?? "";
	reason = chunk.choices[0]?.finish_reason ?? reason;
	usage = chunk.usage ?? usage;
}
seen.stream = [text, reason, usage.completion_tokens > 0];

const tool = await ask("stub{body=tool}", { tools: [{ type: "function", function: { name: "look_up", parameters: { type: "object" } } }] });
seen.tool = [tool.choices[0].message.content, tool.choices[0].message.tool_calls[0].function.name, tool.choices[0].finish_reason];

const schema = { type: "object", properties: { due: { type: "string" } }, required: ["due"], additionalProperties: false };
const shaped = await ask("monday", { response_format: { type: "json_schema", json_schema: { name: "answer", strict: true, schema } } });
seen.schema = JSON.parse(shaped.choices[0].message.content);

seen.retried = (await ask("stub{status=429;retry-after-ms=10;times=2} again")).choices[0].message.content;
seen.logprobs = (await ask("word", { logprobs: true, top_logprobs: 2 })).choices[0].logprobs.content[0].top_logprobs.length;
for (const [name, d] of [["auth", "status=401"], ["bad", "status=400"], ["gone", "status=404"], ["down", "status=500;should-retry=false"]])
	try {
		await ask(`stub{${d}}`);
		seen[name] = null;
	} catch (e) {
		seen[name] = [e.constructor.name, e.status, e.message];
	}

const line = { custom_id: "a", method: "POST", url: "/v1/chat/completions", body: { model: "m", messages: [{ role: "user", content: "in a batch" }] } };
fs.writeFileSync("batch.jsonl", JSON.stringify(line) + "\n");
const file = await client.files.create({ file: fs.createReadStream("batch.jsonl"), purpose: "batch" });
let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
const states = [batch.status];
while (batch.status !== "completed") {
	batch = await client.batches.retrieve(batch.id);
	states.push(batch.status);
}
const result = JSON.parse((await (await client.files.content(batch.output_file_id)).text()).trim());
seen.batch = [states, result.custom_id, result.response.body.choices[0].message.content];
console.log(JSON.stringify(seen));
