// ROUGE of tests/fixtures/similar.py against npm's js-rouge 3, on the same words:
//
//	npm install --no-save js-rouge@3; python3 tests/fixtures/similar.py --json | node rouge.mjs
import { readFileSync } from "fs";
import { n, l } from "js-rouge";

const options = { tokenizer: s => s.split(" ").filter(w => w), segmenter: s => [s], caseSensitive: true, beta: 1 };
let same = 0, other = 0;
for (const [answer, reference, ...ours] of JSON.parse(readFileSync(0, "utf8"))) {
	if (!answer || !reference)
		continue; // js-rouge refuses empty texts
	const theirs = [n(answer, reference, { ...options, n: 1 }), n(answer, reference, { ...options, n: 2 }), l(answer, reference, options)];
	theirs.forEach((x, i) => {
		if (Math.abs(x - ours[i]) < 1e-9) {
			same++;
		} else {
			other++;
			console.log(`ROUGE-${["1", "2", "L"][i]} of "${answer}" and "${reference}": ${ours[i]}, js-rouge ${x}`);
		}
	});
}
console.log(`${same} figures equal js-rouge's, ${other} do not`);
process.exit(other ? 1 : 0);
