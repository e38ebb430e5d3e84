// Writes the pictures of the pages into docs/images: bun tests/browser/pictures.ts
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { desktop, launch, linkOf, openPage, openSite, phone } from "./browser.ts";
import { tellStory } from "./story.ts";

const folder = resolve(import.meta.dirname, "../../docs/images");
const views = {
  "session-desktop": { ...desktop, viewport: { width: 1100, height: 1240 } },
  "session-desktop-dark": { ...desktop, viewport: { width: 1100, height: 760 }, colorScheme: "dark" as const },
  "session-phone": { ...phone, deviceScaleFactor: 1 },
};

mkdirSync(folder, { recursive: true });
const site = await openSite();
const session = await tellStory(site.fixture);
const browser = await launch();
try {
  for (const [name, options] of Object.entries(views)) {
    const { page } = await openPage(browser, { address: linkOf(site, session), options });
    await page.getByText("2 turns").waitFor();
    await page.locator("summary").nth(2).click();
    if (name !== "session-phone") await page.evaluate(() => window.scrollTo(0, 0));
    await page.waitForTimeout(300);
    await page.screenshot({ path: `${folder}/${name}.png` });
  }
  const context = await browser.newContext({ ...phone, deviceScaleFactor: 1, viewport: { width: 390, height: 500 } });
  const page = await context.newPage();
  await page.goto(`${site.origin}/session/open/none`);
  await page.screenshot({ path: `${folder}/link-over-phone.png` });
} finally {
  await browser.close();
  await site.close();
}
