// A template over sets of variables, one a line, by @huggingface/jinja:	node templates.mjs TEMPLATE <vars.jsonl
// Prints the rendering of each as a JSON string, or {"error": reason}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
const { Template } = createRequire(process.cwd() + "/")("@huggingface/jinja");
let t, broken;
try { t = new Template(readFileSync(process.argv[2], "utf8")); } catch (e) { broken = e; }
for (const line of readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  try {
    if (broken) throw broken;
    console.log(JSON.stringify(t.render(JSON.parse(line))));
  } catch (e) { console.log(JSON.stringify({ error: String(e.message ?? e) })); }
}
