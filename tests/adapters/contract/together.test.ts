// All platforms in one process: each works by itself, and one that fails leaves the others working.
import { expect, setDefaultTimeout, test } from "bun:test";
import { discord } from "./discord.ts";
import type { Member, Platform } from "./platform.ts";
import { eventually, startProgram } from "./program.ts";
import { slack } from "./slack.ts";
import { telegram } from "./telegram.ts";

setDefaultTimeout(60_000);

const members: Member[] = [telegram, slack, discord];

test("all at once, and one failing alone", async () => {
  const opened: [string, Platform][] = [];
  for (const member of members) opened.push([member.name, await member.open()]);
  const platforms = Object.fromEntries(opened);
  const program = await startProgram(platforms);
  const states = () =>
    Object.fromEntries(
      program
        .app()
        .status()
        .adapters.map(({ name, state }) => [name, state]),
    );
  const said = (platform: Platform, text: string) =>
    eventually(
      () => platform.seen("direct").some((one) => one.mine && one.text.includes(text)),
      () => `${text}: ${JSON.stringify(platform.seen("direct"))}\n${program.log()}`,
    );
  try {
    await eventually(
      () => opened.every(([name]) => states()[name] === "connected"),
      () => `all connect: ${JSON.stringify(states())}`,
    );
    await Promise.all(opened.map(([name, platform]) => platform.say(`hello from <<${name}>>`)));
    await Promise.all(opened.map(([name, platform]) => said(platform, `You said: hello from <<${name}>>`)));
    for (const [name, platform] of opened)
      for (const other of Object.keys(platforms).filter((one) => one !== name))
        expect(platform.seen("direct").some(({ text }) => text.includes(`<<${other}>>`))).toBe(false);

    for (const [away, gone] of opened) {
      await gone.reachable(false);
      const others = opened.filter(([name]) => name !== away);
      await Promise.all(others.map(([name, platform]) => platform.say(`while <<${away}>> is away, ${name}`)));
      await Promise.all(
        others.map(([name, platform]) => said(platform, `You said: while <<${away}>> is away, ${name}`)),
      );
      await gone.say(`back <<${away}>>`);
      await gone.reachable(true);
      await said(gone, `back <<${away}>>`);
    }
  } finally {
    await program.close();
    for (const [, platform] of opened) await platform.close();
  }
});
