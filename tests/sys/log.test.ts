// Log lines: their form, and what no message, field or secret may do to them.
import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import type { LogLevel } from "../../src/sys/log.ts";
import { createLog, type LogOptions } from "../../src/sys/log-writer.ts";

const secret = "hunter2-hunter2";

function recorder(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const log = createLog({
    format: "json",
    level: "info",
    write: (line) => lines.push(line),
    redact: (text) => text.replaceAll(secret, "[redacted]"),
    clock: { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6) },
    ...options,
  });
  return { log, lines, json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe("JSON lines", () => {
  test("have the Google Cloud names and the fields", () => {
    const { log, lines } = recorder();
    log.child({ turn: 3 }).warn("Slow model", { ms: 12, model: "a/b", missing: undefined, nothing: null });
    expect(lines).toEqual([
      '{"severity":"WARNING","message":"Slow model","timestamp":"2026-01-02T03:04:05.006Z","turn":3,"ms":12,"model":"a/b","nothing":null}',
    ]);
  });

  test.each([
    ["trace", ["DEBUG", "DEBUG", "INFO", "WARNING", "ERROR"]],
    ["debug", ["DEBUG", "INFO", "WARNING", "ERROR"]],
    ["info", ["INFO", "WARNING", "ERROR"]],
    ["error", ["ERROR"]],
  ] as [LogLevel, string[]][])("level %s writes %j", (level, severities) => {
    const { log, json } = recorder({ level });
    for (const name of ["trace", "debug", "info", "warn", "error"] as const) log[name]("x");
    expect(json().map((line) => line.severity)).toEqual(severities);
  });

  test("a field cannot pass itself off as the line's head, nor reach a prototype", () => {
    const { log, json } = recorder();
    log.info("real", {
      severity: "ERROR",
      message: "forged",
      timestamp: "never",
      ...JSON.parse('{"__proto__": {"x": 1}}'),
    });
    const [line] = json();
    expect(line).toMatchObject({
      severity: "INFO",
      message: "real",
      "field.severity": "ERROR",
      "field.message": "forged",
    });
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  test("one entry is one line, whatever is in it", () => {
    const { log, lines, json } = recorder();
    const text = 'a\nb\r\n{"severity":"ERROR"}\u0000\u001b[31m\u0085\u2028\u2029\u202e\u2066\ufeff\ud800';
    log.info(text, { [text]: text });
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\u2028\u2029\u202e\u2066\ufeff]/u);
    expect(json()[0]?.message).toStartWith(text.slice(0, -1));
  });
});

describe("console lines", () => {
  test("have time, level, message and compact fields", () => {
    const { log, lines } = recorder({ format: "console" });
    log.info("Started", { pid: 12, model: "a/b", text: "two words", empty: "", list: [1, "x"] });
    expect(lines).toEqual([
      '2026-01-02T03:04:05.006Z INFO  Started pid=12 model=a/b text="two words" empty="" list=[1,"x"]',
    ]);
  });

  test("colour comes only when asked for, and never from a message", () => {
    const plain = recorder({ format: "console" });
    plain.log.error("\u001b[32mok\u001b[0m\n2026 INFO forged", { "k\ney": "\u001b[2Jx" });
    expect(plain.lines).toHaveLength(1);
    expect(plain.lines[0]).not.toContain("\u001b");
    expect(plain.lines[0]).toContain("\\u001b[32mok");
    const coloured = recorder({ format: "console", colour: true });
    coloured.log.error("x");
    expect(coloured.lines[0]).toContain("\u001b[31mERROR\u001b[0m");
  });

  test("a stack is indented, so that none of its lines looks like an entry", () => {
    const { log, lines } = recorder({ format: "console", level: "debug" });
    log.error("Broken", { error: new Error("evil\n2026-01-01T00:00:00Z INFO  forged") });
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines.slice(1)) expect(line).toStartWith("    ");
    const quiet = recorder({ format: "console" });
    quiet.log.error("Broken", { error: new Error("evil") });
    expect(quiet.lines).toHaveLength(1);
    expect(quiet.lines[0]).toContain('error={"name":"Error","message":"evil"}');
  });
});

describe("values", () => {
  test("errors say what they know, with stacks at debug alone", () => {
    const cause = Object.assign(new Error("disk"), { code: "ENOSPC" });
    const error = new Failure("store", "Cannot store", { detail: "raw", cause });
    const { log, json } = recorder();
    log.error("x", { error });
    expect(json()[0]?.error).toEqual({
      name: "Failure",
      message: "Cannot store",
      code: "store",
      detail: "raw",
      cause: { name: "Error", message: "disk", code: "ENOSPC" },
    });
    const debug = recorder({ level: "debug" });
    debug.log.error("x", { error: new AggregateError([new Error("inner")], "outer") });
    expect(debug.lines[0]).toContain("log.test.ts");
    expect(debug.lines[0]).toContain("inner");
  });

  test("secrets are removed from messages, keys, values, errors and numbers", () => {
    const digits = recorder({
      redact: (text) => text.replaceAll("12345678", "[redacted]").replaceAll(secret, "[redacted]"),
    });
    digits.log.info(`m ${secret}`, {
      [`k ${secret}`]: { deep: [secret, new Map([[secret, secret]]), new Set([secret])] },
      error: new Error(`e ${secret}`, { cause: new URL(`http://u:${secret}@h/`) }),
      pin: 12345678,
      big: 12345678n,
      object: { toJSON: () => secret, hidden: secret },
    });
    expect(digits.lines[0]).not.toContain(secret);
    expect(digits.lines[0]).not.toContain("12345678");
    expect(digits.json()).toHaveLength(1);
  });

  test("a secret that the cut goes through does not stay in part", () => {
    const { log, lines } = recorder();
    const long = `${"x".repeat(limits.logFieldCharsMax + limits.secretCharsMax - 5)}${secret}`;
    log.info(long, { long });
    expect(lines[0]).not.toContain("hunt");
    // Redaction shortens: what was behind the cut must not slide in front of it.
    const many = `${secret.repeat(1_500)}${"y".repeat(limits.secretCharsMax)}`.slice(0, -4) + secret;
    const short = recorder();
    short.log.info(many.padEnd(limits.logFieldCharsMax + limits.secretCharsMax + 100, secret));
    expect(short.lines[0]?.replaceAll("[redacted]", "")).not.toContain("hunt");
  });

  test("huge, deep, circular and hostile values are bounded", () => {
    const circle: Record<string, unknown> = { a: 1 };
    circle.self = circle;
    const deep = JSON.parse(`${'{"a":'.repeat(100)}1${"}".repeat(100)}`) as unknown;
    const hostile = {
      get x(): never {
        throw new Error("no");
      },
    };
    const { log, json } = recorder();
    log.info("x", {
      circle,
      deep,
      hostile,
      proxy: new Proxy({}, { ownKeys: () => ["a", "a"] }),
      list: Array.from({ length: 1_000_000 }, (_, index) => index),
      wide: Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`k${index}`, index])),
      bytes: new Uint8Array(100_000_000),
      date: new Date(Number.NaN),
      not: Number.NaN,
      big: 10n ** 30n,
      work: () => 1,
      symbol: Symbol("s"),
    });
    const [line] = json();
    expect(line?.circle).toEqual({ a: 1, self: "[circular]" });
    expect(JSON.stringify(line?.deep)).toContain("[object]");
    expect(line?.hostile).toEqual({ x: "[unreadable]" });
    expect(line?.proxy).toBe("[unreadable]");
    expect(line?.list).toHaveLength(limits.logItemsMax + 1);
    expect(Object.keys(line?.wide as object)).toHaveLength(limits.logItemsMax + 1);
    expect(line).toMatchObject({
      bytes: "[100000000 bytes]",
      date: "[invalid date]",
      not: "NaN",
      big: `1${"0".repeat(30)}`,
      work: "[function]",
    });
  });

  test("a line stays below its bound and says that it was cut", () => {
    for (const format of ["json", "console"] as const) {
      const { log, lines } = recorder({ format });
      const fields = Object.fromEntries(
        Array.from({ length: 50 }, (_, index) => [`k${index}`, "\u0001".repeat(8_000)]),
      );
      log.info("x".repeat(10_000_000), fields);
      expect(lines).toHaveLength(1);
      expect(lines[0]?.length).toBeLessThanOrEqual(limits.logLineCharsMax);
      if (format === "json") expect(JSON.parse(lines[0] ?? "")).toMatchObject({ cut: "fields were too long" });
    }
  });

  test("it never throws", () => {
    const broken = () => {
      throw new Error("no");
    };
    for (const part of [{ write: broken }, { redact: broken }, { clock: { now: broken } }]) {
      for (const format of ["json", "console"] as const)
        expect(() => recorder({ format, ...part }).log.info("x")).not.toThrow();
    }
    const wild = recorder({ clock: { now: () => Number.POSITIVE_INFINITY } });
    wild.log.info("x");
    expect(wild.json()[0]?.timestamp).toBe("invalid time Infinity");
  });
});
