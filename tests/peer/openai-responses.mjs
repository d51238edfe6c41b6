// What the npm package `openai` makes of the Responses API of the test server: answers, streams, tools, schemas, reasoning that goes
// round, refusals, ends before the end, errors, batches.
// Run by tests/peer.bats with the server's address as argument; prints one line of JSON.
import OpenAI from "openai";
import fs from "node:fs";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test-key", maxRetries: 2, timeout: 10000 });
const ask = (input, more = {}) => client.responses.create({ model: "m", input, store: false, ...more });
const seen = {};

const plain = await ask("hello é 漢字", { instructions: "be brief" });
seen.plain = [plain.object, plain.output_text, plain.status, plain.usage.total_tokens > 0, plain.store, plain._request_id.startsWith("req-")];

const types = [], numbers = [];
let text = "", last = null;
for await (const event of await ask("streamed é 漢字 words", { stream: true })) {
	types.push(event.type.replace("response.", ""));
	numbers.push(event.sequence_number);
	if (event.type === "response.output_text.delta") text += event.delta;
	last = event;
}
seen.stream = [text, last.response.output[0].content[0].text, last.response.status, last.response.usage.output_tokens > 0];
seen.events = types.filter((type, i) => type !== types[i - 1]);
seen.counted = numbers.every((n, i) => n === i);

// The package's own accumulator refuses events out of place.
const runner = client.responses.stream({ model: "m", input: "gathered words", reasoning: { summary: "auto" } });
const deltas = [];
runner.on("response.output_text.delta", (event) => deltas.push(event.delta));
const gathered = await runner.finalResponse();
seen.gathered = [deltas.join(""), gathered.output_text, gathered.output.map((item) => item.type), gathered.output[0].summary[0].text];

const tools = [{ type: "function", name: "look_up", parameters: { type: "object" }, strict: false }];
const tool = await ask("stub{body=tool}", { tools });
const call = tool.output[0];
seen.tool = [call.type, call.name, JSON.parse(call.arguments).q > 1e19, tool.output_text];
const toolStream = await client.responses.stream({ model: "m", input: "stub{body=tool}", tools }).finalResponse();
seen.toolStream = [toolStream.output[0].arguments === call.arguments, toolStream.output[0].call_id];
const round = await ask([
	{ role: "user", content: "stub{body=tool}" },
	call,
	{ type: "function_call_output", call_id: call.call_id, output: "found" },
	{ role: "user", content: [{ type: "input_text", text: "and then" }] },
]);
seen.round = round.output_text;

const thought = await ask("stub{body=reasoning;reasoning=7}why", { reasoning: { effort: "low", summary: "auto" }, include: ["reasoning.encrypted_content"] });
seen.reasoning = [thought.output.map((item) => item.type), thought.output[0].summary[0].text.length > 0, thought.usage.output_tokens_details.reasoning_tokens];
// With nothing stored, what was thought is sent back with the next turn.
const next = await ask([{ role: "user", content: "why" }, ...thought.output, { role: "user", content: "go on" }]);
seen.reasoned = [thought.output[0].encrypted_content.length > 0, next.output_text];

const schema = { type: "object", properties: { due: { type: "string" } }, required: ["due"], additionalProperties: false };
const parsed = await client.responses.parse({ model: "m", input: "monday", text: { format: { type: "json_schema", name: "answer", strict: true, schema } } });
seen.schema = parsed.output_parsed;
const logged = await ask("word", { include: ["message.output_text.logprobs"], top_logprobs: 2 });
seen.logprobs = logged.output[0].content[0].logprobs[0].top_logprobs.length;

const refused = await ask("stub{body=refusal}");
seen.refusal = [refused.output[0].content[0].type, refused.output_text];
const short = await ask("stub{body=length} cut");
seen.length = [short.status, short.incomplete_details.reason];
const failed = await client.responses.stream({ model: "m", input: "stub{body=failed}" }).finalResponse();
seen.failed = [failed.status, failed.error.code];
seen.retried = (await ask("stub{status=429;retry-after-ms=10;times=2} again")).output_text;
const wrong = async (name, body) => {
	try {
		await client.responses.create({ model: "m", ...body });
		seen[name] = null;
	} catch (e) {
		seen[name] = [e.constructor.name, e.status, e.param ?? null];
	}
};
await wrong("auth", { input: "stub{status=401}" });
await wrong("unknown", { input: "x", max_tokens: 5 });
await wrong("orphan", { input: [{ type: "function_call_output", call_id: "none", output: "x" }] });
await wrong("part", { input: [{ role: "user", content: [{ type: "text", text: "x" }] }] });

const line = { custom_id: "a", method: "POST", url: "/v1/responses", body: { model: "m", input: "in a batch" } };
fs.writeFileSync("batch.jsonl", JSON.stringify(line) + "\n");
const file = await client.files.create({ file: fs.createReadStream("batch.jsonl"), purpose: "batch" });
let batch = await client.batches.create({ input_file_id: file.id, endpoint: "/v1/responses", completion_window: "24h" });
while (batch.status !== "completed") batch = await client.batches.retrieve(batch.id);
const result = JSON.parse((await (await client.files.content(batch.output_file_id)).text()).trim());
seen.batch = [result.custom_id, result.response.body.object, result.response.body.output[0].content[0].text];
console.log(JSON.stringify(seen));
