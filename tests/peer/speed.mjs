// Speed of @huggingface/tokenizers over the lines of standard input:	node speed.mjs DIR <text
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const { Tokenizer } = createRequire(process.cwd() + "/")("@huggingface/tokenizers");
const json = (f) => JSON.parse(readFileSync(`${process.argv[2]}/${f}`, "utf8"));
const t = new Tokenizer(json("tokenizer.json"), json("tokenizer_config.json"));
const text = readFileSync(0);
const lines = text.toString().split("\n");
const begun = process.hrtime.bigint();
let tokens = 0;
for (const l of lines) if (l) tokens += t.encode(l, { add_special_tokens: false }).ids.length;
console.log(JSON.stringify({ who: "@huggingface/tokenizers", tokens, mb_per_s: text.length / 1e6 / (Number(process.hrtime.bigint() - begun) / 1e9) }));
