// What the npm package `@anthropic-ai/sdk` makes of a model that ft-serve serves: answers, streams, tools, stop sequences, refusals. Run
// by tests/serve-local.bats with the server's address and the schema of a call as arguments; prints one line of JSON.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.argv[2], apiKey: "any", maxRetries: 0, timeout: 60000 });
const schema = JSON.parse(process.argv[3]);
const seen = {};
const asked = { model: "m", max_tokens: 20, system: "Be short.", messages: [{ role: "user", content: "Say it" }] };

const message = await client.messages.create(asked);
const gathered = await client.messages.stream(asked).finalMessage();
seen.message = [message.content[0].text, gathered.content[0].text];
seen.usage = [message.usage.output_tokens, gathered.usage.output_tokens];
seen.stop = [message.stop_reason, gathered.stop_reason];

const calling = { ...asked, max_tokens: 200, tools: [{ name: "look", input_schema: { type: "object" } }], output_config: { format: { type: "json_schema", schema } } };
const told = (m) => [m.content[0].type, m.content[0].name, typeof m.content[0].input.n];
seen.tool = told(await client.messages.create(calling));
seen.streamed_tool = told(await client.messages.stream(calling).finalMessage());

const letter = message.content[0].text.slice(2, 4);
const stopped = await client.messages.create({ ...asked, stop_sequences: [letter] });
seen.sequence = [stopped.stop_reason, stopped.stop_sequence === letter];
try {
	await client.messages.create({ ...asked, thinking: { type: "enabled", budget_tokens: 1024 } });
} catch (e) {
	seen.refused = [e.constructor.name, e.status, e.error?.error?.type];
}
console.log(JSON.stringify(seen));
