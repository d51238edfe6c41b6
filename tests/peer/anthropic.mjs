// What the npm package `@anthropic-ai/sdk` makes of the test server: answers, streams, tools, errors, retries.
// Run by tests/peer.bats with the server's address as argument; prints one line of JSON.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.argv[2].replace(/\/v1$/, ""), apiKey: "sk-test-key", maxRetries: 2, timeout: 10000 });
const ask = (content, more = {}) => client.messages.create({ model: "m", max_tokens: 50, messages: [{ role: "user", content }], ...more });
const seen = {};

const plain = await ask("hello é 漢字", { system: "be brief" });
seen.plain = [plain.type, plain.content[0].text, plain.stop_reason, plain.usage.input_tokens > 0];
const message = await client.messages.stream({ model: "m", max_tokens: 50, messages: [{ role: "user", content: "streamed é 漢字 words" }] }).finalMessage();
seen.stream = [message.content[0].text, message.stop_reason, message.usage.output_tokens > 0];
const tool = await ask("stub{body=tool}", { tools: [{ name: "look_up", input_schema: { type: "object" } }] });
seen.tool = [tool.content.at(-1).type, tool.content.at(-1).name, tool.stop_reason];
seen.retried = (await ask("stub{status=529;retry-after-ms=10;times=2} again")).content[0].text;
try {
	await ask("stub{status=401}");
} catch (e) {
	seen.auth = [e.constructor.name, e.status];
}
console.log(JSON.stringify(seen));
