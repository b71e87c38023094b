// Opens a page in headless Chromium, does what a visitor would, tells what is seen.
//
//     node browse.mjs < visit.json > seen.json
import { text } from "node:stream/consumers";
import puppeteer from "puppeteer-core";

const visit = JSON.parse(await text(process.stdin));
const browser = await puppeteer.launch({
  executablePath: visit.browser,
  acceptInsecureCerts: true, // the server's authority is the test's own
  args: [
    "--no-sandbox", // CI is root
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader", // WebGL without a graphics card
    "--force-color-profile=srgb", "--font-render-hinting=none", "--disable-lcd-text", "--lang=en",
  ],
  userDataDir: visit.profile,
});
try {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (line) => line.type() === "error" && faults.push(`${line.text()} ${line.location()?.url ?? ""}`));
  page.on("requestfailed", (request) => faults.push(`${request.failure()?.errorText} ${request.url()}`));
  const strangers = new Set();
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (protocol.startsWith("http") && !visit.hosts.includes(host)) strangers.add(host);
  });
  await page.setViewport({ width: visit.width, height: visit.height });
  if (visit.before) await page.evaluateOnNewDocument(visit.before);
  await page.goto(visit.url, { timeout: visit.timeout });
  const found = [];
  for (const step of visit.steps) {
    if (step.until) await page.waitForFunction(step.until, { timeout: visit.timeout });
    if (step.heard) await heard(faults, step.heard, visit.timeout);
    if (step.click) await page.mouse.click(...step.click);
    if (step.evaluate) found.push(await page.evaluate(step.evaluate));
    if (step.picture) await page.screenshot({ path: step.picture });
  }
  const version = (await browser.version()).replace(/^\w+\//, "");
  console.log(JSON.stringify({ version, found, faults, strangers: [...strangers] }));
} finally {
  await browser.close();
}

async function heard(faults, words, timeout) {
  const end = Date.now() + timeout;
  while (!faults.some((line) => line.includes(words))) {
    if (Date.now() > end) throw new Error(`"${words}" was not said.`);
    await new Promise((done) => setTimeout(done, 100));
  }
}
