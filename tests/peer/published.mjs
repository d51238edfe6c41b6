// Prints the ids of what is trained on of one row, a range a word.
//
//	node published.mjs MASKS TOKENS DIR ROW
import { execFileSync } from "node:child_process";
const [masks, tokens, dir, row] = process.argv.slice(2);
const got = JSON.parse(execFileSync(masks, [dir], { input: row + "\n" }));
const parts = got.parts.filter(([weight]) => weight).map(([, text]) => JSON.stringify(text) + "\n").join("");
console.log(execFileSync(tokens, [dir], { input: parts }).toString().trim().split("\n").map((s) => s.slice(1, -1)).join(" "));
