// A real browser over the real pages: Chromium of the system, driven over its own protocol.
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { serve } from "#serve";
import { createFixture, type Fixture } from "../web/fixture.ts";

/** Where distributions put it. */
const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The browser's path; undefined where there is none, and the tests say so. */
export const browserPath = places.find((path) => existsSync(path));

export const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 900 } };
export const phone: BrowserContextOptions = {
  viewport: { width: 390, height: 844 },
  deviceScaleFactor: 2,
  hasTouch: true,
  isMobile: true,
};

/** Starts the browser. A sandbox of its own it cannot have as root. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: browserPath ?? "",
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}

export type Site = Awaited<ReturnType<typeof openSite>>;

/** The pages on a port of this machine. */
export async function openSite() {
  const fixture = createFixture();
  const server = await serve({ hostname: "127.0.0.1", port: 0 }, fixture.answer);
  fixture.where.port = server.port ?? 0;
  return {
    fixture,
    origin: `http://127.0.0.1:${server.port}`,
    async close(): Promise<void> {
      await fixture.close();
      await server.close();
    },
  };
}

/** The address that somebody in the chat gets. */
export function linkOf({ fixture, origin }: { fixture: Fixture; origin: string }, session: number): string {
  const { adapter, user, conversation } = fixture.person;
  const scope = { purpose: "session", adapter, user, conversation, session };
  return `${origin}/session/open/${fixture.links.issue(scope, { lastsMs: 86_400_000 }).secret}`;
}

/** Opens a page, and keeps what the browser complains about. */
export async function openPage(
  browser: Browser,
  { address, options = desktop }: { address: string; options?: BrowserContextOptions },
): Promise<{ page: Page; complaints: string[] }> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(address);
  await page.waitForFunction(() => performance.getEntriesByName("interactive").length > 0);
  return { page, complaints };
}
