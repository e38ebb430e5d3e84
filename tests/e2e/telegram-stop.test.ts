// A stop as a person sees it on Telegram: the whole chat, after each way to stop, over the program as it is shipped.
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { builtProgram } from "../built.ts";
import { type Life, until } from "../crash/instance.ts";
import { type Task, taskText } from "../crash/model.ts";
import { createTelegramWorld, type TelegramWorld } from "../crash/telegram-world.ts";

setDefaultTimeout(60_000);

let program: ReturnType<typeof builtProgram>;
let world: TelegramWorld;
let life: Life;
beforeAll(() => {
  program = builtProgram();
});
beforeEach(async () => {
  world = await createTelegramWorld(program.path, 1);
  life = world.start();
  await until(
    () => life.said().includes("ready"),
    () => `It does not start: ${life.said()}`,
  );
});
afterEach(() => world.close({ keep: false }));
afterAll(() => program.remove());

const say = (text: string) => world.people.ann.say(world.chats.ann, text);
const ask = (task: Partial<Task>) => say(taskText({ name: "work", rounds: 0, width: 1, callMs: 10, ...task }));
const mine = () => world.platform.messages(world.chats.ann).filter(({ byBot }) => byBot);
const shows = (words: string) =>
  until(
    () => mine().some(({ text }) => text.includes(words)),
    () => `Nobody says ${words}: ${JSON.stringify(mine().map(({ text }) => text))}`,
  );
/** What stands in the chat at the end: long texts by their first and last words, and "…" for the processes that died. */
async function chat(): Promise<string[]> {
  await world.idle(life);
  return world.platform.messages(world.chats.ann).map(({ byBot, text, buttons }) => {
    if (!text.startsWith("Place ")) expect(JSON.stringify(buttons)).not.toContain('"Stop"');
    const brief = text.replace(/(?<=Killed: ).* \(\d+\)/, "…").replace(/^([^\n]*)\n[\s\S]*\n([^\n]*)$/, "$1 … $2");
    return `${byBot ? "agent" : "ann"}: ${brief}`;
  });
}
const stopButton = () => {
  const answer = mine().find(({ buttons }) => buttons.flat().some(({ text }) => text === "Stop"));
  if (answer === undefined) throw new Error("Nothing has a stop button");
  world.people.ann.press(world.chats.ann, answer.id, "Stop");
};
const notes = () => world.platform.requests.filter(({ method }) => method === "answerCallbackQuery");
const running = `$ echo "begun toolu_1" >> calls; sleep 30`;

test("/stop while text forms: the answer keeps it, and one reply says that it is over", async () => {
  let rest: () => void = () => undefined;
  world.model.half = new Promise((resolve) => {
    rest = resolve;
  });
  const id = ask({ lines: 40 });
  await shows("line 3>");
  say("/stop");
  const [asked, answer, order, reply, ...more] = await chat();
  expect(asked).toBe(`ann: ${taskText({ name: "work", rounds: 0, width: 1, callMs: 10, lines: 40 })}`);
  expect(answer).toMatch(/^agent: Done: <work is answered> … Stopped\.$/);
  expect([order, reply, more]).toEqual(["ann: /stop", "agent: Stopped.", []]);
  expect(mine()[0]).toMatchObject({ replyTo: id });
  rest();
});

test("/stop while a tool runs: the reply names what died", async () => {
  ask({ rounds: 1, callMs: 30_000 });
  await shows("sleep 30");
  say("/stop");
  const [, answer, , reply, ...more] = await chat();
  expect(answer).toStartWith(`agent: ${running}`);
  expect(answer).toEndWith(" … Stopped.");
  expect(answer).not.toContain("(stopped)");
  expect([reply, more]).toEqual(["agent: Stopped. Killed: ….", []]);
});

test("the button: the answer says it, and no message besides", async () => {
  ask({ rounds: 1, callMs: 30_000 });
  await shows("sleep 30");
  stopButton();
  const [, answer, ...more] = await chat();
  expect(answer).toEndWith(" … Stopped.");
  expect(more).toEqual([]);
  expect(notes()).toHaveLength(1);
  expect(JSON.stringify(notes()[0]?.params)).toContain("Stopped. Killed: ");
});

test("with messages that wait, one reply counts them, by button and by word", async () => {
  for (const stop of [stopButton, () => say("/stop")]) {
    say("/new");
    say("/queue mode followup");
    await shows("gets a turn of its own");
    ask({ rounds: 1, callMs: 30_000 });
    await shows("sleep 30");
    const before = mine().length;
    say("and this");
    await shows("Place ");
    stop();
    const lines = await chat();
    expect(lines.at(-1)).toBe("agent: Stopped. Killed: …. 1 waiting message was removed.");
    expect(mine().length - before).toBe(2);
    for (const { id } of world.platform.messages(world.chats.ann)) world.people.ann.remove(world.chats.ann, id);
  }
});
