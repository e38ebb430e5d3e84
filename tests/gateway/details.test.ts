// Outputs of tools in the thread below the answer, where a platform has such threads.
import { describe, expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import { createChat } from "./chat.ts";
import { later, refused } from "./outbox.ts";

const options = { toolOutput: "full", traits: { details: "thread", repeat: "find" } } as const;

/** A turn with so many calls and an answer. */
async function work(chat: ReturnType<typeof createChat>, calls = 2): Promise<void> {
  await chat.start();
  for (let n = 1; n <= calls; n += 1) await chat.tool(`step ${n}`, { text: `output ${n}` });
  await chat.message("Done, all of it");
}

describe("details in the thread", () => {
  test("stand below the answer, in order; the answer has the summaries", async () => {
    const chat = createChat(options);
    await work(chat);
    await chat.end();
    const [answer, ...details] = chat.shown();
    expect(answer).toMatchObject({ body: "-# `step 1` · `step 2`\n\nDone, all of it" });
    expect(answer?.thread).toBeUndefined();
    expect(details.map(({ body, thread, replyTo }) => [body, thread, replyTo])).toEqual([
      ["`step 1`\n```\noutput 1\n```", answer?.ref, undefined],
      ["`step 2`\n```\noutput 2\n```", answer?.ref, undefined],
    ]);
  });

  test("what forms has no outputs either", async () => {
    const chat = createChat(options);
    await work(chat);
    await chat.pass(limits.formingFirstMs + 10_000);
    expect(chat.texts()).toEqual(["-# `step 1` · `step 2`\n\nDone, all of it"]);
  });

  test("in a thread they stand in that", async () => {
    const chat = createChat(options);
    chat.next({ ...chat.turn().replyTo, thread: "t1" } as never);
    await work(chat, 1);
    await chat.end();
    expect(chat.shown().map(({ thread }) => thread)).toEqual(["t1", "t1"]);
  });

  test("are bounded", async () => {
    const chat = createChat(options);
    await work(chat, limits.detailsMax + 3);
    await chat.end();
    expect(chat.texts()).toHaveLength(limits.detailsMax + 2);
    expect(chat.texts().at(-1)).toBe("3 more are not shown.");
  });

  test("wait for the answer, and hold nobody up", async () => {
    const chat = createChat(options);
    await work(chat, 1);
    chat.platform.fault = ({ method, body }) =>
      method === "change" && body?.includes("Done") === true ? later() : undefined;
    await chat.end();
    await chat.say("Something else");
    expect(chat.texts().slice(1)).toEqual(["Something else"]);
    chat.platform.fault = () => undefined;
    await chat.wait(60_000);
    expect(chat.texts().slice(1)).toEqual(["Something else", "`step 1`\n```\noutput 1\n```"]);
  });

  test("of an answer that never arrives nothing comes", async () => {
    const chat = createChat(options);
    await chat.start();
    await chat.tool("step", { text: "output" });
    await chat.message("Done");
    chat.platform.fault = ({ body }) => (body?.includes("Done") === true ? refused : undefined);
    await chat.end();
    await chat.wait(60_000);
    expect(chat.texts().filter((text) => text.includes("output"))).toEqual([]);
    expect(chat.outbox.lanes()).toBe(0);
  });

  test.each(["before", "after"] as const)("a kill (%s one arrived) doubles nothing", async (hang) => {
    const chat = createChat(options);
    await work(chat, 2);
    chat.platform.fault = ({ body }) => (body?.includes("output 1") === true ? { hang } : undefined);
    await chat.end();
    chat.platform.fault = () => undefined;
    await chat.crash();
    await chat.wait(60_000);
    expect(
      chat
        .texts()
        .filter((text) => text.includes("output"))
        .map((text) => text.slice(0, 8)),
    ).toEqual(["`step 1`", "`step 2`"]);
    const [answer] = chat.shown();
    expect(
      new Set(
        chat
          .shown()
          .slice(1)
          .map(({ thread }) => thread),
      ),
    ).toEqual(new Set([answer?.ref]));
  });

  test("elsewhere they stand in the answer", async () => {
    const chat = createChat({ toolOutput: "full" });
    await work(chat, 1);
    await chat.end();
    expect(chat.texts()).toEqual(["`step 1`\n```\noutput 1\n```\n\nDone, all of it"]);
  });
});
