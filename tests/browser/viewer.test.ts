// The session page in a real browser: on a phone, on a desktop, by keyboard alone, live, long, and in bad company.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { noUsage } from "../../src/core/usage.ts";
import { addExchange, addSession, addTurn, happen } from "../web/fixture.ts";
import { browserPath, desktop, launch, linkOf, openPage, openSite, phone, type Site } from "./browser.ts";
import { tellStory } from "./story.ts";

setDefaultTimeout(60_000);
/** The reason is in the name, so that whoever reads what was skipped sees it. */
const suite =
  browserPath === undefined ? "the session page (no Chromium: apt-get install chromium)" : "the session page";

/** What axe calls serious or critical, with where it is. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

declare global {
  interface Window {
    axe: typeof axe;
  }
}

/** Waits until an element shows a text. */
const sees = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: 10_000 });
const entries = (page: Page) => page.locator("#items > li[data-id]");
const isAtEnd = (page: Page) =>
  page.evaluate(() => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 120);

describe.skipIf(browserPath === undefined)(suite, () => {
  let browser: Browser;
  let site: Site;
  beforeAll(async () => {
    browser = await launch();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    site = await openSite();
  });
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()));
    await site.close();
  });

  for (const [name, options] of Object.entries({
    desktop,
    phone,
    "dark desktop": { ...desktop, colorScheme: "dark" as const },
    "dark phone": { ...phone, colorScheme: "dark" as const },
  })) {
    test(`${name}: everything is there, nothing is wider than the screen, and axe finds nothing serious`, async () => {
      const session = await tellStory(site.fixture);
      const { page, complaints } = await openPage(browser, { address: linkOf(site, session), options });
      await sees(page, "What I changed");
      await sees(page, "2 turns · 20.6k tokens · $0.085");
      expect(new URL(page.url()).pathname).toBe("/session/1/");
      for (const summary of await page.locator("summary").all()) await summary.click();
      await sees(page, "expected 3 items, received 2");
      const image = page.locator("img[alt='screen.png']");
      await image.scrollIntoViewIfNeeded();
      await page.waitForFunction(() => (document.querySelector("img")?.naturalWidth ?? 0) > 0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth)).toBe(true);
      await page.getByRole("searchbox").fill("parser");
      await page.keyboard.press("Enter");
      await sees(page, /^\d+ found/);
      expect(await findings(page)).toEqual([]);
      expect(complaints).toEqual([]);
    });
  }

  test("what happens shows as it happens, and the page stays at its end", async () => {
    const session = addSession(site.fixture, "Live");
    const { page, complaints } = await openPage(browser, { address: linkOf(site, session) });
    await sees(page, "Nothing has happened in this session yet.");
    const turn = addTurn(site.fixture, session);
    const tell = (event: Parameters<typeof happen>[1]["event"]) => happen(site.fixture, { session, turn, event });
    tell({ type: "started", resumed: false });
    tell({ type: "taken", inputs: [], text: "do it" });
    tell({ type: "tool", step: "start", call: "c", name: "bash", title: "sleep 1", input: {} });
    await page.getByRole("img", { name: "running" }).waitFor();
    await sees(page, "working");
    site.fixture.hub.publish({
      n: 3,
      turn,
      session,
      event: { type: "tool", step: "output", call: "c", text: "half way" },
    });
    await sees(page, "half way");
    tell({ type: "tool", step: "end", call: "c", name: "bash", ok: true, ms: 5, text: "whole way" });
    await page.getByRole("img", { name: "done" }).waitFor();
    site.fixture.hub.publish({ n: 4, turn, session, event: { type: "text", delta: "It **forms**" } });
    await page.locator("#forming strong").waitFor();
    for (let line = 0; line < 40; line += 1) tell({ type: "notice", text: `line ${line}` });
    tell({ type: "message", text: "It is **done**" });
    tell({ type: "ended", outcome: "done", usage: noUsage });
    await page.locator("#items strong", { hasText: "done" }).waitFor();
    await page.locator("#forming").waitFor({ state: "hidden" });
    expect(await isAtEnd(page)).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("a question that is answered elsewhere says so when the turn goes on", async () => {
    const { store, person, time } = site.fixture;
    const session = addSession(site.fixture, "Asking");
    const turn = addTurn(site.fixture, session);
    const { id } = store.approvals.add({
      kind: "tool",
      arguments: "{}",
      hash: "x",
      text: "May I?",
      requester: { id: "7", name: "Ada" },
      origin: { adapter: "chat", conversation: person.conversation },
      role: "member",
      agent: "main",
      session,
      turn,
      createdAt: time.at,
      expiresAt: time.at + 1_000_000,
    });
    happen(site.fixture, { session, turn, event: { type: "ask", approval: id, text: "May I?", choices: [] } });
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    await sees(page, "Question, waits for an answer");
    store.approvals.answer(id, { choice: "once", by: { adapter: "chat", id: "7", name: "Ada" } as never, at: time.at });
    happen(site.fixture, { session, turn, event: { type: "started", resumed: true } });
    await sees(page, "Question, allowed");
  });

  test("a connection that is lost goes on where it was, with nothing twice and nothing missing", async () => {
    const session = addSession(site.fixture, "Lost");
    addExchange(site.fixture, { session, question: "first", answer: "one" });
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    await sees(page, "one");
    await page.context().setOffline(true);
    addExchange(site.fixture, { session, question: "second", answer: "two" });
    await page.context().setOffline(false);
    await sees(page, "two");
    addExchange(site.fixture, { session, question: "third", answer: "three" });
    await sees(page, "three");
    const ids = await entries(page).evaluateAll((found) => found.map((entry) => (entry as HTMLElement).dataset.id));
    expect(ids).toHaveLength(12);
    expect(new Set(ids).size).toBe(12);
  });

  test("a page that nobody sees lets its connection go, and misses nothing", async () => {
    const session = addSession(site.fixture, "Hidden");
    addExchange(site.fixture, { session, question: "first", answer: "one" });
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    const see = (hidden: boolean) =>
      page.evaluate((value) => {
        Object.defineProperty(document, "hidden", { value, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      }, hidden);
    await see(true);
    addExchange(site.fixture, { session, question: "second", answer: "two" });
    await page.waitForTimeout(300);
    expect(await page.getByText("two").count()).toBe(0);
    await see(false);
    await sees(page, "two");
    expect(await entries(page).count()).toBe(8);
  });

  test("a long text comes whole when it is asked for, and what goes wrong is said", async () => {
    const session = addSession(site.fixture, "Long text");
    addExchange(site.fixture, { session, question: `${"word ".repeat(5_000)}the end`, answer: "one" });
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    await page.getByRole("button", { name: "Show all of it" }).click();
    await sees(page, "the end");
    await page.context().setOffline(true);
    await page.getByRole("searchbox").fill("word");
    await page.keyboard.press("Enter");
    await sees(page, "There is no connection at the moment");
  });

  test("when the right goes the page says so and shows nothing more", async () => {
    const session = addSession(site.fixture, "Taken back");
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    site.fixture.store.roles.revoke(site.fixture.person.grant.id);
    addExchange(site.fixture, { session, question: "private", answer: "x" });
    // Told by the stream, or by the refusal to open it again.
    await sees(page, /This page is over|This link does not work/);
    expect(await page.getByText("private").count()).toBe(0);
    await page.reload();
    await sees(page, "This link does not work");
    expect(await findings(page)).toEqual([]);
  });

  test("by keyboard alone: skip, search, open what was found, unfold, close", async () => {
    const session = await tellStory(site.fixture);
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe("Skip to the messages");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("items");
    await page.keyboard.press("/");
    await page.keyboard.type("oneline");
    await page.keyboard.press("Enter");
    await sees(page, "1 found");
    while ((await page.evaluate(() => document.activeElement?.closest("#hits"))) === null)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.locator("#items > li.here").waitFor();
    expect(await page.evaluate(() => document.activeElement?.classList.contains("here"))).toBe(true);
    await page.keyboard.press("Tab");
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("SUMMARY");
    const isOpen = () => page.evaluate(() => document.activeElement?.closest("details")?.open);
    const before = await isOpen();
    await page.keyboard.press("Enter");
    expect(await isOpen()).toBe(!before);
    await page.keyboard.press("Escape");
    await page.locator("#found").waitFor({ state: "hidden" });
  });

  test("markup in every text is text, and no address is followed that could run anything", async () => {
    const evil = `<img src=x onerror="window.hit=1"><script>window.hit=1</script>`;
    const session = addSession(site.fixture, evil);
    const answer = `${evil}\n\n<b>bold</b> [a](javascript:window.hit=1) [b](data:text/html,x) ![c](https://evil.example/p.png)\n\n\`${evil}\`\n\n- ${evil}\n\n| ${evil} |\n|---|\n| ${evil} |`;
    addExchange(site.fixture, { session, question: evil, answer });
    const turn = addTurn(site.fixture, session);
    const tell = (event: Parameters<typeof happen>[1]["event"]) => happen(site.fixture, { session, turn, event });
    tell({ type: "tool", step: "start", call: "c", name: evil, title: evil, input: { [evil]: evil } });
    tell({ type: "tool", step: "end", call: "c", name: evil, ok: false, ms: 1, text: evil });
    tell({ type: "notice", text: evil });
    tell({ type: "file", stored: "none", name: `${evil}.png`, bytes: 1, caption: evil });
    tell({ type: "ask", approval: 1, text: evil, choices: [] });
    tell({ type: "ended", outcome: "failed", error: { code: "tool", message: evil }, usage: noUsage });
    const { page, complaints } = await openPage(browser, { address: linkOf(site, session) });
    for (const summary of await page.locator("summary").all()) await summary.click();
    await page.getByRole("searchbox").fill("onerror");
    await page.keyboard.press("Enter");
    await sees(page, /^\d+ found/);
    expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();
    expect(await page.locator("main b, main script, #found img, header img").count()).toBe(0);
    const addresses = await page
      .locator("main a")
      .evaluateAll((found) => found.map((link) => (link as HTMLAnchorElement).href));
    expect(addresses.every((href) => /^https?:/.test(href))).toBe(true);
    // The picture of nowhere is offered as a file; nothing else was even asked for.
    expect(complaints.filter((text) => !/400 \(Bad Request\)/.test(text))).toEqual([]);
  });

  test("ten thousand items: there at once, loaded as one scrolls, and never all in the page", async () => {
    const session = addSession(site.fixture, "Long");
    site.fixture.store.transaction(() => {
      for (let index = 0; index < 2_500; index += 1) {
        addExchange(site.fixture, { session, question: `question ${index}`, answer: `answer ${index}` });
      }
    });
    const { page, complaints } = await openPage(browser, { address: linkOf(site, session) });
    await sees(page, "answer 2499");
    expect(await isAtEnd(page)).toBe(true);
    const shown = await entries(page).count();
    for (let round = 0; round < 12; round += 1) {
      await page.evaluate(() => window.scrollTo(0, 0));
      await page.waitForTimeout(80);
    }
    expect(await entries(page).count()).toBeGreaterThan(shown);
    expect(await entries(page).count()).toBeLessThanOrEqual(1_400);
    // The newest was let go, and is loaded again for whoever goes there.
    await page.getByRole("button", { name: "Newest" }).click();
    await sees(page, "answer 2499");
    await page.evaluate(() => window.scrollTo(0, 0));
    await page.getByRole("button", { name: "From the beginning" }).click();
    await sees(page, "question 0");
    await page.getByRole("searchbox").fill("question 1234");
    await page.keyboard.press("Enter");
    await page.locator("#hits button").first().click();
    await page.locator("#items > li.here", { hasText: "question 1234" }).waitFor();
    expect(complaints).toEqual([]);
  });

  test("two tabs of one link, and light and dark by choice", async () => {
    const session = await tellStory(site.fixture);
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    const other = await page.context().newPage();
    await other.goto(linkOf(site, session));
    await sees(other, "What I changed");
    await page.reload();
    await sees(page, "What I changed");
    await page.getByRole("button", { name: "Switch between light and dark" }).click();
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(20, 22, 26)");
    await page.reload();
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe("dark");
  });

  test("on paper all is unfolded and nothing of the screen's is left", async () => {
    const session = await tellStory(site.fixture);
    const { page } = await openPage(browser, { address: linkOf(site, session) });
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print" });
    expect(await page.locator("details:not([open])").count()).toBe(0);
    expect(await page.locator(".tools").isVisible()).toBe(false);
    expect(await page.getByText("expected 3 items, received 2").isVisible()).toBe(true);
  });
});
