// The workspace on a real disk, with an agent that tries to lead the host astray by links.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../src/core/limits.ts";
import type { Log } from "../../src/sys/log.ts";
import { keepAttachment, keepFile, keepOutput } from "../../src/workspace/attachments.ts";
import { createLayout } from "../../src/workspace/layout.ts";
import { appendMemory, promptMemory, readMemory, replaceInMemory } from "../../src/workspace/memory.ts";
import { discoverSkills, skillsText } from "../../src/workspace/skills.ts";
import { createTranscript } from "../../src/workspace/transcript.ts";
import { failing } from "../failing.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "remoteagent-workspace-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe("layout", () => {
  test("knows every place", () => {
    const layout = createLayout("/w");
    expect(layout).toMatchObject({
      memory: "/w/MEMORY.md",
      system: "/w/SYSTEM.md",
      skills: "/w/skills",
      events: "/w/events",
    });
    expect(layout.agent("main").memory).toBe("/w/agents/main/MEMORY.md");
    expect(layout.conversation("slack-acme", "C024BE91L")).toEqual({
      root: "/w/channels/slack-acme/C024BE91L",
      memory: "/w/channels/slack-acme/C024BE91L/MEMORY.md",
      log: "/w/channels/slack-acme/C024BE91L/log.jsonl",
      attachments: "/w/channels/slack-acme/C024BE91L/attachments",
      scratch: "/w/channels/slack-acme/C024BE91L/scratch",
      skills: "/w/channels/slack-acme/C024BE91L/skills",
    });
    expect(layout.below("/w/channels/x/y")).toBe("channels/x/y");
    expect(() => layout.below("/elsewhere")).toThrow();
  });

  test("is made on demand, for this user alone, and again without harm", async () => {
    const layout = createLayout(join(root, "w"));
    await layout.prepare();
    const own = await layout.prepareConversation("tg", "../../etc");
    await layout.prepareConversation("tg", "../../etc");
    expect(own.root).toStartWith(join(root, "w/channels/tg/"));
    for (const path of [layout.events, own.attachments, own.scratch, own.skills]) {
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
  });

  test("is made again whatever an agent puts in its place", async () => {
    const layout = createLayout(join(root, "w"));
    const own = await layout.prepareConversation("tg", "1");
    writeFileSync(join(own.scratch, "kept"), "x");
    const outside = mkdtempSync(join(tmpdir(), "remoteagent-outside-"));
    renameSync(own.scratch, join(own.root, "old"));
    symlinkSync(outside, own.scratch);
    rmSync(own.skills, { recursive: true });
    await Bun.$`mkfifo ${own.skills}`.quiet();
    mkdirSync(join(own.attachments, "in"));
    chmodSync(own.attachments, 0);
    chmodSync(own.root, 0);
    await layout.prepareConversation("tg", "1");
    for (const path of [own.root, own.attachments, own.scratch, own.skills]) {
      expect(lstatSync(path).isDirectory()).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
    const aside = readdirSync(own.root).filter((name) => name.includes(".aside-"));
    expect(new Set(aside.map((name) => name.split(".")[0]))).toEqual(new Set(["attachments", "scratch", "skills"]));
    const moved = aside.find((name) => name.startsWith("scratch")) ?? "";
    expect(readlinkSync(join(own.root, moved, "scratch"))).toBe(outside);
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });

  test("is left alone before a turn, unless its agent locked it", async () => {
    const layout = createLayout(join(root, "w"));
    const own = await layout.mendConversation("tg", "1");
    expect(existsSync(own.root)).toBe(false);
    await layout.prepareConversation("tg", "1");
    rmSync(own.scratch, { recursive: true });
    await layout.mendConversation("tg", "1");
    expect(existsSync(own.scratch)).toBe(false);
    chmodSync(own.root, 0);
    expect(await layout.mendConversation("tg", "1")).toEqual(own);
    expect(statSync(own.root).mode & 0o777).toBe(0o700);
    rmSync(own.skills, { recursive: true });
    symlinkSync(root, own.skills);
    await layout.mendConversation("tg", "1");
    expect(lstatSync(own.skills).isDirectory()).toBe(true);
  });
});

describe("memory", () => {
  const file = () => join(root, "MEMORY.md");

  test("is empty when there is none, and grows by lines", async () => {
    expect(await readMemory(file())).toBe("");
    await appendMemory(file(), "- likes tea");
    await appendMemory(file(), "- two\r\nlines \0");
    expect(readFileSync(file(), "utf8")).toBe("- likes tea\n- two\nlines\n");
    expect(statSync(file()).mode & 0o777).toBe(0o600);
  });

  test("begins a line of its own after an edit that left none", async () => {
    writeFileSync(file(), "by hand");
    await appendMemory(file(), "added");
    expect(await readMemory(file())).toBe("by hand\nadded");
  });

  test("keeps what many add at once", async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => appendMemory(file(), `fact ${index}`)));
    expect(new Set((await readMemory(file())).split("\n")).size).toBe(50);
  });

  test("is bounded where it is read and where it is written", async () => {
    writeFileSync(file(), "😀".repeat(limits.memoryCharsMax));
    const text = await readMemory(file());
    expect(text.length).toBeLessThan(limits.memoryCharsMax + 200);
    expect(text).toEndWith("the rest is not shown]");
    expect(text.isWellFormed()).toBe(true);
    writeFileSync(file(), "x".repeat(limits.memoryFileBytesMax));
    expect((await failing(appendMemory(file(), "more"))).message).toContain("MEMORY.md is full");
    expect((await failing(appendMemory(file(), " \n "))).message).toContain("the text is empty");
    expect((await failing(appendMemory(file(), "x".repeat(limits.memoryLineCharsMax + 1)))).message).toContain(
      "are allowed",
    );
  });
  test("is changed where the old text stands once, and forgets", async () => {
    await appendMemory(file(), "likes tea");
    await appendMemory(file(), "lives in Rome");
    await replaceInMemory(file(), { old: "likes tea", text: "likes $& coffee" });
    expect(await readMemory(file())).toBe("likes $& coffee\nlives in Rome");
    await replaceInMemory(file(), { old: "lives in Rome", text: "" });
    expect(await readMemory(file())).toBe("likes $& coffee");
    for (const old of ["not there", "", "e"]) {
      expect((await failing(replaceInMemory(file(), { old, text: "x" }))).message).toContain("Cannot change");
    }
  });

  test("that is no file is told in the prompt and fails no turn", async () => {
    const warned: string[] = [];
    const log = { warn: (message: string) => void warned.push(message) } as unknown as Log;
    expect(await promptMemory(file(), log)).toBe("");
    symlinkSync("/etc/passwd", file());
    expect(await promptMemory(file(), log)).toBe("[MEMORY.md is no file that can be read; it was not read]");
    rmSync(file());
    await Bun.$`mkfifo ${file()}`.quiet();
    expect(await promptMemory(file(), log)).toContain("it was not read");
    expect(warned).toEqual(["Cannot read a memory", "Cannot read a memory"]);
    rmSync(file());
    writeFileSync(file(), "fine");
    expect(await promptMemory(file(), log)).toBe("fine");
  });

  test("is never read from or written to behind a link, a folder or a pipe", async () => {
    const secret = join(root, "secret");
    writeFileSync(secret, "key");
    symlinkSync(secret, file());
    expect((await failing(readMemory(file()))).message).toContain("a symbolic link is in its way");
    expect((await failing(appendMemory(file(), "x"))).message).toContain("a symbolic link is in its way");
    expect(readFileSync(secret, "utf8")).toBe("key");
    rmSync(file());
    mkdirSync(file());
    expect((await failing(readMemory(file()))).message).toContain("it is not a regular file");
    rmSync(file(), { recursive: true });
    await Bun.$`mkfifo ${file()}`.quiet();
    expect((await failing(readMemory(file()))).message).toContain("it is not a regular file");
    expect((await failing(appendMemory(file(), "x"))).message).toContain("it is not a regular file");
    mkdirSync(join(root, "real"));
    writeFileSync(join(root, "real/MEMORY.md"), "x");
    symlinkSync(join(root, "real"), join(root, "folder"));
    expect((await failing(readMemory(join(root, "folder/MEMORY.md")))).message).toContain(
      "a symbolic link is in its way",
    );
  });
});

describe("attachments", () => {
  async function* pieces(...sizes: number[]) {
    for (const size of sizes) yield new Uint8Array(size).fill(0x61);
  }

  test("are stored under the time and a readable name", async () => {
    const first = await keepAttachment(root, { name: "Bericht für Zoë.pdf", content: Buffer.from("a"), at: 1700 });
    const again = await keepAttachment(root, { name: "Bericht für Zoë.pdf", content: pieces(2, 3), at: 1700 });
    expect(first).toEqual({ path: join(root, "attachments/1700_Bericht_für_Zoë.pdf"), bytes: 1 });
    expect(again).toEqual({ path: join(root, "attachments/1700_Bericht_für_Zoë-2.pdf"), bytes: 5 });
    expect(readFileSync(first.path, "utf8")).toBe("a");
    expect(statSync(again.path).mode & 0o777).toBe(0o600);
  });

  test("that are too large are refused and leave nothing", async () => {
    const keep = { name: "big", folder: "attachments", at: 1, bytesMax: 10 };
    expect((await failing(keepFile(root, { ...keep, content: pieces(6, 6) }))).message).toContain(
      'Cannot store "big": it is larger than 10 bytes',
    );
    async function* broken() {
      yield new Uint8Array(3);
      throw new Error("connection lost");
    }
    expect((await failing(keepFile(root, { ...keep, content: broken() }))).message).toContain("connection lost");
    expect(readdirSync(join(root, "attachments"))).toEqual([]);
  });

  test("stay in their conversation when its folders were swapped for links", async () => {
    const outside = mkdtempSync(join(tmpdir(), "remoteagent-outside-"));
    symlinkSync(outside, join(root, "attachments"));
    expect((await failing(keepAttachment(root, { name: "x", content: Buffer.from("a"), at: 1 }))).message).toContain(
      "a symbolic link is in its way",
    );
    mkdirSync(join(root, "scratch"));
    symlinkSync(outside, join(root, "scratch/output"));
    expect((await failing(keepOutput(root, { name: "x", content: Buffer.from("a"), at: 1 }))).message).toContain(
      "a symbolic link is in its way",
    );
    expect(readdirSync(outside)).toEqual([]);
    rmSync(outside, { recursive: true });
  });

  test("that fail remove nothing but themselves", async () => {
    const outside = mkdtempSync(join(tmpdir(), "remoteagent-outside-"));
    writeFileSync(join(outside, "1_big"), "theirs");
    async function* swapping() {
      yield new Uint8Array(3);
      renameSync(join(root, "attachments"), join(root, "old"));
      symlinkSync(outside, join(root, "attachments"));
      throw new Error("connection lost");
    }
    const keep = { name: "big", folder: "attachments", at: 1, bytesMax: 10, content: swapping() };
    expect((await failing(keepFile(root, keep))).message).toContain("connection lost");
    expect(readFileSync(join(outside, "1_big"), "utf8")).toBe("theirs");
    async function* replacing() {
      yield new Uint8Array(3);
      rmSync(join(root, "files/1_big"));
      writeFileSync(join(root, "files/1_big"), "another");
      throw new Error("connection lost");
    }
    await failing(keepFile(root, { ...keep, folder: "files", content: replacing() }));
    expect(readFileSync(join(root, "files/1_big"), "utf8")).toBe("another");
    rmSync(outside, { recursive: true });
  });

  test("never take the place of something else", async () => {
    mkdirSync(join(root, "attachments"));
    symlinkSync(join(root, "victim"), join(root, "attachments/5_a.txt"));
    writeFileSync(join(root, "attachments/5_a-2.txt"), "mine");
    linkSync(join(root, "attachments/5_a-2.txt"), join(root, "attachments/5_a-3.txt"));
    const kept = await keepAttachment(root, { name: "a.txt", content: Buffer.from("new"), at: 5 });
    expect(kept.path).toBe(join(root, "attachments/5_a-4.txt"));
    expect(readFileSync(join(root, "attachments/5_a-2.txt"), "utf8")).toBe("mine");
    expect(existsSync(join(root, "victim"))).toBe(false);
  });
});

describe("skills", () => {
  const put = (level: string, name: string, text: string) => {
    mkdirSync(join(root, level, name), { recursive: true });
    writeFileSync(join(root, level, name, "SKILL.md"), text);
  };
  const skill = (name: string, description: string, more = "") =>
    `---\nname: ${name}\ndescription: ${description}\n${more}---\nBody\n`;
  const folders = () => [
    { path: join(root, "shared"), inside: "/workspace/skills" },
    { path: join(root, "own"), inside: "/workspace/channels/t/c/skills" },
    { path: join(root, "missing"), inside: "/none" },
  ];

  test("are found on both levels; the conversation's own wins", async () => {
    put("shared", "pdf", skill("pdf", ">-\n  Reads\n  PDF with {baseDir}/run.sh"));
    put("shared", "mail", skill("mail", "Shared"));
    put(
      "own",
      "mail",
      `\uFEFF${skill("mail", '"Own: with a colon"', "allowed-tools: bash, read\n").replaceAll("\n", "\r\n")}`,
    );
    put("own", "quiet", skill("quiet", "By hand", "disable-model-invocation: true\nallowed-tools: [bash]\n"));
    mkdirSync(join(root, "shared/notes"));
    const { skills, problems } = await discoverSkills(folders());
    expect(problems).toEqual([]);
    expect(
      skills.map(({ name, description, file, manual, allowedTools }) => [
        name,
        description,
        file,
        manual,
        allowedTools,
      ]),
    ).toEqual([
      ["mail", "Own: with a colon", "/workspace/channels/t/c/skills/mail/SKILL.md", false, ["bash", "read"]],
      ["pdf", "Reads PDF with /workspace/skills/pdf/run.sh", "/workspace/skills/pdf/SKILL.md", false, []],
      ["quiet", "By hand", "/workspace/channels/t/c/skills/quiet/SKILL.md", true, ["bash"]],
    ]);
    const text = skillsText(skills);
    expect(text).toContain("- mail (/workspace/channels/t/c/skills/mail/SKILL.md): Own: with a colon");
    expect(text).not.toContain("quiet");
    expect(skillsText([])).toBe("");
  });

  test.each([
    ["no-head", "just text", "it does not begin with a block between two lines ---"],
    ["no-name", "---\ndescription: x\n---\n", '"name" is missing'],
    ["no-description", "---\nname: no-description\n---\n", '"description" is missing'],
    ["empty", "---\nname: empty\ndescription: '  '\n---\n", '"description" is empty'],
    ["Upper", skill("Upper", "x"), '"name" may have only a-z, 0-9 and single hyphens'],
    ["other", skill("another", "x"), '"name" is "another" and the folder is "other"'],
    ["long", skill("long", "x".repeat(1025)), '"description" is longer than 1024 characters'],
    ["yaml", "---\nname: [\n---\n", "it cannot be read: "],
    ["list", "---\n- a\n---\n", '"name" is missing; "description" is missing'],
    ["nothing", "---\n\n---\n", '"name" is missing'],
    ["number", "---\nname: 1\ndescription: x\n---\n", '"name" is no text'],
  ])("that are wrong are reported and keep no other away: %s", async (name, text, reason) => {
    put("shared", name, text);
    put("shared", "good", skill("good", "Fine"));
    const { skills, problems } = await discoverSkills(folders());
    expect(skills.map((one) => one.name)).toEqual(["good"]);
    expect(problems).toEqual([{ file: `/workspace/skills/${name}/SKILL.md`, reason: expect.stringContaining(reason) }]);
  });

  test("behind a link are not read", async () => {
    put("shared", "x", "");
    writeFileSync(join(root, "secret"), skill("x", "secret"));
    rmSync(join(root, "shared/x/SKILL.md"));
    symlinkSync(join(root, "secret"), join(root, "shared/x/SKILL.md"));
    symlinkSync(root, join(root, "shared/linked"));
    const { skills, problems } = await discoverSkills(folders());
    expect(skills).toEqual([]);
    expect(problems).toHaveLength(1);
  });

  test("are not looked for behind a link in their folder's place", async () => {
    put("elsewhere", "stolen", skill("stolen", "from outside"));
    put("shared", "good", skill("good", "Fine"));
    symlinkSync(join(root, "elsewhere"), join(root, "own"));
    const { skills, problems } = await discoverSkills(folders());
    expect(skills.map((one) => one.name)).toEqual(["good"]);
    expect(problems).toEqual([
      { file: "/workspace/channels/t/c/skills", reason: expect.stringContaining("a symbolic link is in its way") },
    ]);
  });
});

describe("transcript", () => {
  const warnings: string[] = [];
  const log: Log = {
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: (message) => void warnings.push(message),
    error: () => undefined,
    child: () => log,
  };
  beforeEach(() => void warnings.splice(0));
  const line = { id: "m1", at: Date.UTC(2026, 2, 1), sender: { id: "u1", name: "Ann" }, text: "hi\n\u2028\ud800" };

  test("is one JSON object a line, in order", async () => {
    const transcript = createTranscript({ log, root });
    const path = join(root, "log.jsonl");
    transcript.append(path, {
      ...line,
      isMention: true,
      attachments: [{ name: "a b.txt", stored: "attachments/1_a_b.txt" }],
    });
    for (let index = 2; index <= 100; index++) transcript.append(path, { ...line, id: `m${index}` });
    await transcript.settled();
    const lines = readFileSync(path, "utf8")
      .trimEnd()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(lines.map((one) => one.id)).toEqual(Array.from({ length: 100 }, (_, index) => `m${index + 1}`));
    expect(lines[0]).toEqual({
      id: "m1",
      ts: "2026-03-01T00:00:00.000Z",
      sender: { id: "u1", name: "Ann" },
      text: "hi\n\u2028\uFFFD",
      attachments: [{ original: "a b.txt", localPath: "attachments/1_a_b.txt" }],
      isMention: true,
    });
  });

  test("that cannot be written is logged and nothing more", async () => {
    const transcript = createTranscript({ log, root });
    symlinkSync(root, join(root, "linked"));
    transcript.append(join(root, "linked/log.jsonl"), line);
    writeFileSync(join(root, "target"), "");
    symlinkSync(join(root, "target"), join(root, "log.jsonl"));
    transcript.append(join(root, "log.jsonl"), line);
    await transcript.settled();
    expect(warnings).toEqual(["Cannot write log.jsonl", "Cannot write log.jsonl"]);
    expect(readFileSync(join(root, "target"), "utf8")).toBe("");
  });

  test("of a conversation that has no folder yet makes it", async () => {
    const transcript = createTranscript({ log, root });
    transcript.append(join(root, "channels/tg/1/log.jsonl"), line);
    await transcript.settled();
    expect(warnings).toEqual([]);
    expect(readFileSync(join(root, "channels/tg/1/log.jsonl"), "utf8")).toContain('"id":"m1"');
    expect(statSync(join(root, "channels/tg/1")).mode & 0o777).toBe(0o700);
  });

  test("holds no more than its queue", async () => {
    const transcript = createTranscript({ log, root });
    for (let index = 0; index < limits.transcriptWaitingMax + 5; index++)
      transcript.append(join(root, "log.jsonl"), line);
    await transcript.settled();
    expect(warnings).toHaveLength(5);
    expect(readFileSync(join(root, "log.jsonl"), "utf8").split("\n")).toHaveLength(limits.transcriptWaitingMax + 1);
  });

  test("that has grown very long goes on in a fresh file", async () => {
    const path = join(root, "log.jsonl");
    await Bun.$`truncate -s ${limits.transcriptBytesMax} ${path}`.quiet();
    const transcript = createTranscript({ log, root });
    transcript.append(path, line);
    await transcript.settled();
    transcript.append(path, { ...line, id: "m2" });
    await transcript.settled();
    expect(JSON.parse(readFileSync(path, "utf8")).id).toBe("m2");
    expect(statSync(join(root, "log.1.jsonl")).size).toBeGreaterThan(limits.transcriptBytesMax);
  });
});
