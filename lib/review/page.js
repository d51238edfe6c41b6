const $ = id => document.getElementById(id);
const LONG = 20000; // characters shown at once
let row = null, labels = [], passed = [], busy = false, retry = 0, suggested = [];

// A long text is cut and can be opened.
function block(text, cls) {
	if (text.length <= LONG) return el("div", text, cls);
	const box = el("div"), head = el("div", text.slice(0, LONG), cls), more = el("button", "show all " + text.length + " characters");
	more.onclick = () => { put(head, text); more.remove(); };
	box.append(head, more);
	return box;
}

// --- the server ---

async function call(path, body) {
	const how = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
	if (how.body && how.body.length < 60000) how.keepalive = true; // what is under way when the page is closed still arrives
	let r;
	try { r = await fetch(path, how); } catch { throw new Error("ft-review does not answer. Is it still running? What you typed stays here."); }
	const text = await r.text();
	if (!r.ok) throw new Error(text.trim() || "status " + r.status);
	return parse(text);
}

function say(text, trouble) {
	$("status").className = trouble ? "trouble" : "";
	put($("status"), text);
}

const judgedOf = s => s.good + s.fix + s.bad + s.skip + s.a + s.b + s.tie;

function counts(s) {
	const rows = s.pairs < s.due ? [s.good + " good", s.fix + " fixed"] : [], pairs = s.pairs ? [s.a + " times A", s.b + " times B", s.tie + (s.tie === 1 ? " tie" : " ties")] : [];
	return [...rows, ...pairs, s.bad + " bad", s.skip + " skipped"].join(", ");
}

function summary(s) {
	const judged = judgedOf(s), reason = $("reason"), chosen = reason.value;
	for (const o of $("state").options) o.hidden = ["good", "fix"].includes(o.value) ? s.pairs === s.due : ["a", "b", "tie"].includes(o.value) && !s.pairs;
	put($("who"), s.who + (s.pass === "first" ? "" : s.pass === "second" ? ", second pass" : ", adjudication"));
	$("bar").max = Math.max(1, s.due);
	$("bar").value = judged;
	put($("count"), judged + " of " + s.due);
	$("count").title = counts(s);
	$("count").style.minWidth = 2 * String(s.due).length + 4 + "ch"; // or what stands beside it moves
	put($("rate"), s.words || (s.pairs === s.due ? "which of two answers is better? whose they are is not shown" : "error rate not known yet"));
	$("rate").title = $("rate").textContent;
	reason.length = 1;
	for (const x of s.reasons) {
		const o = el("option", x.reason + " (" + x.open + ")");
		o.value = x.reason;
		reason.append(o);
	}
	reason.value = chosen;
	if (s.pending) waiting(s.pending, s.error);
	else if (retry) { clearTimeout(retry); retry = 0; say("The journal can be written again: everything is saved."); }
}

// Decisions that the journal could not take are in the server's memory; it tries again whenever it is asked.
function waiting(n, why) {
	say((why || "The journal can't be written") + ": " + n + (n === 1 ? " decision is" : " decisions are") +
		" kept in memory and tried again. Make room on the disk, and leave ft-review running until this is gone.", true);
	clearTimeout(retry);
	retry = setTimeout(() => call("/api/summary").then(r => summary(r.summary)).catch(e => say(e.message, true)), 2000);
}

// --- a row ---

function content(c) {
	if (c === null || c === undefined) return "";
	if (typeof c === "string") return c;
	if (!Array.isArray(c)) return pretty(c);
	return c.map(p => typeof p === "string" ? p : p && typeof p.text === "string" ? p.text : pretty(p)).join("\n");
}

function callView(c) {
	const f = c && c.function || {}, box = el("div", undefined, "call"), args = f.arguments;
	const value = typeof args === "string" ? parsed(args) : args;
	box.append(el("b", f.name === undefined ? "call" : String(f.name)), block(value !== undefined ? pretty(value) : typeof args === "string" ? args : pretty(c), "code"));
	return box;
}

function turn(m) {
	const role = String(m.role), t = el("div", undefined, "turn " + (["user", "system", "assistant", "tool"].includes(role) ? role : ""));
	t.append(el("b", role + (m.name ? " " + m.name : "") + (m.tool_call_id ? " (" + m.tool_call_id + ")" : "")));
	const text = content(m.content), value = role === "tool" ? parsed(text) : undefined;
	if (text) t.append(block(value !== undefined ? pretty(value) : text, value !== undefined ? "code" : "text"));
	for (const c of Array.isArray(m.tool_calls) ? m.tool_calls : []) t.append(callView(c));
	return t;
}

// A reference as it is read: JSON laid out, tool calls as calls.
function referenceView(text, kind) {
	const value = parsed(text);
	if (kind === "calls" && Array.isArray(value)) {
		const box = el("div");
		for (const c of value) box.append(callView(c));
		return box;
	}
	return value !== undefined ? block(pretty(value), "code") : block(text, text.length < 80 ? "text big" : "text");
}

function showSuggestions(r) {
	const box = $("suggestions");
	box.textContent = "";
	suggested = r.proposals;
	suggested.forEach((s, i) => {
		const b = el("button"), body = el("span", undefined, "body");
		if (s.text.length < 60 && parsed(s.text) === undefined) put(body, s.text);
		else body.append(difference(r.reference || "", s.text));
		b.append(el("kbd", String(i + 1)), body, el("span", s.from, "soft from"));
		b.onclick = () => act(() => decide("fix", s.text));
		box.append(b);
	});
	if (suggested.length) box.prepend(el("h3", "Or is it"));
}

async function open(number) {
	say("");
	const r = await call("/api/row?row=" + number);
	summary(r.summary);
	show(r.row);
}

function showRelated(r) {
	const box = $("related");
	box.textContent = "";
	if (r.related.length) box.append(el("h3", "Rows to compare with"));
	for (const x of r.related) {
		const d = el("div", undefined, "other"), b = el("button", "row " + (x.row + 1));
		b.onclick = () => act(() => open(x.row));
		d.append(el("div", x.text, "text"), el("div", "\u2192 " + (x.reference === null ? "no reference" : x.reference), "code"), b);
		if (x.verdict) d.append(" ", el("span", "judged " + x.verdict, "soft"));
		box.append(d);
	}
}

const words = { a: "A is better", b: "B is better", tie: "tie", bad: "both bad", skip: "skip" }; // of a pair's verdicts

// Two answers beside each other, without whose they are; where both are JSON, what differs.
function showAnswers(answers) {
	document.querySelectorAll(".answer").forEach((box, i) => {
		const view = box.querySelector(".view");
		box.hidden = !answers;
		view.textContent = "";
		if (answers) view.append(answers[i] === "" ? el("p", "empty", "soft") : referenceView(answers[i], "text"));
	});
	const [a, b] = (answers || []).map(parsed);
	if (a !== undefined && b !== undefined) $("view").append(el("h3", "Where they differ"), jsonDifference(a, b, ["member", "A", "B"], ["span", "span"]));
}

function show(r) {
	row = r;
	const rec = r.record, all = Array.isArray(rec.messages) ? rec.messages.filter(m => m && typeof m === "object") : [];
	const last = all[all.length - 1], shown = last && last.role === "assistant" ? all.slice(0, -1) : all;
	const pair = Array.isArray(r.answers);
	$("end").hidden = true;
	$("record").hidden = $("reference").hidden = false;
	document.body.classList.toggle("pair", pair);
	for (const b of document.querySelectorAll("nav [data-for]")) b.hidden = (b.dataset.for === "pair") !== pair;
	put($("title"), ["Row " + (r.row + 1), rec.id !== undefined ? String(rec.id) : "", r.split ? r.split + " set" : "",
		r.verdict ? "judged " + (pair ? words[r.verdict] : r.verdict) : ""].filter(Boolean).join(" \u00b7 "));
	const reasons = rec.review && Array.isArray(rec.review.reasons) ? rec.review.reasons : [];
	$("why").textContent = "";
	for (const x of reasons) if (x) $("why").append(el("li", x.reason + ": " + x.why));
	$("turns").textContent = "";
	for (const m of shown) $("turns").append(turn(m));
	if (rec.prompt !== undefined) $("turns").append(turn({ role: "prompt", content: rec.prompt }));
	if (!shown.length && rec.prompt === undefined) $("turns").append(block(pretty(rec), "code"));
	$("whole").open = false;
	$("whole").ontoggle = () => put($("whole").querySelector("pre"), $("whole").open ? pretty(rec).slice(0, 50 * LONG) : "");
	put($("reftitle"), r.kind === "calls" ? "Reference: tool calls" : pair && r.kind === null ? "" : "Reference");
	$("view").textContent = "";
	showAnswers(r.answers);
	if (!pair || r.kind !== null) $("view").append(r.kind === null ? el("p", "there is none", "soft") : r.reference === "" ? el("p", "empty", "soft") : referenceView(r.reference, r.kind));
	$("others").textContent = "";
	if (r.others.length) $("others").append(el("h3", "The reviewers"));
	for (const o of r.others) $("others").append(el("div", o.who + " says " + (pair ? words[o.verdict] : o.verdict) + (o.new ? ": " + o.new : "") + (o.why ? " (" + o.why + ")" : ""), "other"));
	$("judge").textContent = "";
	if (rec.judge) $("judge").append(el("h3", "A judge's verdict"), block(pretty(rec.judge), "code"));
	$("note").value = r.why || "";
	showSuggestions(r);
	showRelated(r);
	const kept = r.draft !== null ? r.draft : r.new;
	$("ref").value = kept !== null ? kept : r.reference || "";
	$("edit").hidden = kept === null;
	if (r.draft !== null && r.draft !== (r.reference || "")) say("An unsaved edit of this row was kept.");
	changed();
	$("title").focus({ preventScroll: true });
	scrollTo(0, 0);
}

// --- editing ---

function fit() {
	const t = $("ref");
	t.style.height = "auto";
	t.style.height = t.scrollHeight + 4 + "px";
}

// The labels that go with what is typed, those that begin like it first.
function matching(text) {
	const want = text.trim().toLowerCase(), begins = labels.filter(l => l.toLowerCase().startsWith(want));
	return begins.concat(labels.filter(l => !begins.includes(l) && l.toLowerCase().includes(want)));
}

function showLabels() {
	const now = $("ref").value, box = $("labels");
	box.textContent = "";
	if (!labels.length || row.kind === "calls") return;
	for (const l of matching(now === (row.reference || "") ? "" : now).slice(0, 12)) {
		const b = el("button", l);
		b.onclick = () => act(() => decide("fix", l));
		box.append(b);
	}
}

// Shows the change.
function changed() {
	const now = $("ref").value, was = row.reference || "";
	$("diff").textContent = "";
	if (!$("edit").hidden) { fit(); showLabels(); }
	if (now === was) return;
	$("diff").append(el("h3", "Your change"), difference(was, now));
	if (parsed(was) !== undefined) try { JSON.parse(now); } catch (e) { $("diff").append(el("p", "No longer JSON: " + e.message, "soft")); }
}

// Drafts are kept by the server, beside the journal: a closed browser loses nothing.
let draftTimer = 0, draftSent = Promise.resolve();
function keepDraft() {
	clearTimeout(draftTimer);
	draftTimer = 0;
	if (!row) return;
	const now = $("ref").value;
	draftSent = call("/api/draft", { row: row.row, key: row.key, hash: row.hash, text: now === (row.reference || "") ? null : now })
		.catch(e => say("The edit is not kept: " + e.message, true));
}

function edited() {
	changed();
	clearTimeout(draftTimer);
	draftTimer = setTimeout(keepDraft, 250);
}

function startEdit() {
	$("edit").hidden = false;
	changed();
	$("ref").focus();
	if (labels.length) $("ref").select();
	if (labels.length && row.kind !== "calls") say("Type a few letters; Enter takes the first label.");
	else say("Change the reference and save it.");
}

// --- what the keys do ---

function filter() {
	const p = new URLSearchParams();
	for (const k of ["reason", "split", "state"]) if ($(k).value) p.set(k, $(k).value);
	return p;
}

function nothingLeft(s) {
	const box = $("end"), all = judgedOf(s) === s.due && !String(filter());
	row = null;
	showAnswers(null);
	$("record").hidden = $("reference").hidden = true;
	box.hidden = false;
	box.textContent = "";
	box.append(el("h2", all ? "All " + s.due + " rows are judged" : "Nothing is left here"),
		el("p", counts(s) + ". " +
			(all ? "Everything is saved: stop ft-review with Ctrl-C in its terminal." : "Change the filter above, or stop ft-review with Ctrl-C in its terminal: everything is saved.")),
		el("p", s.pairs ? "ft-review --report tells which model wins, --pairs writes the preferences to train on." :
			"ft-review --report tells how wrong the set is, --apply puts the fixes into it.", "soft"));
}

async function next(pass) {
	const p = filter();
	if (pass && row) {
		passed.push(row.row);
		say("");
	}
	if (passed.length) p.set("not", passed.slice(-200).join(","));
	const r = await call("/api/next?" + p);
	summary(r.summary);
	if (r.row) show(r.row);
	else nothingLeft(r.summary);
}

async function decide(verdict, text) {
	if (!row) return;
	const was = row.reference || "", edit = $("edit").hidden ? was : $("ref").value, now = text !== undefined ? text : edit;
	if (verdict === "fix" && now === was) return startEdit();
	if (verdict === "good" && edit !== was && !confirm("The reference was changed. Judge the unchanged one as good and drop the change?")) return;
	if (verdict === "fix" && labels.length && row.kind !== "calls" && !labels.includes(now) && !confirm("\u201c" + now.slice(0, 200) + "\u201d is none of the " + labels.length + " labels. Save it?")) return;
	if (verdict === "fix" && row.split === "test" && !confirm("This row belongs to the test set. Changing it changes what models are measured by. Save?")) return;
	clearTimeout(draftTimer);
	draftTimer = 0;
	await draftSent; // or it might come behind the verdict
	const decision = { row: row.row, key: row.key, hash: row.hash, verdict, new: verdict === "fix" ? now : null, why: $("note").value };
	let r = await call("/api/decide", decision);
	if (r.doubt) {
		if (!confirm("Sure? " + r.doubt + ". Save?")) return;
		r = await call("/api/decide", { ...decision, sure: true });
	}
	await next();
	if (r.saved) say("Row " + (r.row + 1) + ": " + verdict + ", saved. u takes it back.");
	else waiting(r.pending, r.error);
}

// Of a pair: what is decided is about the texts as they stand here.
async function compare(verdict) {
	const r = await call("/api/decide", { row: row.row, key: row.key, hash: row.hash, verdict, new: null, why: $("note").value });
	await next();
	if (r.saved) say("Row " + (r.row + 1) + ": " + words[verdict] + ", saved. u takes it back.");
	else waiting(r.pending, r.error);
}

async function undo() {
	const r = await call("/api/undo", {});
	summary(r.summary);
	show(r.row);
	say("Taken back: row " + (r.row.row + 1) + " is open again.");
}

async function search(q) {
	const box = $("hits");
	box.textContent = "";
	box.hidden = !q;
	if (!q) return;
	const r = await call("/api/search?q=" + encodeURIComponent(q));
	box.append(el("h2", r.rows.length + (r.more ? " or more" : "") + (r.rows.length === 1 ? " row holds" : " rows hold") + " \u201c" + q + "\u201d"));
	for (const x of r.rows) {
		const b = el("button", (x.row + 1) + ": " + x.text);
		b.onclick = () => act(async () => { await open(x.row); box.hidden = true; });
		box.append(b);
	}
	const first = box.querySelector("button");
	if (first) first.focus();
}

const isPair = () => row && Array.isArray(row.answers);
const actions = {
	good: () => decide("good"), fix: () => row && startEdit(), bad: () => decide("bad"), skip: () => isPair() ? compare("skip") : decide("skip"), undo, next: () => next(true),
	a: () => compare("a"), b: () => compare("b"), tie: () => compare("tie"), both: () => compare("bad"),
	search: () => $("q").focus(), help: () => $("help").showModal(), note: () => $("note").focus(),
};
const keys = { s: "skip", u: "undo", n: "next", w: "note", "/": "search", "?": "help" };
const rowKeys = { g: "good", f: "fix", b: "bad" }, pairKeys = { a: "a", b: "b", t: "tie", x: "both" };

// One thing at a time: a key pressed while a row is on its way is not taken for the row that comes.
async function act(what) {
	if (busy) return;
	busy = true;
	try { await what(); } catch (e) { say(e.message, true); } finally { busy = false; }
}

document.addEventListener("keydown", e => {
	const field = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName), enter = e.key === "Enter";
	if (e.isComposing) return;
	if (e.key === "Escape" && field) { e.target.blur(); $("title").focus(); if ($("hits").hidden === false) $("hits").hidden = true; return; }
	if (enter && (e.ctrlKey || e.metaKey) && !isPair()) { e.preventDefault(); act(() => decide("fix")); return; }
	if (enter && e.target.id === "ref" && labels.length && row && row.kind !== "calls") {
		e.preventDefault();
		const first = matching($("ref").value)[0];
		if (first !== undefined) act(() => decide("fix", first));
		return;
	}
	if (enter && e.target.id === "note") { e.preventDefault(); e.target.blur(); $("title").focus(); return; }
	if (field || e.ctrlKey || e.metaKey || e.altKey || $("help").open || e.repeat) return;
	const what = keys[e.key] || (isPair() ? pairKeys : rowKeys)[e.key];
	if (what) { e.preventDefault(); act(actions[what]); }
	else if (e.key >= "1" && e.key <= "9" && suggested[e.key - 1] && row) { e.preventDefault(); const s = suggested[e.key - 1]; act(() => decide("fix", s.text)); }
});
// The second click of a double click would fall on the next row.
document.addEventListener("click", e => { if (e.detail > 1 && e.target.closest("button")) { e.preventDefault(); e.stopImmediatePropagation(); } }, true);
$("save").onclick = () => act(() => decide("fix"));
for (const b of document.querySelectorAll("nav button")) b.onclick = () => act(actions[b.dataset.do]);
for (const k of ["reason", "split", "state"]) $(k).onchange = () => { passed = []; act(() => next()); };
$("search").onsubmit = e => { e.preventDefault(); act(() => search($("q").value)); };
$("ref").oninput = edited;
addEventListener("pagehide", () => { if (draftTimer) keepDraft(); });
act(async () => { labels = (await call("/api/labels")).labels; await next(); });
