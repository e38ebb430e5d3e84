// Secrets that somebody hides on purpose: no encoding, mixture, wrapping or cut lets one through.
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRedactor, type Redactor } from "../../src/vault/redact.ts";

/** The same numbers each run (mulberry32): a failure can be repeated. */
function createRandom(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}
type Random = ReturnType<typeof createRandom>;
const pick = <Item>(random: Random, items: ArrayLike<Item>) => items[random(items.length)] as Item;

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const word = (random: Random, length: number, from = letters) =>
  Array.from({ length }, () => pick(random, from)).join("");
const hexOf = (code: number, width: number) => code.toString(16).padStart(width, "0");

/** One character in each form that is read. */
const spellings: ((letter: string, random: Random) => string)[] = [
  (letter) => letter,
  (letter) => [...Buffer.from(letter)].map((byte) => `%${hexOf(byte, 2)}`).join(""),
  (letter) => [...Buffer.from(letter)].map((byte) => `%${hexOf(byte, 2).toUpperCase()}`).join(""),
  (letter) => [...Buffer.from(letter)].map((byte) => `\\x${hexOf(byte, 2)}`).join(""),
  (letter) => [...Buffer.from(letter)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join(""),
  (letter) => [...letter].map((part) => `\\u{${(part.codePointAt(0) ?? 0).toString(16)}}`).join(""),
  (letter) => Array.from({ length: letter.length }, (_, at) => `\\u${hexOf(letter.charCodeAt(at), 4)}`).join(""),
  (letter) => `&#${letter.codePointAt(0)};`,
  (letter) => `&#x${hexOf(letter.codePointAt(0) ?? 0, 4)};`,
  (letter) => encodeURIComponent(letter).replaceAll("%", "%25"),
  (letter, random) => letter + pick(random, ["\u200b", "\u00ad", "\u2060", "\ufeff", "\u001b[31m", "\u001b[0;1m"]),
];

const wrap = (text: string, columns: number, end: string) =>
  (text.match(new RegExp(`.{1,${columns}}`, "g")) ?? []).join(end);
const inBase64 = (value: string, random: Random) =>
  Buffer.from(word(random, random(4)) + value + word(random, random(4))).toString(
    pick(random, ["base64", "base64url"]),
  );
const inHex = (value: string, random: Random) => {
  const pairs = [...Buffer.from(value)].map((byte) => hexOf(byte, 2));
  const text = pick(random, [
    pairs.join(""),
    pairs.join(":"),
    pairs.join(" "),
    pairs.map((pair) => `\\x${pair}`).join(""),
    pairs.map((pair) => `0x${pair}`).join(", "),
  ]);
  return random(2) === 0 ? text : text.replace(/[0-9a-f]{2}/g, (pair) => pair.toUpperCase());
};

/** A whole value in each form. */
const disguises: ((value: string, random: Random) => string)[] = [
  (value) => value,
  (value) => JSON.stringify(value),
  (value) => JSON.stringify({ inner: JSON.stringify({ value }) }),
  (value) => encodeURIComponent(encodeURIComponent(value)),
  (value, random) => [...value].map((letter) => pick(random, spellings)(letter, random)).join(""),
  (value, random) => {
    const spelling = pick(random, spellings);
    return [...value].map((letter) => spelling(letter, random)).join("");
  },
  (value, random) => `\\${[...value].map((letter) => pick(random, spellings)(letter, random)).join("")}`,
  inBase64,
  (value, random) => wrap(inBase64(value, random), 1 + random(76), pick(random, ["\n", "\r\n", "\n    ", "\\n"])),
  inHex,
  (value, random) => wrap(inHex(value, random), 16 + random(60), "\n"),
  (value) => `\u001b]8;;https://example.com/?${encodeURIComponent(value)}\u0007link\u001b]8;;\u0007`,
];

/** Everything that a text says, as far as it can be undone with other means than those under test. */
function unhidden(text: string): string[] {
  const clean = text.replace(/\u001b\[[0-9;]*m|[\u200b\u00ad\u2060\ufeff\r]/g, "");
  let latin = Buffer.from(clean).toString("latin1");
  const found = [latin];
  for (let level = 0; level < 3; level++) {
    latin = latin
      .replace(/\\u\{([0-9a-f]+)\}|&#x([0-9a-f]+);|&#([0-9]+);/gi, (_, one, two, three) =>
        Buffer.from(String.fromCodePoint(three ? Number(three) : Number.parseInt(one ?? two, 16))).toString("latin1"),
      )
      .replace(/(?:\\u[0-9a-f]{4})+/gi, (run) => Buffer.from(JSON.parse(`"${run}"`) as string).toString("latin1"))
      .replace(/(?:%|\\x)([0-9a-f]{2})/gi, (_, pair) => String.fromCharCode(Number.parseInt(pair, 16)))
      .replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
    found.push(latin, latin.replaceAll("\\n", ""));
  }
  const wide = found.flatMap((view) => {
    const base = view.replace(/\\n|[^A-Za-z0-9+/_-]/g, "");
    const digits = view.replace(/0x|[^0-9a-f]/gi, "");
    return [
      ...[0, 1, 2, 3].map((from) => Buffer.from(base.slice(from), "base64").toString("latin1")),
      ...[0, 1].map((from) => Buffer.from(digits.slice(from), "hex").toString("latin1")),
    ];
  });
  return [...found, ...wide];
}

function leaks(output: string, value: string): string | undefined {
  const bytes = Buffer.from(value.replaceAll("\r", "")).toString("latin1");
  const seen = unhidden(output);
  for (let at = 0; at + 8 <= bytes.length; at++) {
    const part = bytes.slice(at, at + 8);
    if (seen.some((text) => text.includes(part))) return part;
  }
  return undefined;
}

function streamed(redactor: Redactor, text: string, random: Random): string {
  const stream = redactor.stream();
  const most = pick(random, [1, 3, 20, 300]);
  let out = "";
  for (let at = 0; at < text.length; ) {
    const size = 1 + random(most);
    out += stream.push(text.slice(at, at + size));
    at += size;
  }
  return out + stream.end();
}

const secretLetters = `${letters}${letters}!"#$%&'()*+,-./:;<=>?@[\\]^_\`{|}~ äß€🔑`;
/** A value that itself holds what looks like an escape reads in two ways when it is escaped in part: none of those. */
const secret = (random: Random) =>
  Array.from({ length: 8 + random(60) }, () => pick(random, [...secretLetters]))
    .join("")
    .replace(/\\[0-7abefnrtvuxU]|%[0-9a-f]|&[#a-z]/gi, "..");

describe("hidden values", () => {
  test("none survives, whole or in pieces", () => {
    const random = createRandom(2026);
    for (let round = 0; round < 500; round++) {
      const values = [secret(random), secret(random), word(random, 8 + random(40))];
      const redactor = createRedactor(() => values);
      const value = pick(random, values);
      const disguise = pick(random, disguises);
      const text = `é before ${disguise(value, random)} after <${disguise(value, random)}>`;
      const whole = redactor.exact(text);
      const pieces = streamed(redactor, text, random);
      expect({ text, value, leak: leaks(whole, value) }).toEqual({ text, value, leak: undefined });
      expect({ text, value, pieces }).toEqual({ text, value, pieces: whole });
      expect(whole).toStartWith("é before ");
      expect(whole).toEndWith(">");
    }
  });
  test("what holds no secret passes unchanged and complete", () => {
    const random = createRandom(7);
    const values = Array.from({ length: 20 }, () => secret(random));
    const redactor = createRedactor(() => values);
    for (let round = 0; round < 300; round++) {
      const stranger = secret(random);
      const text = `${word(random, 30, "ab %\\&#;x0u2f\u001b[m]\u0007\n")}${pick(random, disguises)(stranger, random)}`;
      expect(redactor.exact(text)).toBe(text);
      expect(streamed(redactor, text, random)).toBe(text);
    }
  });
});

describe("the known ways around", () => {
  const value = "hunter2/hunter2+extra";
  const redactor = createRedactor(() => [
    value,
    "hunter2/hunter2",
    "first line of the key\r\nsecond line of the key\r\nend",
  ]);
  test.each([
    ["small percent signs", "hunter2%2fhunter2%2bextra"],
    ["JSON escapes", "hunter2\\u002fhunter2\\u002bextra"],
    ["C escapes", "hunter2\\x2fhunter2\\x2bextra"],
    ["HTML, decimal", "hunter2&#47;hunter2&#43;extra"],
    ["HTML, hex and named", "hunter2&#x2f;hunter2&plus;extra"],
    ["shell quoting", "hunter2/hunter2\\+extra"],
    ["colours", "hun\u001b[1;31mter2/hunter2+ex\u001b[0mtra"],
    ["escaped colours", "hun\\u001b[1;31mter2/hunter2+ex\\u001b[0mtra"],
    ["a title inside", "hun\u001b]0;title\u0007ter2/hunter2+extra"],
    ["invisible characters", "h\u200bu\u2060n\u00adt\ufeffer2/hunter2+extra"],
    ["half of an escape before", "\\u0068unter2/hunter2+extra"],
    ["single lines", "second line of the key"],
    ["line ends", "first line of the key\nsecond line of the key\nend"],
  ])("%s", (_, text) => {
    expect(redactor.exact(`a ${text} z`)).toBe("a [redacted] z");
  });
  test("a value that another begins with waits for the longer one", () => {
    const stream = redactor.stream();
    expect(stream.push("say hunter2/hunter2")).toBe("say ");
    expect(stream.push("+ext")).toBe("");
    expect(stream.push("ra!")).toBe("[redacted]!");
    expect(stream.push("hunter2/hunter2+no")).toStartWith("[redacted]+");
  });
  test("values longer than any buffer", () => {
    const random = createRandom(3);
    const long = word(random, 16_000);
    const known = createRedactor(() => [long]);
    const text = `a ${long} ${Buffer.from(long).toString("base64")} z`;
    const stream = known.stream();
    let out = "";
    for (let at = 0; at < text.length; at += 500) out += stream.push(text.slice(at, at + 500));
    out += stream.end();
    expect(out).toBe(known.exact(text));
    expect(leaks(out, long)).toBeUndefined();
    expect(out.length).toBeLessThan(40);
  });
});

describe("cost", () => {
  const random = createRandom(11);
  const values = Array.from({ length: 20 }, () => word(random, 40));
  const redactor = createRedactor(() => values);
  test("our own sources hold no secret", () => {
    const root = join(import.meta.dir, "../..");
    for (const folder of ["src", "tests"]) {
      for (const name of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
        if (!/\.(?:ts|md|sql|json)$/.test(name)) continue;
        const text = readFileSync(join(root, folder, name), "utf8");
        expect(redactor.exact(text) === text).toBe(true);
      }
    }
  });
  test.each([
    ["percent", "%25"],
    ["backslashes", "\\"],
    ["entities", "&amp;"],
    ["control sequences", "\u001b]"],
    ["invisible", "\u200b"],
    ["blanks", " "],
    ["digits", "0"],
  ])("grows with the text only: %s", (_, unit) => {
    const took = (chars: number) => {
      const text = unit.repeat(Math.ceil(chars / unit.length));
      const start = performance.now();
      expect(redactor.exact(text).length).toBe(text.length);
      return performance.now() - start;
    };
    took(100_000);
    const small = took(200_000);
    // Ten times the text; were it quadratic, a hundred times the time.
    expect(took(2_000_000)).toBeLessThan(40 * Math.max(small, 5));
  });
});

describe("marks of formatting do not part a value", () => {
  const value = "hunter2-key_of+mine";
  const redactor = createRedactor(() => [value, "ab_cd_ef"]);
  const parted = [
    "hun**ter2**-key_of+mine",
    "h*u*nter2-`key`_of+mine",
    "hunter2~~-key_of~~+mine",
    "hunter2-_key__of_+mine",
    "hun**ter2-key\\_of+mine",
    [...value].join("*"),
  ];
  for (const text of parted)
    test(text, () => {
      const around = `The key is ${text} and no other`;
      expect(redactor.exact(around)).toBe("The key is [redacted] and no other");
      const stream = redactor.stream();
      const shown = [...around].map((letter) => stream.push(letter));
      expect(shown.join("") + stream.end()).toBe("The key is [redacted] and no other");
    });
  test("and ordinary words stay, also those that are a value but for its own marks", () => {
    const text = "**hunter2**, _key_ `ab` abcdef a**bcdef** hunter2-keyof+mine *x*";
    expect(redactor.exact(text)).toBe(text);
  });
});
