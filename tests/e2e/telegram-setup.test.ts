// From nothing to a conversation: the wizard on a real terminal, over the fake Bot API, with a fake person's thumbs.
import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createPlatform } from "../adapters/telegram/fake/platform.ts";
import { type FakeServer, startServer } from "../adapters/telegram/fake/server.ts";

setDefaultTimeout(90_000);

const main = resolve(import.meta.dirname, "../../src/main.ts");
const deadlineMs = 40_000;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A Telegram with one bot and one person, and the program over a state folder of its own. */
async function world(env: Record<string, string> = {}) {
  const platform = createPlatform();
  const server: FakeServer = await startServer(platform);
  const bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const ann = platform.newPerson({ firstName: "Ann", lastName: "Example" });
  const chat = platform.privateChat(bot, ann);
  const home = mkdtempSync(join(tmpdir(), "ra-setup-"));
  const stateDir = join(home, "state");
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    REMOTEAGENT_STATE_DIR: stateDir,
    TERM: "xterm",
    ...env,
  };
  const settings = () => JSON.parse(readFileSync(join(stateDir, "settings.json"), "utf8")) as Record<string, unknown>;

  /** A verb without a terminal. */
  const call = async (...args: string[]) => {
    const child = Bun.spawn([process.execPath, main, ...args], {
      env: environment,
      cwd: home,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: deadlineMs,
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out, err };
  };
  /** A verb on a terminal. */
  const sit = (...args: string[]) => {
    let shown = "";
    const wakes = new Set<() => void>();
    const child = Bun.spawn([process.execPath, main, ...args], {
      env: environment,
      cwd: home,
      timeout: deadlineMs * 2,
      terminal: {
        cols: 100,
        rows: 40,
        data(_terminal, data) {
          shown += new TextDecoder().decode(data);
          for (const wake of wakes) wake();
        },
      },
    });
    closers.push(() => child.kill("SIGKILL"));
    const terminal = child.terminal;
    if (terminal === undefined) throw new Error("There is no terminal");
    let from = 0;
    /** Waits until `text` is shown after what was seen before. */
    const see = async (text: string): Promise<void> => {
      const late = Date.now() + deadlineMs;
      while (!shown.slice(from).includes(text)) {
        if (Date.now() > late) throw new Error(`"${text}" is not shown:\n${shown.slice(from)}`);
        await new Promise<void>((wake) => {
          const timer = setTimeout(wake, 200);
          wakes.add(() => {
            clearTimeout(timer);
            wake();
          });
        });
        wakes.clear();
      }
      from = shown.indexOf(text, from) + text.length;
    };
    return {
      see,
      shown: () => shown,
      type: (text: string) => void terminal.write(text),
      /** Waits for a question and answers it. */
      async answer(question: string, text: string) {
        await see(question);
        terminal.write(`${text}\r`);
      },
      ended: child.exited,
    };
  };
  closers.push(async () => {
    await call("stop", "--now");
    await server.close();
    rmSync(home, { recursive: true, force: true });
  });
  return { platform, server, bot, ann, chat, home, stateDir, settings, call, sit };
}

/** The code that stands in the link, as the person's program sends it. */
function payload(shown: string): string {
  const found = /t\.me\/helper_bot\?start=([\w-]+)/.exec(shown)?.[1];
  if (found === undefined) throw new Error(`There is no link:\n${shown}`);
  return found;
}

test("a person with a token gets to a conversation, and a second run asks nothing of it again", async () => {
  const { platform, server, bot, ann, chat, stateDir, settings, sit, call } = await world();
  const first = sit("setup", "--telegram-api", server.url);
  await first.answer("Number [1]", "8");
  await first.see("In Telegram, on your phone");
  await first.answer("Number [1]", "1");
  await first.see("/newbot");
  await first.answer("Token (not shown)", bot.token);
  await first.see("This is @helper_bot: https://t.me/helper_bot");
  await first.see("runs as process");
  await first.see("press Start, and you own the bot");
  await first.see("Waiting for you to press Start");
  ann.start(chat, payload(first.shown()));
  await first.see(`Ann Example (id ${ann.id}) is the owner now`);
  await first.see("An answer has arrived");
  expect(await first.ended).toBe(0);
  expect(first.shown()).not.toContain(bot.token);
  const said = platform.messages(chat).filter(({ byBot }) => byBot);
  expect(said[0]?.text).toContain("You are the owner now");
  expect(said.length).toBeGreaterThan(1);
  const path = join(stateDir, "settings.json");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(settings()).toEqual({
    adapters: { telegram: { type: "telegram", botToken: bot.token, apiRoot: server.url } },
  });

  // It goes on there.
  ann.say(chat, "run echo 4711");
  await until(() => platform.lastOfBot(chat)?.text.includes("4711") === true);

  const before = readFileSync(path, "utf8");
  const second = sit("setup");
  await second.see("@helper_bot is connected and answers Ann Example");
  await second.see("All is set up");
  await second.answer("Number [1]", "1");
  expect(await second.ended).toBe(0);
  expect(second.shown()).not.toContain("Token");
  expect(second.shown()).not.toContain("?start=");
  expect(readFileSync(path, "utf8")).toBe(before);
  expect((await call("doctor")).out).toContain(`Its owner is Ann Example (${ann.id})`);
});

async function until(condition: () => boolean): Promise<void> {
  const late = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > late) throw new Error("It did not come");
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
