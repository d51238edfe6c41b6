// Reads a report of ft-eval --html as a person would, in light, dark, narrow and on paper, and asserts what is seen. Arguments: the page's file, a folder for
// screenshots, a page of answers that are JSON. Needs playwright-core (NODE_PATH) and Debian's chromium. Prints TAP.
"use strict";
const { chromium } = require("playwright-core");
const [file, shots, fields] = process.argv.slice(2);
let n = 0, bad = 0;
const ok = (cond, what) => { console.log((cond ? "ok " : "not ok ") + ++n + " - " + what); if (!cond) bad++; };

(async () => {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync"] });
	const trouble = [], outside = [];
	const open = async (options, which = file) => {
		const page = await (await browser.newContext(options)).newPage();
		page.on("console", m => { if (["error", "warning"].includes(m.type())) trouble.push(m.text()); });
		page.on("pageerror", e => trouble.push(String(e)));
		page.on("request", r => { if (!r.url().startsWith("file:") && !r.url().startsWith("data:")) outside.push(r.url()); });
		await page.goto("file://" + which);
		return page;
	};
	const shown = page => page.evaluate(() => [...document.querySelectorAll(".rows tbody tr")].filter(r => !r.hidden).length);
	const page = await open({ viewport: { width: 1200, height: 800 }, colorScheme: "light" });

	for (const heading of ["Requirements", "Scores", "Comparisons, pair by pair", "Latency, tokens, cost", "Rows, worst first"])
		ok(await page.locator("h2", { hasText: heading }).count() === 1, "there is a section " + heading);
	ok(await page.locator("svg").count() >= 3, "and plots");
	ok(await page.evaluate(() => [...document.querySelectorAll("svg")].every(s => s.getBoundingClientRect().width > 100)), "that are drawn");
	ok(await page.locator(".matrix").count() === 2, "each group has its confusion matrix");
	ok((await page.locator(".rows thead th").allTextContents()).join() === "id,input,reference,a,b", "rows stand side by side: input, reference, each group's answer");
	const all = await shown(page), wrong = await page.evaluate(() => [...document.querySelectorAll(".rows tbody tr")].map(r => r.dataset.wrong ? 1 : 0));
	ok(wrong.indexOf(0) === wrong.lastIndexOf(1) + 1, "the worst come first");
	await page.check("#w");
	ok(await shown(page) === wrong.filter(x => x).length, "only the wrong ones, when that is asked for");
	await page.uncheck("#w");
	await page.check("#d");
	const differ = await shown(page);
	ok(differ > 0 && differ < all, "or those on which the groups differ");
	await page.uncheck("#d");
	await page.fill("#q", "NEEDLE");
	ok(await shown(page) === 1 && (await page.locator("#n").textContent()).startsWith("1 of "), "or those that hold a text");
	ok(await page.locator(".rows td.hit").count() > 0 && await page.evaluate(() => [...document.querySelectorAll(".rows td.hit, .rows td.miss")].every(
		c => c.querySelector(".score b").textContent === (c.classList.contains("hit") ? "right" : "wrong"))), "colours are said in words");
	ok((await page.locator(".about").allTextContents()).join("\n").match(/^60 rows in .*rows.jsonl . ft [0-9.]+ . \d{4}-\d\d-\d\d \d\d:\d\d UTC\nft-eval /) !== null,
		"the page says what it was made of");
	await page.fill("#q", "");
	ok(await shown(page) === all, "and all again");
	ok(await page.evaluate(() => window.attacked) === undefined, "text of records never runs");
	await page.screenshot({ path: shots + "/eval-light.png", fullPage: true });

	const json = await open({ viewport: { width: 1200, height: 800 }, colorScheme: "light" }, fields);
	await json.locator(".rows > tbody > tr:last-child").scrollIntoViewIfNeeded();
	await json.waitForFunction(() => document.querySelectorAll(".miss .difference").length === 2);
	ok(await json.locator(".miss", { hasText: "2024-02-01" }).locator(".difference tr").allInnerTexts().then(t => t.join("|")) ===
		"member\treference\tinstead|.due\t\"2024-02-03\"\t\"2024-02-01\"|.lines[1]\t2\t", "a wrong answer shows which members differ");
	ok(await json.locator(".miss", { hasText: "we will pay it" }).locator(".difference ins").allTextContents().then(t => t.join("").trim()) === "on Tuesday",
		"and one in words which words, against the reference that is nearest");
	ok(await json.locator(".hit .difference").count() === 0, "a right one shows nothing");
	ok(await json.evaluate(() => [...document.querySelectorAll(".difference th, .difference td:first-child")].every(
		c => c.getBoundingClientRect().height < 2.5 * parseFloat(getComputedStyle(c).fontSize))), "the members' names are not broken letter by letter");
	ok(await json.locator(".failed").innerText().then(t => /slow down[^]*an error and no answer/.test(t)) &&
		await json.locator(".failed .difference").count() === 0, "an error is none of the answers that differ");

	const dark = await open({ viewport: { width: 1200, height: 800 }, colorScheme: "dark" });
	const brightness = p => p.evaluate(() => getComputedStyle(document.body).backgroundColor.match(/\d+/g).slice(0, 3).reduce((a, b) => a + +b, 0));
	ok(await brightness(page) > 600 && await brightness(dark) < 200, "it follows light and dark");
	await dark.screenshot({ path: shots + "/eval-dark.png", fullPage: true });
	const narrow = await open({ viewport: { width: 400, height: 800 }, colorScheme: "light" });
	ok(await narrow.evaluate(() => [...document.querySelectorAll("svg text")].every(t => t.getBoundingClientRect().height >= 12)), "text in plots can be read at 400 pixels");
	ok(await narrow.evaluate(() => [...document.querySelectorAll("svg text")].every(t => { const r = t.getBoundingClientRect(); return r.left >= 0 && r.right <= innerWidth; })),
		"and none of it is cut off");
	ok(await narrow.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out at 400 pixels");
	await narrow.screenshot({ path: shots + "/eval-narrow.png", fullPage: true });
	await dark.emulateMedia({ media: "print" });
	ok(await brightness(dark) > 600 && !(await dark.locator("#q").isVisible()), "on paper it is black on white, without controls");
	await dark.pdf({ path: shots + "/eval.pdf", format: "A4" });
	ok(trouble.length === 0, "no error on the console" + (trouble.length ? ": " + trouble.join("; ") : ""));
	ok(outside.length === 0, "no request leaves the page" + (outside.length ? ": " + outside.join("; ") : ""));
	console.log("1.." + n);
	await browser.close();
	process.exit(bad ? 1 : 0);
})().catch(e => { console.log("not ok " + ++n + " - " + e); console.log("1.." + n); process.exit(1); });
