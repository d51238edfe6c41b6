"use strict";
// What a text, or the value of its JSON, has other than another one: what the pages of ft-review and ft-eval show.

// --- text only, never markup ---

// Marks that turn or hide text are shown by their code point.
const ODD = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|\udb40[\udc00-\udfff]/g;

function put(e, text) {
	e.textContent = "";
	let last = 0;
	for (const m of text.matchAll(ODD)) {
		e.append(text.slice(last, m.index));
		const mark = document.createElement("span");
		mark.className = "odd";
		mark.textContent = "U+" + m[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
		e.append(mark);
		last = m.index + m[0].length;
	}
	e.append(text.slice(last));
	return e;
}

function el(tag, text, cls) {
	const e = document.createElement(tag);
	if (cls) e.className = cls;
	return text === undefined ? e : put(e, text);
}

// --- JSON, with numbers as they are written ---

const parse = text => JSON.parse(text, (key, value, context) =>
	typeof value === "number" && context && JSON.rawJSON && String(value) !== context.source ? JSON.rawJSON(context.source) : value);
const isBranch = v => v !== null && typeof v === "object" && !(JSON.isRawJSON && JSON.isRawJSON(v));

function parsed(text) {
	try { const v = parse(text); return isBranch(v) ? v : undefined; } catch { return undefined; }
}

const pretty = v => JSON.stringify(v, null, 2);

// What stands at each path.
function leaves(v, path = "", into = new Map()) {
	if (isBranch(v) && Object.keys(v).length) for (const k of Object.keys(v)) leaves(v[k], path + (Array.isArray(v) ? "[" + k + "]" : "." + k), into);
	else into.set(path, JSON.stringify(v));
	return into;
}

function jsonDifference(was, is, names = ["member", "reference", "instead"], marks = ["del", "ins"]) {
	const a = leaves(was), b = leaves(is), box = el("div", undefined, "scroll"), table = el("table"), head = el("tr");
	for (const name of names) head.append(el("th", name));
	table.append(head);
	for (const path of new Set([...a.keys(), ...b.keys()])) {
		if (a.get(path) === b.get(path)) continue;
		const line = el("tr"), left = el("td"), right = el("td");
		if (a.has(path)) left.append(el(marks[0], a.get(path)));
		if (b.has(path)) right.append(el(marks[1], b.get(path)));
		line.append(el("td", path || "all"), left, right);
		table.append(line);
	}
	box.append(table);
	return table.rows.length > 1 ? box : el("p", "the same JSON value, written differently", "soft");
}

// Words that went and came: what is common at both ends aside, a longest common subsequence.
function textDifference(was, is) {
	const box = el("div", undefined, "text"), u = was.split(/(\s+)/), v = is.split(/(\s+)/);
	let start = 0, end = 0;
	while (start < u.length && start < v.length && u[start] === v[start]) start++;
	while (end < u.length - start && end < v.length - start && u[u.length - 1 - end] === v[v.length - 1 - end]) end++;
	const a = u.slice(start, u.length - end), b = v.slice(start, v.length - end);
	const before = u.slice(0, start).join(""), after = u.slice(u.length - end).join("");
	box.append(el("span", before.length > 300 ? "\u2026" + before.slice(-300) : before));
	if (a.length * b.length > 1e6) {
		box.append(el("del", a.join("").slice(0, 2000)), el("ins", b.join("").slice(0, 2000)));
	} else {
		const best = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
		for (let i = a.length; i--;) for (let j = b.length; j--;) best[i][j] = a[i] === b[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
		for (let i = 0, j = 0; i < a.length || j < b.length;) {
			if (i < a.length && j < b.length && a[i] === b[j]) { box.append(el("span", a[i++])); j++; }
			else if (i < a.length && (j >= b.length || best[i + 1][j] >= best[i][j + 1])) box.append(el("del", a[i++]));
			else box.append(el("ins", b[j++]));
		}
	}
	box.append(el("span", after.length > 300 ? after.slice(0, 300) + "\u2026" : after));
	return box;
}

function difference(was, is) {
	const a = parsed(was), b = parsed(is);
	return a !== undefined && b !== undefined ? jsonDifference(a, b) : textDifference(was, is);
}
