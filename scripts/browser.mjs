// Walks through the pages in Chromium: by keyboard, with axe on every page, at
// two widths, and no report of the policy anywhere. Prints what it counted.
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const require = createRequire(import.meta.url);
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const out = readFileSync(process.env.ACCORD_OUT, "utf8");
const url = /listening on (\S+)/.exec(out)[1];
const users = Object.fromEntries(
  [...out.matchAll(/^user (\S+) password (\S+)$/gm)].map(([, name, password]) => [name, password]),
);
const pictures = process.env.ACCORD_PICTURES;
mkdirSync(pictures, { recursive: true });

const failures = [];
const reports = [];
let [loads, strokes, presses] = [0, 0, 0];
const check = (holds, words) => {
  console.log(`${holds ? "ok  " : "FAIL"} ${words}`);
  if (!holds) failures.push(words);
};

const browser = await chromium.launch({
  executablePath: process.env.ACCORD_CHROMIUM,
  args: ["--no-sandbox"],
});

async function signsIn(name) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (/Content Security Policy|Trusted Type/i.test(message.text())) reports.push(message.text());
  });
  page.on("dialog", (dialog) => {
    reports.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(url)) reports.push(`asked elsewhere: ${request.url()}`);
  });
  page.on("load", () => { loads += 1; });
  await page.goto(`${url}/`);
  await page.fill("#name", name);
  await page.fill("#password", users[name]);
  await page.keyboard.press("Enter");
  await page.waitForURL((place) => place.pathname !== "/");
  return page;
}

async function key(page, name) {
  strokes += 1;
  await page.keyboard.press(name);
}

async function types(page, words) {
  strokes += words.length;
  await page.keyboard.type(words);
}

async function clicks(locator) {
  presses += 1;
  await locator.click();
}

// The first question of a list; its keys are there once it is loaded.
async function opensFirst(page) {
  await clicks(page.locator("main a.desk-task").first());
  await page.waitForURL(/\/review\/tasks\//);
  await page.waitForLoadState("load");
}

// One of the things that people come here to do, and what it takes of them.
async function story(name, steps) {
  [loads, strokes, presses] = [0, 0, 0];
  const holds = await steps().catch((error) => {
    console.log(`     ${String(error.message).split("\n")[0]}`);
    return false;
  });
  const taken = `${strokes} keystrokes, ${presses} clicks, ${loads} page loads`;
  check(holds, `story: ${name} (${taken})`);
}

// The state of a page that was judged: accessibility, width, weight.
async function judges(page, name) {
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    await page.screenshot({ path: `${pictures}/${name}-${width}.png`, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    check(wide <= width, `${name} fits into ${width} pixels (${wide})`);
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  // Through the inspector, which no policy of a page stops.
  const found = await page.evaluate(`${axe}; axe.run({ resultTypes: ["violations"] })`);
  const grave = found.violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const words = grave.map((one) => `${one.id}: ${one.nodes[0].html.slice(0, 120)}`);
  check(grave.length === 0, `${name} has no serious violation ${words.join("; ")}`);
  const bytes = (await page.content()).length;
  check(bytes < 200_000, `${name} has ${bytes} bytes`);
}

const nobody = await (await browser.newContext()).newPage();
await nobody.goto(`${url}/`);
await judges(nobody, "sign-in");

const page = await signsIn("steward");
await page.getByRole("link", { name: "Review queue", exact: true }).waitFor();
await page.getByRole("link", { name: "Search", exact: true }).waitFor();
await judges(page, "queue");
await page.goto(`${url}/sources`);
await judges(page, "sources");
await page.locator("main table a").first().click();
await judges(page, "scorecard");
await page.goto(`${url}/work`);
await judges(page, "work");
await page.goto(`${url}/account`);
await judges(page, "account");

// One question of each kind.
for (const [kind, name] of [
  ["possible_duplicate", "duplicate"], ["possible_duplicate_number", "two-numbers"],
  ["suspected_confusion", "confusion"], ["overlay_held", "overlay"], ["link_doubtful", "doubtful"],
  ["source_quarantined", "quarantine"], ["supersession_conflict", "supersession"],
  ["implausible_dates", "dates"], ["activity_after_death", "death"], ["merge_approval", "approval"],
]) {
  await page.goto(`${url}/review?kind=${kind}`);
  const first = page.locator("main a.desk-task").first();
  if (!(await first.count())) {
    check(false, `the queue shows a question of the kind ${kind}`);
    continue;
  }
  await first.click();
  await judges(page, `task-${name}`);
}

// A question that takes two readers: another person reads it blind, and the merge is made.
const approver = await signsIn("approver");
await page.goto(`${url}/review?kind=possible_duplicate&state=open`);
const asked = await page.locator("main a.desk-task").evaluateAll((links) => links.map((link) => link.href));
let two;
for (const one of asked) {
  await page.goto(one);
  const said = await page.textContent("main");
  if (/Two people have to read this/.test(said) && !/Not now/.test(said)) { two = one; break; }
}
await story("a merge is made with the approval of another person", async () => {
  for (const reader of [page, approver]) {
    await reader.goto(two);
    await key(reader, "w");
    await types(reader, "the letter was seen");
    await key(reader, "Escape");
    await key(reader, "s");
    await reader.waitForURL(/done=/);
  }
  await approver.getByRole("button", { name: "Take that back (u)" }).waitFor();
  return /merge=M-/.test(approver.url());
});

// Twenty questions by keyboard alone; known pairs are among them.
let [answered, known] = [0, 0];
await page.goto(`${url}/review?kind=possible_duplicate&state=open`);
const waiting = await page.locator("main a.desk-task").count();
await story("a queue of twenty is cleared by keyboard", async () => {
  await key(page, "s");
  await page.waitForURL(/\/review\/tasks\//);
  while (answered < 20 && /\/tasks\//.test(page.url())) {
    const before = page.url();
    const needs = await page.locator("label[for=reason]").textContent();
    if (/needed for/.test(needs)) {
      await key(page, "w");
      await types(page, "as I see");
      await key(page, "Escape");
    }
    await key(page, ["d", "c", "s"][answered % 3]);
    await page.waitForURL((place) => place.href !== before && !/decide$/.test(place.pathname), { timeout: 10_000 })
      .catch(() => {});
    if (page.url() === before || /decide$/.test(page.url())) break;
    answered += 1;
    if (await page.getByText("That was a known pair").count()) {
      known += 1;
      if (known === 1) await judges(page, "known-pair");
    }
  }
  return answered >= Math.min(20, waiting - 1);
});
console.log(`     ${answered} answered of ${waiting} on the first page, ${known} of them known pairs`);
await page.goto(`${url}/work`);
await judges(page, "work-after");

await story("a confusion is found and escalated", async () => {
  await page.goto(`${url}/review?kind=suspected_confusion`);
  await opensFirst(page);
  const confusion = new URL(page.url()).pathname;
  await key(page, "e");
  await page.waitForURL(/done=/);
  await page.goto(`${url}${confusion}/pack`);
  return /national back office/.test(await page.textContent("main"));
});
await judges(page, "pack");

// A merge that somebody else has proposed is approved; then it is taken back.
await approver.goto(`${url}/review?kind=merge_approval`);
await opensFirst(approver);
await key(approver, "w");
await types(approver, "the letter was seen");
await key(approver, "Escape");
await key(approver, "a");
await approver.waitForURL(/done=/);
await page.goto(`${url}/search`);
await judges(page, "search");
await page.fill("#purpose", "a caller asks for her records");
await page.fill("#family_name", "Thornwick");
await page.fill("#given_names", "Rupert");
await page.fill("#birth_date", "1979-09-08");
await page.keyboard.press("Enter");
await page.waitForSelector("#found");
await judges(page, "search-found");
await page.locator("main table a").first().click();
await page.waitForURL(/\/persons\//);
await judges(page, "person");
const person = new URL(page.url()).pathname;
await page.locator("main table a").first().click();
await judges(page, "record");
// Two whom two people had joined when the region was filled.
await page.goto(`${url}/search`);
await page.fill("#family_name", "Marchbanks");
await page.fill("#given_names", "Ottoline");
await page.fill("#birth_date", "1972-11-23");
await page.keyboard.press("Enter");
await page.waitForSelector("#found");
await page.locator("main table a").first().click();
await page.waitForURL(/\/persons\//);
await story(`why were these two joined on ${process.env.ACCORD_FILLED}, as it was known then`, async () => {
  // The day after, so that a fill around midnight is in it.
  const day = new Date(Date.parse(process.env.ACCORD_FILLED) + 86_400_000).toISOString().slice(0, 10);
  await clicks(page.locator("#as_of"));
  await types(page, day);
  await key(page, "Enter");
  await page.waitForURL(/as_of=/);
  const told = await page.textContent(".desk-timeline");
  return /by a human.*confirmed by telephone/s.test(told) && /As it was known at/.test(await page.textContent("main"));
});
await judges(page, "person-then");
await page.goto(`${url}${person}`);
await story("a merge is taken back from the timeline", async () => {
  await clicks(page.locator("summary", { hasText: "Take this merge back" }).first());
  await clicks(page.locator("[id^=undo-]").first());
  await types(page, "they are brothers");
  await key(page, "Enter");
  await page.waitForURL(/\/merges\//);
  await judges(page, "unmerge");
  await clicks(page.getByRole("button", { name: "Do it" }));
  await page.waitForURL(/\/persons\//);
  return true;
});

const auditor = await signsIn("auditor");
await story("an auditor reads who looked at a person", async () => {
  await clicks(auditor.locator("#person"));
  await types(auditor, person.split("/")[2]);
  await clicks(auditor.getByRole("button", { name: "Show" }));
  await auditor.waitForSelector("main table");
  return /a caller asks for her records/.test(await auditor.textContent("main"));
});
await judges(auditor, "audit");

// An engineer's page, and the reports of the command line as files.
const engineer = await signsIn("engineer");
await engineer.goto(`${url}/models`);
await judges(engineer, "models");
for (const name of ["evaluation", "run"]) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const report = await context.newPage();
  const address = `file://${process.env.ACCORD_REPORTS}/${name}.html`;
  report.on("request", (request) => {
    if (request.url() !== address) reports.push(`${name} asked for ${request.url()}`);
  });
  await report.goto(address);
  await judges(report, `report-${name}`);
  if (name !== "evaluation") continue;
  const said = (part) => report.evaluate(
    (part) => getComputedStyle(document.querySelector(part), "::after").content, part);
  await report.check("#link-0");
  const strict = await said(".false-links");
  await report.focus("#link-0");
  for (let step = 0; step < 12; step += 1) await report.keyboard.press("ArrowRight");
  check(await report.isChecked("#link-12"), "the threshold of the report moves by the arrow keys");
  check(await said(".false-links") !== strict || /0\.0/.test(strict), `false links follow it: ${strict}`);
  await report.pdf({ path: `${pictures}/report-${name}.pdf`, format: "A4" });
}

check(reports.length === 0, `no report of the policy ${reports.slice(0, 3).join("; ")}`);
await browser.close();
const passed = failures.length === 0;
console.log(passed ? "browser: all held" : `browser: ${failures.length} did not hold`);
process.exit(passed ? 0 : 1);
