// The prompt's files are read anew exactly when they changed, and never through a link.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stampOf } from "../../src/sys/stamp.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { createPromptFiles } from "../../src/workspace/prompt-files.ts";
import { memoryLog } from "../gateway/fixture.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "prompt-files-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Files whose clock is an hour ahead: everything on the disk is old enough for a stamp. */
async function world() {
  const layout = createLayout(root);
  await layout.prepare();
  const place = await layout.prepareConversation("chat", "one");
  const log = memoryLog();
  let hours = 1;
  const files = createPromptFiles({ layout, log, now: () => Date.now() + hours * 3_600_000 });
  const setAhead = (value: number) => {
    hours = value;
  };
  const read = () => files.of(place, (path) => path.replace(root, "/workspace"));
  return { layout, place, log, read, setAhead };
}

describe("the prompt's files", () => {
  test("a change of any of them is seen at the next turn", async () => {
    const { layout, place, read } = await world();
    expect(await read()).toEqual({ instructions: "", memory: { workspace: "", conversation: "" }, skills: [] });
    writeFileSync(layout.system, "be kind");
    writeFileSync(layout.memory, "everywhere");
    writeFileSync(place.memory, "here");
    expect(await read()).toMatchObject({
      instructions: "be kind",
      memory: { workspace: "everywhere", conversation: "here" },
    });
    writeFileSync(place.memory, "HERE");
    expect((await read()).memory.conversation).toBe("HERE");
    rmSync(place.memory);
    expect((await read()).memory.conversation).toBe("");
  });
  test("a skill that comes, changes and goes is seen", async () => {
    const { layout, read, log } = await world();
    await read();
    const folder = join(layout.skills, "weather");
    mkdirSync(folder);
    expect((await read()).skills).toEqual([]);
    writeFileSync(join(folder, "SKILL.md"), "---\nname: weather\ndescription: one\n---\n");
    expect((await read()).skills.map((skill) => skill.description)).toEqual(["one"]);
    writeFileSync(join(folder, "SKILL.md"), "---\nname: weather\ndescription: two\n---\n");
    expect((await read()).skills.map((skill) => skill.description)).toEqual(["two"]);
    writeFileSync(join(folder, "SKILL.md"), "---\nname: other\n---\n");
    await read();
    await read();
    // Told once, not at each turn.
    expect(log.lines.filter((line) => line.includes("Left out a skill"))).toHaveLength(1);
    rmSync(folder, { recursive: true });
    expect((await read()).skills).toEqual([]);
  });
  test("a conversation's own skill wins over the shared one of its name", async () => {
    const { layout, place, read } = await world();
    for (const [folder, description] of [
      [layout.skills, "shared"],
      [place.skills, "own"],
    ] as const) {
      mkdirSync(join(folder, "weather"));
      writeFileSync(join(folder, "weather", "SKILL.md"), `---\nname: weather\ndescription: ${description}\n---\n`);
    }
    expect((await read()).skills.map((skill) => skill.description)).toEqual(["own"]);
  });
  test("what was read is not read again, and a link in its place is not followed", async () => {
    const { layout, place, read } = await world();
    writeFileSync(place.memory, "kept");
    const first = await read();
    expect((await read()).memory).toEqual(first.memory);
    const secret = join(root, "secret.txt");
    writeFileSync(secret, "kept");
    renameSync(place.memory, `${place.memory}.old`);
    symlinkSync(secret, place.memory);
    expect((await read()).memory.conversation).toContain("was not read");
    expect(layout.memory).not.toBe(place.memory);
  });
  test("what changed a moment ago is read each time: its next change could look the same", async () => {
    const { place, read, setAhead } = await world();
    setAhead(0);
    const at = new Date();
    writeFileSync(place.memory, "aaaa");
    utimesSync(place.memory, at, at);
    expect((await read()).memory.conversation).toBe("aaaa");
    expect(stampOf([place.memory], Date.now())).toBeUndefined();
    writeFileSync(place.memory, "bbbb");
    utimesSync(place.memory, at, at);
    expect((await read()).memory.conversation).toBe("bbbb");
  });
});
