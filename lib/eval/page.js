// Filters rows by text and by kind, and shows what a wrong answer has other than its reference once it is seen. It stands behind difference.js.
const search = document.getElementById("q"), wrong = document.getElementById("w"), differ = document.getElementById("d");
const rows = [...document.querySelectorAll(".rows > tbody > tr")], SHORT = 40; // letters that need no help to be compared

function filter() {
	const text = search.value.toLowerCase();
	let shown = 0;
	for (const r of rows) {
		r.hidden = !((!text || r.textContent.toLowerCase().includes(text)) && (!wrong.checked || r.dataset.wrong) && (!differ || !differ.checked || r.dataset.differ));
		if (!r.hidden) shown++;
	}
	document.getElementById("n").textContent = shown + " of " + rows.length + (rows.length === 1 ? " row" : " rows");
}

// Of several references the one that the answer is nearest to.
function showDifference(cell) {
	const answer = cell.querySelector("pre").textContent;
	let best = null;
	for (const reference of cell.closest("tr").querySelectorAll("td.reference > pre")) {
		const was = reference.textContent, json = parsed(was) !== undefined && parsed(answer) !== undefined;
		if (was === answer || !json && (was.length < SHORT || answer.length < SHORT)) continue;
		const box = difference(was, answer);
		if (!best || box.textContent.length < best.textContent.length) best = box;
	}
	if (!best) return;
	const box = el("div", undefined, "difference");
	box.append(best);
	cell.insertBefore(box, cell.querySelector(".score"));
}

const seen = new IntersectionObserver(list => {
	for (const x of list) {
		if (!x.isIntersecting) continue;
		seen.unobserve(x.target);
		showDifference(x.target);
	}
}, { rootMargin: "300px" });
for (const cell of document.querySelectorAll(".rows td.miss:not(.failed)")) seen.observe(cell);
for (const x of [search, wrong, differ]) if (x) x.addEventListener("input", filter);
filter();
