// Bytes to keys, however they are split, and whatever they are.
import { describe, expect, test } from "bun:test";
import { Buffer } from "node:buffer";
import { type KeyEvent, KeyParser } from "../../../src/cli/terminal/keys.ts";
import { limits } from "../../../src/core/limits.ts";
import { random } from "../../random.ts";

const bytes = (text: string) => new Uint8Array(Buffer.from(text));

function keys(text: string): string[] {
  const parser = new KeyParser();
  return [...parser.feed(bytes(text)), ...parser.flush()].map(name);
}

function name(event: KeyEvent): string {
  if (event.type === "paste") return `paste(${event.text})`;
  const held = `${event.ctrl ? "c-" : ""}${event.alt ? "a-" : ""}${event.shift ? "s-" : ""}`;
  return `${held}${event.name}`;
}

describe("keys", () => {
  test.each([
    ["a", ["a"]],
    ["é日😀", ["é", "日", "😀"]],
    ["\r", ["enter"]],
    ["\n", ["c-j"]],
    ["\x01\x05\x17\x1f", ["c-a", "c-e", "c-w", "c-_"]],
    ["\x7f", ["backspace"]],
    ["\x1b", ["escape"]],
    ["\x1b\r", ["a-enter"]],
    ["\x1bb\x1b\x7f", ["a-b", "a-backspace"]],
    ["\x1b[A\x1bOA\x1b[1;5C\x1b[1;3D", ["up", "up", "c-right", "a-left"]],
    ["\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1bOH", ["home", "end", "home", "end", "home", "end", "home"]],
    ["\x1b[3~\x1b[3;5~\x1b[Z", ["delete", "c-delete", "s-tab"]],
    ["\x1b\x1b[D", ["a-left"]],
    // Kitty's protocol and xterm's modifyOtherKeys.
    ["\x1b[13;2u\x1b[13;5u\x1b[27;2;13~", ["s-enter", "c-enter", "s-enter"]],
    ["\x1b[99;5u\x1b[97;3u\x1b[127;3u\x1b[27u", ["c-c", "a-a", "a-backspace", "escape"]],
    ["\x1b[97;1:3u", []],
    ["\x1b[200~one\r\ntwo\x1b[A\x1b[201~x", ["paste(one\ntwo\x1b[A)", "x"]],
    // Answers of the terminal and unknown sequences are no keys.
    ["\x1b[?1;2c\x1b[12;40R\x1b[<0;1;1Mx", ["x"]],
    ["\x1b[\x1b[A", ["up"]],
    ["\x1b[1\x03", ["c-c"]],
  ])("%j", (input, expected) => {
    expect(keys(input)).toEqual(expected);
  });

  test("are the same however the bytes are split", () => {
    const all =
      "añ日😀\x1b[A\x1b[1;5C\x1bOH\x1b[200~pa\r\nste \x1b[20\x1b[201~\x1b[3~\x1bb\x1b\x1b[D\x1b[99;5u\r\x03\x1b[Z漢字\x7f";
    const whole = keys(all);
    for (let seed = 1; seed <= 300; seed += 1) {
      const next = random(seed);
      const parser = new KeyParser();
      const got: KeyEvent[] = [];
      const data = bytes(all);
      for (let at = 0; at < data.length; ) {
        const size = 1 + Math.floor(next() * 5);
        got.push(...parser.feed(data.slice(at, at + size)));
        at += size;
      }
      got.push(...parser.flush());
      expect(got.map(name)).toEqual(whole);
    }
  });

  test("random bytes never throw, hang or leave anything behind", () => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const next = random(seed);
      const parser = new KeyParser();
      const data = Uint8Array.from({ length: 200 }, () =>
        next() < 0.3 ? (next() < 0.5 ? 0x1b : 0x5b) : Math.floor(next() * 256),
      );
      parser.feed(data);
      parser.feed(bytes("\x1b[201~"));
      parser.flush();
      const after = parser.feed(bytes("q")).map(name);
      expect(after.at(-1)).toMatch(/q$/);
    }
  });

  test("a paste that is too long is cut and says so", () => {
    const parser = new KeyParser();
    parser.feed(bytes("\x1b[200~"));
    const part = bytes("x".repeat(1024 * 1024));
    for (let fed = 0; fed <= limits.frameBytesMax; fed += part.length) parser.feed(part);
    const [event] = parser.feed(bytes("\x1b[201~"));
    expect(event?.type === "paste" && [event.cut, event.text.length]).toEqual([true, limits.frameBytesMax]);
  });
});
