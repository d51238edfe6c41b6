// Compares the renderings of two interpreters:	node compare.mjs TEMPLATE-NAME KNOWN REFERENCE OURS
// Prints one line of counts; every difference that KNOWN does not list goes to standard error and makes the status 1. A row that the
// reference cannot render does not count, one that only we cannot render is a difference.
import { readFileSync } from "node:fs";
const [name, known, reference, ours] = process.argv.slice(2);
const rows = (f) => readFileSync(f, "utf8").split("\n").filter(Boolean).map((l) => JSON.parse(l));
const entry = known === "-" ? undefined : readFileSync(known, "utf8").split("\n").find((l) => l.startsWith(name + " "));
const expected = new Set((entry?.split(" ")[1] ?? "").split(",").filter(Boolean).map(Number));
const a = rows(reference), b = rows(ours);
let same = 0, unusable = 0, listed = 0, bad = a.length !== b.length || !a.length ? 1 : 0;
if (bad) console.error(`${name}: ${a.length} rows from the reference, ${b.length} from ft`);
a.forEach((x, i) => {
  const y = b[i];
  if (x?.error !== undefined) unusable++;
  else if (x === y) same++;
  else if (expected.has(i)) listed++;
  else {
    bad++;
    let k = 0;
    while (typeof y === "string" && k < x.length && x[k] === y[k]) k++;
    console.error(`${name} row ${i}: want ${JSON.stringify(x.slice(Math.max(0, k - 30), k + 60))}, got ${typeof y === "string" ? JSON.stringify(y.slice(Math.max(0, k - 30), k + 60)) : y?.error}`);
  }
});
console.log(JSON.stringify({ template: name, same, unusable, listed, bad }));
process.exit(bad ? 1 : 0);
