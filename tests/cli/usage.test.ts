// What people type, right and wrong: versions, help, unknown words, options, and the admin nouns with and without an instance.
import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resources } from "../../src/admin/index.ts";
import { verbs } from "../../src/cli/verbs.ts";
import { program } from "./program.ts";

setDefaultTimeout(60_000);

test("the version has three spellings and a form for scripts", async () => {
  await using run = program();
  const outs = await Promise.all(["--version", "-v", "version"].map((word) => run.call(word)));
  for (const { code, out } of outs) expect([code, out]).toEqual([0, outs[0]?.out ?? ""]);
  expect(outs[0]?.out).toMatch(/^remoteagent \S+ \(.*\)\n$/);
  expect(JSON.parse((await run.call("version", "--json")).out)).toHaveProperty("runtime");
});

test("help is one screen, and every verb has its own", async () => {
  await using run = program();
  const all = await run.call("help");
  expect(all.code).toBe(0);
  expect(all.out.split("\n").length).toBeLessThan(32);
  for (const name of Object.keys(verbs)) expect(all.out).toContain(`\n  ${name} `);
  expect((await run.call()).out).toBe(all.out);
  expect((await run.call("--help")).out).toBe(all.out);
  const one = await run.call("stop", "--help");
  expect(one.out).toContain("--timeout <seconds>");
  expect(one.out).not.toContain("\u001b");
  expect((await run.call("help", "stop")).out).toBe(one.out);
  expect((await run.call("sessions", "--help")).out).toContain("sessions rename <id> --title <text>");
});

test("every verb's declaration agrees with the table", async () => {
  for (const [name, entry] of Object.entries(verbs)) {
    const verb = await entry.load();
    expect([verb.name, verb.summary]).toEqual([name, entry.summary]);
  }
});

test("wrong usage is 2, with the nearest right word", async () => {
  await using run = program();
  const cases: [string[], string][] = [
    [["sattus"], "Did you mean remoteagent status?"],
    [["session"], "Did you mean remoteagent sessions?"],
    [["frobnicate"], "remoteagent help"],
    [["constructor"], "Unknown command"],
    [["--nonsense"], "--nonsense"],
    [["status", "--jsn"], "Did you mean --json?"],
    [["status", "extra"], '"extra"'],
    [["stop", "--timeout"], "its value is missing"],
    [["stop", "--timeout", "--now"], "its value is missing"],
    [["stop", "--timeout", "soon"], '"soon"'],
    [["stop", "--timeout=-1"], '"-1"'],
    [["stop", "--now=yes"], "takes no value"],
    [["logs", "-n", "1e9"], '"1e9"'],
    [["sessions", "lst"], "Did you mean remoteagent sessions list?"],
    [["sessions", "list", "--limt", "3"], "Did you mean --limit?"],
    [["turns", "list", "--limit"], "its value is missing"],
    [["setup", "--yes", "--model", "x"], "--provider is missing"],
    [["setup"], "this is no terminal"],
  ];
  for (const [args, words] of cases) {
    const ended = await run.call(...args);
    expect([args, ended.code]).toEqual([args, 2]);
    expect(ended.err).toContain(words);
    expect(ended.err).not.toMatch(/\n\s+at /);
    expect(ended.out).toBe("");
  }
});

test("--state-dir may stand before the verb, and --verbose shows the place", async () => {
  await using run = program();
  const elsewhere = `${run.home}/elsewhere`;
  for (const args of [
    ["--state-dir", elsewhere, "status"],
    [`--state-dir=${elsewhere}`, "status"],
    ["status", "--state-dir", elsewhere],
  ])
    expect((await run.call(...args)).out).toContain(elsewhere);
  expect((await run.call("stop", "--verbose")).err).toMatch(/\n\s+at /);
});

test("the nouns answer alike with and without an instance", async () => {
  await using run = program();
  await run.call("start");
  expect((await run.call("chat", "--print", "run echo a needle here")).code).toBe(0);
  const questions = [
    ["sessions", "list"],
    ["sessions", "list", "--json"],
    ["sessions", "get", "S001"],
    ["sessions", "search", "a", "needle", "here"],
    ["sessions", "export", "1"],
    ["turns", "list", "--session", "S001"],
    ["turns", "events", "T1"],
    ["turns", "get", "T9"],
    ["sessions", "get", "ag-1f2e-33"],
  ];
  const ask = async () => {
    const answers = [];
    for (const question of questions) answers.push(await run.call(...question));
    return answers;
  };
  const over = await ask();
  expect((await run.call("stop")).code).toBe(0);
  const alone = await ask();
  expect(alone).toEqual(over);
  expect(over.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 0, 1, 1]);
  expect(over[0]?.out).toMatch(/^ID +TITLE .*\nS001 +run echo a needle here /);
  expect(over[3]?.out).toContain("needle");
  expect(over[8]?.err).toContain('"ag-1f2e-33"');
  expect((await run.call("sessions", "rename", "S001", "--title", "Two words")).code).toBe(0);
  expect((await run.call("sessions", "get", "1")).out).toContain("Two words");
});

test("logs shows the last lines, goes on with -f, and ends with the instance", async () => {
  await using run = program();
  await run.call("start");
  const one = await run.call("logs", "-n", "1");
  expect(one.out.trimEnd().split("\n")).toHaveLength(1);
  const json = await run.call("logs", "--json");
  for (const line of json.out.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("severity");
  const follow = run.open("logs", "-f");
  await run.said(follow, "ready");
  await run.call("stop");
  const ended = await follow.ended;
  expect(ended.code).toBe(0);
  expect(ended.out).toContain("Stopped");
  expect(ended.err).toContain("has stopped");
});

test("a reader that goes away ends the program without a word", async () => {
  await using run = program();
  const opened = run.open("help");
  opened.child.stdout?.destroy();
  const ended = await opened.ended;
  expect([ended.code, ended.err]).toEqual([0, ""]);
});

test("docs/commands.md has every verb with every option, and every noun's verbs", async () => {
  const text = readFileSync(new URL("../../docs/commands.md", import.meta.url), "utf8");
  const chapters = new Map(text.split("\n### `").map((chapter) => [chapter.split(/[` ]/, 1)[0] ?? "", chapter]));
  for (const [name, entry] of Object.entries(verbs)) {
    const chapter = name === "restart" ? text : (chapters.get(name) ?? "");
    const { args } = await entry.load();
    for (const [option, { type, ...def }] of Object.entries(args)) {
      if (type === "positional" || option === "state-dir" || option === "verbose") continue;
      const shown = def.default === true ? `no-${option}` : option;
      expect([name, shown, chapter.includes(`--${shown}`)]).toEqual([name, shown, true]);
    }
  }
  const declared = resources(() => {
    throw new Error("No store is needed");
  });
  for (const noun of declared) for (const verb of noun.verbs) expect(text).toContain(`\`${noun.name} ${verb.name}`);
});
