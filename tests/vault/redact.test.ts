// No known secret gets through, in any encoding or split; ordinary text does.
import { describe, expect, test } from "bun:test";
import { createRedactor } from "../../src/vault/redact.ts";

const value = "p@ss/word+with=odd&chars";
const redactor = createRedactor(() => [value, "short"]);

describe("exact values", () => {
  test("are found raw and encoded", () => {
    const bytes = Buffer.from(value);
    const forms = [value, bytes.toString("hex"), encodeURIComponent(value), JSON.stringify({ value })];
    for (let shift = 0; shift < 3; shift++) {
      const text = Buffer.concat([Buffer.from("xyz".slice(0, shift)), bytes, Buffer.from("end")]).toString("base64");
      forms.push(text, Buffer.concat([Buffer.from("xyz".slice(0, shift)), bytes]).toString("base64url"));
    }
    for (const form of forms) expect(redactor.exact(`a ${form} b`)).toContain("[redacted]");
    expect(redactor.exact("a short word")).toBe("a short word");
  });
  test("are found in a stream, however it is cut", () => {
    const text = `before ${value} between ${value}${value} after`;
    for (let size = 1; size < 30; size++) {
      const stream = redactor.stream();
      let out = "";
      for (let at = 0; at < text.length; at += size) out += stream.push(text.slice(at, at + size));
      out += stream.end();
      expect(out).toBe("before [redacted] between [redacted][redacted] after");
    }
  });
  test("follow the list as it changes", () => {
    const values = ["first-secret"];
    const changing = createRedactor(() => values);
    expect(changing.exact("second-secret")).toBe("second-secret");
    values.push("second-secret");
    expect(changing.exact("second-secret")).toBe("[redacted]");
  });
});

describe("token shapes", () => {
  const shaped = [
    "sk-ant-api03-abcdefghijklmnopqrstuvwx",
    `ghp_${"a".repeat(36)}`,
    "xoxb-123456789012-abcdefghij",
    "AKIAABCDEFGHIJKLMNOP",
    `12345678:AA${"b".repeat(33)}`,
    "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----",
  ];
  test.each(shaped)("%s", (token) => {
    expect(redactor.all(`x ${token} y`)).toBe("x [redacted] y");
  });
  test("passwords in addresses and headers", () => {
    expect(redactor.all("https://ann:secretword@example.com/x")).toBe("https://ann:[redacted]@example.com/x");
    expect(redactor.all("Authorization: Bearer abcdefghijk")).toBe("Authorization: Bearer [redacted]");
  });
  test("ordinary code is left alone", () => {
    const code =
      "const skip = task-list; git commit 0123456789abcdef0123456789abcdef01234567 // sk-learn http://a/b:c@d";
    expect(redactor.all(code)).toBe(code);
  });
});
