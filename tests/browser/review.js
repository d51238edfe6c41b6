// Judges rows on ft-review's page by keyboard, as a person would, and asserts what is seen. Arguments: the page's address, a folder for
// screenshots, the server's process id (its file sizes are limited for a while, as a full disk would). Needs playwright-core (NODE_PATH), Debian's
// chromium and prlimit. Prints TAP.
"use strict";
const { chromium } = require("playwright-core");
const { execFileSync } = require("child_process");
const [address, shots, pid] = process.argv.slice(2);
const home = new URL(address).origin + "/";
let n = 0, bad = 0;
const ok = (cond, what) => { console.log((cond ? "ok " : "not ok ") + ++n + " - " + what); if (!cond) bad++; };
const is = (got, want, what) => ok(got === want, what + (got === want ? "" : ": " + JSON.stringify(got) + ", not " + JSON.stringify(want)));

(async () => {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync"] });
	const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, colorScheme: "light" });
	const trouble = [], outside = [];
	const open = async () => {
		const p = await context.newPage();
		p.on("console", m => { if (["error", "warning"].includes(m.type())) trouble.push(m.text()); });
		p.on("pageerror", e => trouble.push(String(e)));
		p.on("request", r => { if (!r.url().startsWith(home) && !r.url().startsWith("data:")) outside.push(r.url()); });
		p.on("dialog", d => d.accept());
		return p;
	};
	let page = await open();
	const seen = (id, text, on = page) => on.waitForFunction(([i, t]) => document.getElementById(i).textContent.includes(t), [id, text], { timeout: 5000 }).then(() => true, () => false);
	const judged = want => seen("count", want + " of");
	const text = (id, on = page) => on.locator("#" + id).textContent();
	const key = k => page.keyboard.press(k);
	const loaded = on => on.waitForFunction(() => document.getElementById("title").textContent.startsWith("Row "));
	const find = async what => { await key("/"); await page.fill("#q", what); await key("Enter"); await page.waitForSelector("#hits button"); await key("Enter"); await seen("turns", what); };

	await page.goto(address);
	await loaded(page);
	ok((await page.locator(".turn").count()) > 0, "a record is shown as a conversation");
	ok((await page.locator("#why li").count()) > 0, "with the reasons to look at it");
	await page.screenshot({ path: shots + "/light.png" });
	const layout = () => page.evaluate(() => ["header", "main", "#record", ".filters", "#reason", "#search", "#count"].map(s => {
		const r = document.querySelector(s).getBoundingClientRect();
		return [s, r.left, r.top, s === "header" ? r.height : 0].join(" ");
	}).join("; "));
	const at = await layout();
	await page.dblclick("nav .good");
	ok(await judged(1), "a double click on a verdict judges one row");
	await new Promise(r => setTimeout(r, 300));
	ok((await text("count")).startsWith("1 of"), "and not the next one with it");
	for (let i = 2; i <= 8; i++) {
		await key(i % 4 ? "g" : "b");
		ok(await judged(i), "one key judges row " + i);
	}
	is(await layout(), at, "nothing moves while verdicts, the rate and the reasons change");
	await key("f");
	ok(await page.evaluate(() => document.activeElement.id === "ref"), "f goes to the reference");
	await key("Control+A");
	await page.keyboard.type('{"topic": "fixed by hand"}');
	ok((await page.locator("#diff td ins").count()) === 1, "the change is shown member by member beside what was there");
	await page.screenshot({ path: shots + "/edit.png" });
	await page.click("nav .fix");
	ok(await page.locator("#edit").isVisible() && (await text("count")).startsWith("8 of"), "fix again saves nothing");
	await page.click("#save");
	ok(await judged(9), "save saves the fix");
	await key("s");
	ok(await judged(10), "s skips");
	await key("u");
	ok(await judged(9), "u takes it back");
	ok((await text("rate")).startsWith("between "), "the running error rate has its interval");

	// What was typed survives the browser.
	const shown = await text("title");
	await key("f");
	await key("Control+A");
	await page.keyboard.type("half an edit");
	await page.close();
	const again = await open();
	await again.goto(home);
	await again.waitForSelector("#ref:visible");
	is(await again.inputValue("#ref"), "half an edit", "a draft is there when the browser comes back");
	is((await text("title", again)).split(" · ")[0], shown.split(" · ")[0], "on the row that it belongs to");
	ok(await seen("count", "9 of", again), "and nothing that was judged is lost");
	await again.close();
	page = await open();
	await page.goto(home);
	await page.waitForSelector("#ref:visible");
	await page.fill("#ref", "");
	await key("Escape");

	await find("needle");
	ok((await page.textContent("#turns")).includes("needle"), "the search finds a row and Enter opens it");
	await key("1");
	ok(await seen("count", "10 of"), "a number takes the reference that stands there");
	await find("hostile");
	ok((await page.textContent("#turns")).includes("<img src=x"), "markup is shown as text");
	ok((await page.textContent("#turns")).includes("U+202E"), "a mark that turns text is shown by its code point");
	is(await page.evaluate(() => window.attacked), undefined, "text of records never runs");
	await find("tools please");
	ok((await page.textContent("#view")).includes("get_weather"), "tool calls are read as calls");
	ok((await page.textContent("#view")).includes('"city": "Oslo"'), "with their arguments laid out");
	await page.screenshot({ path: shots + "/calls.png" });
	await find("a long one");
	ok((await page.textContent("#turns")).includes("show all 1000"), "a long text is cut and can be opened");
	await find("twin question");
	ok((await page.textContent("#related")).includes("\u2192"), "the row that it conflicts with stands beside it");
	await page.screenshot({ path: shots + "/conflict.png" });
	await page.selectOption("#reason", "conflict");
	ok(await page.waitForFunction(() => document.getElementById("why").textContent.includes("conflict")).then(() => true, () => false), "the filter by reason");
	await page.selectOption("#reason", "");
	await page.selectOption("#split", "test");
	ok(await seen("title", "test set"), "the filter by split");
	await page.selectOption("#split", "");
	await page.selectOption("#state", "bad");
	ok(await seen("title", "judged bad"), "the filter by state");
	await page.selectOption("#state", "");
	ok(await page.waitForFunction(() => !document.getElementById("title").textContent.includes("judged")).then(() => true, () => false), "and back to what is open");

	// A disk that is full, and then is not.
	await key("Escape");
	execFileSync("prlimit", ["--pid", pid, "--fsize=1:"]);
	await key("g");
	ok(await seen("status", "kept in memory"), "a full disk is said on the page");
	is(await page.evaluate(() => document.getElementById("status").className), "trouble", "in a way that is seen");
	execFileSync("prlimit", ["--pid", pid, "--fsize=unlimited:"]);
	ok(await seen("status", "everything is saved"), "it tries again by itself, and says so");
	ok(await seen("count", "11 of"), "and the verdict counts");

	await key("?");
	ok(await page.locator("#help").isVisible(), "? shows the keys");
	await key("Escape");
	const nameless = await page.evaluate(() => [...document.querySelectorAll("input, select, textarea, button, progress")].filter(e =>
		!(e.labels && e.labels.length) && !e.getAttribute("aria-label") && !e.textContent.trim()).map(e => e.id || e.outerHTML.slice(0, 80)));
	is(nameless.join(), "", "every control has a name for a screen reader");
	is(await page.evaluate(() => document.getElementById("status").getAttribute("role")), "status", "and what happens is announced");
	is(await page.evaluate(() => document.activeElement.id), "title", "the keyboard stands at the row's title");

	// Zoomed to 200 %, narrow, dark.
	const state = await context.storageState();
	for (const [name, how] of [["dark", { viewport: { width: 1200, height: 800 }, colorScheme: "dark" }], ["narrow", { viewport: { width: 400, height: 800 } }],
		["zoomed", { viewport: { width: 600, height: 400 }, deviceScaleFactor: 2 }]]) {
		const other = await (await browser.newContext({ ...how, storageState: state })).newPage();
		await other.goto(home);
		await other.waitForFunction(() => document.getElementById("title").textContent.startsWith("Row "));
		ok(await other.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out: " + name);
		await other.screenshot({ path: shots + "/" + name + ".png", fullPage: name === "narrow" });
		await other.fill("#q", "a wide one");
		await other.press("#q", "Enter");
		await other.click("#hits button");
		await other.waitForSelector("#suggestions td");
		is(await other.evaluate(() => [...document.querySelectorAll("td, th, .from, kbd")].filter(e => {
			const r = e.getBoundingClientRect();
			return r.width && (r.right > innerWidth || r.left < 0 || e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX !== "visible");
		}).map(e => e.tagName + " " + e.textContent).join()), "", "no cell of a table is cut off: " + name);
		await other.screenshot({ path: shots + "/" + name + "-table.png", fullPage: name === "narrow" });
	}
	for (let i = 0; i < 60 && !(await page.locator("#end").isVisible()); i++) {
		const before = await page.textContent("#count");
		await key("g");
		await page.waitForFunction(b => document.getElementById("count").textContent !== b || !document.getElementById("end").hidden, before, { timeout: 5000 });
	}
	ok((await page.textContent("#end")).includes("rows are judged"), "at the end it says what comes next");
	await page.screenshot({ path: shots + "/end.png" });
	is(trouble.join("; "), "", "no error on the console");
	is(outside.join("; "), "", "no request leaves the page");
	console.log("1.." + n);
	await browser.close();
	process.exit(bad ? 1 : 0);
})().catch(e => { console.log("not ok " + ++n + " - " + e.stack); console.log("1.." + n); process.exit(1); });
