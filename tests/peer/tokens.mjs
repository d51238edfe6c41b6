// Ids of JSON strings, one a line, by @huggingface/tokenizers:	node tokens.mjs [-d] DIR <strings.jsonl
// -d prints the text that decoding the ids gives.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const { Tokenizer } = createRequire(process.cwd() + "/")("@huggingface/tokenizers");
const decode = process.argv[2] === "-d";
const dir = process.argv[decode ? 3 : 2];
const json = (f) => JSON.parse(readFileSync(`${dir}/${f}`, "utf8"));
const t = new Tokenizer(json("tokenizer.json"), json("tokenizer_config.json"));
const out = [];
for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  const text = JSON.parse(line);
  const ids = text ? t.encode(text, { add_special_tokens: false }).ids : [];
  out.push(decode ? JSON.stringify(!ids.length ? "" : t.decode(ids, { skip_special_tokens: false, clean_up_tokenization_spaces: false })) : `[${ids.join(",")}]`);
}
process.stdout.write(out.join("\n") + "\n");
