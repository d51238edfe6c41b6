// The application, with the unmodified openai package: every payment note is read by the model, and what people booked in the end goes
// back as feedback. Usage: node app.mjs BASE-URL NOTES
import OpenAI from "openai";
import fs from "node:fs";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "not-needed-here", maxRetries: 0 });
const notes = fs.readFileSync(process.argv[3], "utf8").trim().split("\n").map((line) => JSON.parse(line));

async function read(note) {
	const [asked, booked] = note.messages;
	const { response } = await client.chat.completions
		.create({
			model: "payments",
			temperature: 0,
			max_tokens: 120,
			messages: [asked],
			metadata: { conversation_id: note.conversation, received: note.received },
		})
		.withResponse();
	await client.post("/feedback", { body: { record: response.headers.get("x-ft-record"), ideal: booked.content } });
}

// A few at a time, as users come.
async function worker() {
	for (let note = notes.shift(); note; note = notes.shift()) await read(note);
}
await Promise.all(Array.from({ length: 8 }, worker));
