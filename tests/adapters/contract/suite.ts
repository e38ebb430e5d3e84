// What holds for every adapter, with the whole program behind it; run on each by contract.test.ts.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Member } from "./platform.ts";
import { eventually, quiet } from "./program.ts";
import { answerTo, openScene, type Scene, withButton, word } from "./scene.ts";

/** A test for platforms that have what it needs; for the others there is none. */
function when(needed: boolean): (name: string, run: () => Promise<void>) => void {
  return (name, run) => {
    if (needed) test(name, run);
  };
}

/** Runs the suite on one platform. */
export function adapterContract(member: Member): void {
  let scene: Scene;
  describe(`adapter ${member.name}`, () => {
    beforeEach(async () => {
      scene = await openScene(member);
    });
    afterEach(() => scene[Symbol.asyncDispose]());
    talking(() => scene);
    sessionRules(member, () => scene);
    commands(member, () => scene);
    admission(member, () => scene);
    shape(member, () => scene);
    files(member, () => scene);
    changes(member, () => scene);
    stopping(member, () => scene);
    faults(member, () => scene);
  });
}

function talking(now: () => Scene): void {
  test("a direct message is answered once, and the next one goes on", async () => {
    const { platform, program, shown, count, idle } = now();
    await platform.say(word("first"));
    await shown(answerTo(word("first")));
    await platform.say(word("second"));
    await shown(answerTo(word("second")));
    await idle();
    expect(program.asked.length).toBe(2);
    expect(program.asked[1]?.all).toContain(word("first"));
    expect([count(word("first")), count(word("second"))]).toEqual([1, 1]);
  });

  test("a chat command is answered, and no turn begins", async () => {
    const { platform, program, shown } = now();
    await platform.say("/help");
    await shown("/status");
    expect(program.asked.length).toBe(0);
  });

  test("/new begins anew", async () => {
    const { platform, program, shown, idle } = now();
    await platform.say(word("before"));
    await shown(answerTo(word("before")));
    await platform.say("/new");
    await eventually(() => now().mine().length >= 2, "an answer to /new");
    await platform.say(word("after"));
    await shown(answerTo(word("after")));
    await idle();
    expect(program.asked.at(-1)?.all).not.toContain(word("before"));
  });
}

function sessionRules({ can, roomSession, thread }: Member, now: () => Scene): void {
  when(can.rooms)("a room is answered when the agent is addressed, and only then", async () => {
    const { platform, program, shown, idle, mine } = now();
    await platform.say(word("aside"), { in: "room" });
    await platform.say(word("asked"), { in: "room", mention: true });
    await shown(answerTo(word("asked")), "room");
    await idle();
    expect(program.asked.length).toBe(1);
    expect(mine("direct")).toEqual([]);
  });

  when(can.rooms)(`top-level messages of a room have ${roomSession} session`, async () => {
    const { platform, program, shown, idle } = now();
    await platform.say(word("one"), { in: "room", mention: true });
    await shown(answerTo(word("one")), "room");
    await idle();
    await platform.say(word("two"), { in: "room", mention: true });
    await shown(answerTo(word("two")), "room");
    expect(program.asked[1]?.all.includes(word("one"))).toBe(roomSession === "one");
  });

  when(can.rooms && can.replies)("an answer to the agent goes on with its session", async () => {
    const { platform, program, shown, idle, mine } = now();
    await platform.say(word("root"), { in: "room", mention: true });
    await shown(answerTo(word("root")), "room");
    await idle();
    await platform.say(word("between"), { in: "room", mention: true });
    await shown(answerTo(word("between")), "room");
    const said = mine("room").find(({ text }) => text.includes(word("root")));
    await platform.say(word("reply"), { in: "room", replyTo: said?.id ?? "" });
    await shown(answerTo(word("reply")), "room");
    const last = program.asked.at(-1)?.all ?? "";
    expect([last.includes(word("root")), last.includes(word("between"))]).toEqual([true, roomSession === "one"]);
  });

  when(can.threads)("a thread knows what was said before it, and is answered where it is", async () => {
    const { platform, program, shown, idle, mine } = now();
    const root = await platform.say(word("root"), { in: "room", mention: true });
    await shown(answerTo(word("root")), "room");
    await idle();
    await platform.say(word("below"), { in: "room", thread: root, mention: true });
    await shown(answerTo(word("below")), "room");
    expect(program.asked.at(-1)?.all).toContain(word("root"));
    expect(mine("room").find(({ text }) => text.includes(answerTo(word("below"))))?.thread).toBe(root);
    await idle();
    // Nobody has to address whoever answers in this thread already.
    await platform.say(word("again"), { in: "room", thread: root });
    await shown(answerTo(word("again")), "room");
    expect(program.asked.at(-1)?.all).toContain(word("below"));
  });

  when(can.threads && thread === "fork")("what is said in a thread stays there", async () => {
    const { platform, program, shown, idle } = now();
    const root = await platform.say(word("root"), { in: "room", mention: true });
    await shown(answerTo(word("root")), "room");
    await idle();
    await platform.say(word("below"), { in: "room", thread: root, mention: true });
    await shown(answerTo(word("below")), "room");
    await idle();
    await platform.say(word("top"), { in: "room", mention: true });
    await shown(answerTo(word("top")), "room");
    const last = program.asked.at(-1)?.all ?? "";
    expect([last.includes(word("root")), last.includes(word("below"))]).toEqual([true, false]);
  });
}

function commands({ can }: Member, now: () => Scene): void {
  when(can.commands)("the platform's own way to a chat command works, and is answered to whoever asked", async () => {
    const { platform, program, shown, idle } = now();
    await platform.command("help", "");
    await shown("/status");
    if (can.rooms) {
      await platform.command("status", "", { in: "room" });
      await eventually(() => now().mine("room").length > 0, "an answer in the room");
    }
    await idle();
    expect(program.asked.length).toBe(0);
  });
}

function admission({ can }: Member, now: () => Scene): void {
  when(can.rooms)("a stranger gets nowhere: one private sentence with their id, and silence", async () => {
    const { platform, program, idle, mine } = now();
    await platform.say(word("hello"), { by: "guest" });
    await eventually(() => mine("direct", "guest").length > 0, "a sentence");
    await platform.say(word("hello?"), { by: "guest" });
    await platform.say(word("room"), { by: "guest", in: "room", mention: true });
    await idle();
    expect(program.asked.length).toBe(0);
    expect(mine("direct", "guest").length).toBe(1);
    expect(mine("room")).toEqual([]);
  });

  when(can.rooms)("no other kind of happening lets a stranger in", async () => {
    const { platform, program, shown, idle, mine } = now();
    const theirs = await platform.say(word("quiet"), { by: "guest", in: "room" });
    const ours = await platform.say(word("ours"), { in: "room", mention: true });
    await shown(answerTo(word("ours")), "room");
    await idle();
    const before = mine("room").length;
    const who = { by: "guest", in: "room" } as const;
    if (can.edits) await platform.edit(theirs, word("changed"), { ...who, mention: true });
    if (can.reactions) await platform.react(ours, who);
    if (can.removals) await platform.remove(theirs, who);
    if (can.commands) await platform.command("new", "", who);
    await platform.say("/stop", { ...who, mention: true });
    await idle();
    expect(program.asked.length).toBe(1);
    expect(mine("room").length).toBe(before);
  });

  when(can.rooms && can.buttons)("a stranger's press does nothing", async () => {
    const { platform, shown, idle, mine } = now();
    await platform.say(word("one"), { in: "room", mention: true });
    await shown(answerTo(word("one")), "room");
    await idle();
    await platform.say("/queue", { in: "room", mention: true });
    await platform.say("/model", { in: "room", mention: true });
    const card = await withButton(now, "room");
    await platform.press(card.id, card.buttons[0] ?? "", { by: "guest", in: "room" });
    await idle();
    expect(mine("room").find(({ id }) => id === card.id)).toEqual(card);
  });

  when(can.rooms)("other bots are not answered", async () => {
    const { platform, program, idle } = now();
    await platform.botSays(word("bot"));
    await idle();
    expect(program.asked.length).toBe(0);
  });
}

/** Prose with everything that has a form of its own, and what looks like one and is none. */
const prose = [
  "# A heading",
  "Some **bold**, *slanted* and `code <b> & *c*` words, [a link](https://example.com/a?b=1&c=2), 1 < 2 && 3 > 2.",
  "- one\n- two\n  - deeper",
  "| name | size |\n|---|---|\n| alpha | 1 |\n| beta | 22 |",
  "> quoted words",
  "snake_case_name and 2 * 3 * 4 and ~tilde~ and @nobody and <@U123> and :smile: stay.",
].join("\n\n");

function shape({ can, textMax, editEveryMs }: Member, now: () => Scene): void {
  test("formatted text arrives readable, with every word", async () => {
    const { platform, program, shown, mine } = now();
    program.answers = () => ({ text: prose });
    await platform.say("go");
    await shown("deeper");
    await now().idle();
    const text = mine()
      .map((one) => one.text)
      .join("\n");
    for (const wanted of ["A heading", "bold", "slanted", "a link", "code <b> & *c*", "1 < 2 && 3 > 2"])
      expect(text).toContain(wanted);
    for (const wanted of ["alpha", "22", "quoted words", "snake_case_name", "2 * 3 * 4", "@nobody"])
      expect(text).toContain(wanted);
    expect(text.includes("**bold**")).toBe(!can.markup);
  });

  test("a long answer comes in parts, in order and whole", async () => {
    const { platform, program, mine, idle } = now();
    const lines = Array.from({ length: 260 }, (_, n) => `Line ${n} of the long answer, with some words to fill it.`);
    const code = Array.from({ length: 60 }, (_, n) => `const value${n} = ${n};`);
    const text = `${lines.join("\n\n")}\n\n\`\`\`ts\n${code.join("\n")}\n\`\`\``;
    program.answers = () => ({ text });
    await platform.say("go");
    await now().shown("value59");
    await idle();
    const parts = mine();
    for (const part of parts) expect(part.text.length).toBeLessThanOrEqual(textMax);
    const all = parts.map((part) => part.text).join("\n");
    const places = [...lines.map((line) => all.indexOf(line)), ...code.map((line) => all.indexOf(line))];
    expect(places.every((place, index) => place >= 0 && place >= (places[index - 1] ?? 0))).toBe(true);
    expect(all.split("Line 7 of").length).toBe(2);
  });

  test("an answer forms by edits, no more often than the platform likes", async () => {
    const { platform, program, mine, idle } = now();
    program.answers = () => ({ text: `${"word ".repeat(200)}${word("end")}` });
    program.pace(25);
    const begun = performance.now();
    await platform.say("go");
    await now().shown(word("end"));
    const ms = performance.now() - begun;
    await idle();
    const [answer, ...rest] = mine();
    expect(rest).toEqual([]);
    expect(answer?.edits).toBeGreaterThan(0);
    if (editEveryMs > 0) expect(answer?.edits).toBeLessThanOrEqual(Math.ceil(ms / editEveryMs) + 3);
  });

  when(can.buttons)("a button does what it says", async () => {
    const { platform, program, shown, idle } = now();
    await platform.say(word("old"));
    await shown(answerTo(word("old")));
    await platform.say("/new");
    await eventually(() => now().mine().length >= 2, "an answer to /new");
    await platform.say(word("fresh"));
    await shown(answerTo(word("fresh")));
    await idle();
    await platform.say("/sessions");
    const card = await withButton(now, "direct");
    const label = card.buttons.find((found) => found.startsWith("S001")) ?? "";
    await platform.press(card.id, label);
    await shown("now leads to S001");
    await platform.say(word("back"));
    await shown(answerTo(word("back")));
    expect(program.asked.at(-1)?.all).toContain(word("old"));
  });
}

function files({ can }: Member, now: () => Scene): void {
  const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7919) % 251);

  when(can.files)("a file that comes in lies in the workspace, byte for byte", async () => {
    const { platform, program, idle } = now();
    await platform.say("look at this", { file: { name: "data set.bin", bytes } });
    await eventually(() => program.asked.length > 0, "a question");
    await idle();
    const kept = readdirSync(program.workspace, { recursive: true, encoding: "utf8" }).filter((path) =>
      /attachments\/.*data.set\.bin$/.test(path),
    );
    expect(kept.length).toBe(1);
    expect(readFileSync(join(program.workspace, kept[0] ?? ""))).toEqual(Buffer.from(bytes));
    expect(program.asked[0]?.last).toMatch(/data.set\.bin/);
  });

  when(can.files)("a file that is attached arrives, byte for byte", async () => {
    const { platform, program, mine } = now();
    const asked = [
      { tool: "write", input: { path: "report.csv", content: "a,b\n1,2\n" } },
      { tool: "attach", input: { path: "report.csv", caption: "The report" } },
    ];
    program.answers = () => asked.shift() ?? { text: word("done") };
    await platform.say("the report, please");
    await now().shown(word("done"));
    const sent = () => mine().flatMap((one) => one.files);
    await eventually(() => sent().length > 0, "the file");
    expect(new TextDecoder().decode(sent()[0]?.bytes)).toBe("a,b\n1,2\n");
    expect(sent()[0]?.name).toBe("report.csv");
  });
}

function changes({ can }: Member, now: () => Scene): void {
  when(can.edits)("an edit of a message that waits replaces it", async () => {
    const { platform, program, shown, idle } = now();
    program.answers = ({ last }) => (last.includes(word("slow")) ? { command: "sleep 3" } : { text: answerTo(last) });
    await platform.say("/option queue followup");
    await eventually(() => now().mine().length > 0, "an answer to /option");
    await platform.say(word("slow"));
    await eventually(() => program.asked.length > 0, "a question");
    const waiting = await platform.say(word("wrong"));
    await eventually(() => program.app().status().waiting === 1, "it waits");
    await platform.edit(waiting, word("right"));
    await shown(word("right"));
    await idle();
    expect(program.asked.some(({ all }) => all.includes(word("wrong")))).toBe(false);
  });

  when(can.removals)("a message that waits and is taken away is not answered", async () => {
    const { platform, program, idle } = now();
    program.answers = ({ last }) => (last.includes(word("slow")) ? { command: "sleep 2" } : { text: answerTo(last) });
    await platform.say("/option queue followup");
    await eventually(() => now().mine().length > 0, "an answer to /option");
    await platform.say(word("slow"));
    await eventually(() => program.asked.length > 0, "a question");
    const waiting = await platform.say(word("never mind"));
    await eventually(() => program.app().status().waiting === 1, "it waits");
    await platform.remove(waiting);
    await idle();
    expect(program.asked.some(({ all }) => all.includes(word("never mind")))).toBe(false);
  });
}

function stopping({ can }: Member, now: () => Scene): void {
  test("/stop ends what runs, and says so when it is dead", async () => {
    const { platform, program, shown, mine } = now();
    program.answers = () => ({ command: "sleep 300" });
    await platform.say("go");
    await eventually(() => program.app().status().commands.length > 0, "a command runs");
    await platform.say("/stop");
    await shown("Stopped");
    expect(program.app().status().commands).toEqual([]);
    expect(mine().some(({ text }) => text.includes("sleep 300"))).toBe(true);
  });

  when(can.buttons)("the Stop button ends what runs", async () => {
    const { platform, program, shown } = now();
    program.answers = () => ({ command: "sleep 300" });
    await platform.say("go");
    await eventually(() => program.app().status().commands.length > 0, "a command runs");
    const answer = await withButton(now, "direct");
    await platform.press(answer.id, "Stop");
    await shown("Stopped");
    expect(program.app().status().commands).toEqual([]);
  });

  test("after a restart the interrupted turn is told once and answered once", async () => {
    const { platform, program, shown, count, idle, up } = now();
    program.answers = () => ({ text: `${"word ".repeat(100)}${word("end")}` });
    program.pace(50);
    await platform.say("go");
    await eventually(() => program.asked.length > 0, "a question");
    await quiet();
    await program.stop();
    program.pace(0);
    await program.start();
    await up();
    await shown(word("end"));
    await idle();
    expect(count(word("end"))).toBe(1);
    expect(count("interrupted")).toBeLessThanOrEqual(1);
  });

  test("after the end no connection is left", async () => {
    const { platform, program } = now();
    await program.stop();
    await eventually(
      () => platform.connections() === 0,
      () => `${platform.connections()} connections are left`,
    );
  });
}

function faults({ can }: Member, now: () => Scene): void {
  test("what comes twice is answered once", async () => {
    const { platform, program, shown, idle, count } = now();
    await platform.say(word("once"));
    await shown(answerTo(word("once")));
    await idle();
    platform.repeat();
    await platform.say(word("twice"));
    await shown(answerTo(word("twice")));
    await idle();
    expect(program.asked.length).toBe(2);
    expect([count(word("once")), count(word("twice"))]).toEqual([1, 1]);
  });

  test("a line that is cut is found again, and loses nothing", async () => {
    const { platform, program, shown, idle, count } = now();
    // What was missed is looked for where something was said before.
    await platform.say(word("before"));
    await shown(answerTo(word("before")));
    await idle();
    await platform.cut();
    await platform.say(word("cut"));
    await shown(answerTo(word("cut")));
    await idle();
    expect([program.asked.length, count(word("cut"))]).toEqual([2, 1]);
  });

  when(can.outages)("what was said while the platform was away is answered once", async () => {
    const { platform, program, shown, idle, count } = now();
    program.answers = ({ last }) =>
      last.includes(word("slow")) ? { text: `${"word ".repeat(60)}${word("late")}` } : { text: answerTo(last) };
    program.pace(20);
    await platform.say(word("slow"));
    await eventually(() => program.asked.length > 0, "a question");
    await platform.reachable(false);
    await platform.say(word("meanwhile"));
    await quiet();
    await platform.reachable(true);
    await shown(word("late"));
    await eventually(() => program.asked.some(({ all }) => all.includes(word("meanwhile"))), "the second question");
    await idle();
    expect(count(word("late"))).toBe(1);
    expect(program.asked.filter(({ last }) => last.includes(word("meanwhile"))).length).toBeGreaterThan(0);
  });
}
