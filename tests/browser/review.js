// Judges rows on ft-review's page by keyboard, as a person would, and asserts what is seen. Arguments: the page's address, a folder for
// screenshots. Needs playwright-core (NODE_PATH) and Debian's chromium. Prints TAP.
"use strict";
const { chromium } = require("playwright-core");
const [address, shots] = process.argv.slice(2);
let n = 0, bad = 0;
const ok = (cond, what) => { console.log((cond ? "ok " : "not ok ") + ++n + " - " + what); if (!cond) bad++; };

(async () => {
	const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync"] });
	const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, colorScheme: "light" });
	const page = await context.newPage();
	const trouble = [], outside = [];
	page.on("console", m => { if (["error", "warning"].includes(m.type())) trouble.push(m.text()); });
	page.on("pageerror", e => trouble.push(String(e)));
	page.on("request", r => { if (!r.url().startsWith(new URL(address).origin) && !r.url().startsWith("data:")) outside.push(r.url()); });
	page.on("dialog", d => d.accept());
	const judged = async want => page.waitForFunction(w => document.getElementById("count").textContent.startsWith(w + " of"), want, { timeout: 5000 }).then(() => true, () => false);
	const rowNow = () => page.locator("#meta").textContent();

	await page.goto(address);
	await page.waitForSelector(".turn");
	ok((await page.locator(".turn").count()) > 0, "a record is shown as a conversation");
	ok((await page.locator("#why li").count()) > 0, "with the reasons to look at it");
	await page.screenshot({ path: shots + "/light.png" });
	for (let i = 1; i <= 8; i++) {
		await page.keyboard.press(i % 4 ? "g" : "b");
		ok(await judged(i), "one key judges row " + i);
	}
	await page.keyboard.press("f");
	ok(await page.evaluate(() => document.activeElement.id === "ref"), "f goes to the reference");
	await page.keyboard.press("Control+A");
	await page.keyboard.type('{"topic": "fixed by hand"}');
	ok((await page.locator("#diff ins").count()) > 0, "the change is shown beside what was there");
	await page.screenshot({ path: shots + "/edit.png" });
	await page.keyboard.press("Control+Enter");
	ok(await judged(9), "Ctrl+Enter saves the fix");
	await page.keyboard.press("s");
	ok(await judged(10), "s skips");
	await page.keyboard.press("u");
	ok(await judged(9), "u takes it back");
	ok((await page.locator("#rate").textContent()).startsWith("between "), "the running error rate has its interval");
	const before = await rowNow();
	await page.reload();
	await page.waitForSelector(".turn");
	ok(await judged(9), "a reload keeps everything");
	await page.keyboard.press("f");
	await page.keyboard.type("half an edit");
	await page.reload();
	await page.waitForSelector(".turn");
	ok(before !== null, "the page comes back");
	await page.keyboard.press("/");
	await page.keyboard.type("needle");
	await page.keyboard.press("Enter");
	await page.waitForSelector("#hits button");
	ok((await page.locator("#hits button").count()) === 1, "the search finds the one row");
	await page.keyboard.press("Enter");
	await page.waitForFunction(() => document.getElementById("turns").textContent.includes("needle"));
	ok(true, "and Enter opens it");
	await page.keyboard.press("?");
	ok(await page.locator("#help").isVisible(), "? shows the keys");
	await page.keyboard.press("Escape");
	ok((await page.evaluate(() => window.attacked)) === undefined, "text of records never runs");
	const dark = await browser.newContext({ viewport: { width: 1200, height: 800 }, colorScheme: "dark", storageState: await context.storageState() });
	const darkPage = await dark.newPage();
	await darkPage.goto(new URL(address).origin + "/");
	await darkPage.waitForSelector(".turn");
	await darkPage.screenshot({ path: shots + "/dark.png" });
	const narrow = await browser.newContext({ viewport: { width: 400, height: 800 }, storageState: await context.storageState() });
	const narrowPage = await narrow.newPage();
	await narrowPage.goto(new URL(address).origin + "/");
	await narrowPage.waitForSelector(".turn");
	ok(await narrowPage.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing sticks out at 400 pixels");
	await narrowPage.screenshot({ path: shots + "/narrow.png", fullPage: true });
	ok(trouble.length === 0, "no error on the console" + (trouble.length ? ": " + trouble.join("; ") : ""));
	ok(outside.length === 0, "no request leaves the page" + (outside.length ? ": " + outside.join("; ") : ""));
	console.log("1.." + n);
	await browser.close();
	process.exit(bad ? 1 : 0);
})().catch(e => { console.log("not ok " + ++n + " - " + e); console.log("1.." + n); process.exit(1); });
