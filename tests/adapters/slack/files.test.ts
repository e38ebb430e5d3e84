// Files that people sent to Slack: fetched with the token from Slack's own hosts alone, within bounds.
import { expect, test } from "bun:test";
import { isSlackAddress } from "../../../src/adapters/slack/files.ts";
import { Failure } from "../../../src/core/failure.ts";
import type { FileRef } from "../../../src/core/message.ts";
import { connected, type Door } from "./door.ts";

const bytes = new TextEncoder().encode("the content of it");

async function sent(door: Door, more: { size?: number; mimetype?: string } = {}): Promise<FileRef> {
  door.ann.say(door.ann.dm(), "look", { files: [{ name: "note.txt", bytes, ...more }] });
  await door.until(() => door.received.length === 1);
  const [message] = door.received;
  const file = message?.kind === "message" ? message.files?.[0] : undefined;
  if (file === undefined) throw new Error("There is no file");
  return file;
}
const options = () => ({ bytesMax: 1_000_000, signal: new AbortController().signal });

test("a file comes as it was sent", async () => {
  await using door = await connected();
  const file = await sent(door);
  expect(file).toMatchObject({ name: "note.txt", bytes: bytes.length });
  expect(new TextDecoder().decode(await door.adapter.fetch(file, options()))).toBe("the content of it");
});

test("one that is too large is not fetched, whatever is said of it", async () => {
  await using door = await connected();
  const file = await sent(door);
  await expect(door.adapter.fetch({ ...file, bytes: 5_000_000 }, options())).rejects.toThrow("larger than");
  const { bytes: _bytes, ...unsaid } = file;
  await expect(door.adapter.fetch(unsaid, { ...options(), bytesMax: 4 })).rejects.toThrow("larger than");
  expect(door.calls("download")).toBe(0);
});

test("the sign-in page is no file, and the mend is told", async () => {
  await using door = await connected({
    fetch: ((url: string, init?: RequestInit) => {
      const { authorization: _dropped, ...headers } = (init?.headers ?? {}) as Record<string, string>;
      return url.includes("/files-pri/") ? fetch(url, { ...init, headers }) : fetch(url, init);
    }) as typeof fetch,
  });
  const file = await sent(door);
  const failed = door.adapter.fetch(file, options());
  await expect(failed).rejects.toBeInstanceOf(Failure);
  await expect(failed).rejects.toThrow("sign-in page");
});

test("a download that breaks is tried again; one that is gone is not", async () => {
  await using door = await connected();
  const file = await sent(door);
  door.slack.faults.add({ fault: { kind: "drop" }, methods: ["download"], times: 1 });
  let got: Uint8Array | undefined;
  void door.adapter.fetch(file, options()).then((found) => {
    got = found;
  });
  await door.until(() => got !== undefined, { advanceMs: 200 });
  expect(got).toEqual(bytes);
  await expect(door.adapter.fetch({ ...file, ref: "F0NOSUCH" }, options())).rejects.toThrow("has it no more");
});

test("the token goes to Slack's own hosts alone", async () => {
  const seen: { url: string; token: boolean }[] = [];
  await using door = await connected({
    fetch: ((url: string, init?: RequestInit) => {
      const headers = (init?.headers ?? {}) as Record<string, string>;
      if (!url.includes("/files-pri/")) return fetch(url, init);
      seen.push({ url, token: "authorization" in headers });
      return Promise.resolve(
        new Response(null, { status: 302, headers: { location: "https://evil.example/slack.com" } }),
      );
    }) as typeof fetch,
  });
  await expect(door.adapter.fetch(await sent(door), options())).rejects.toThrow("elsewhere");
  expect(seen).toHaveLength(1);
});

test.each([
  ["https://files.slack.com/x", true],
  ["https://slack.com/x", true],
  ["https://a.slack-files.com/x", true],
  ["http://127.0.0.1:5/api/x", true],
  ["http://files.slack.com/x", false],
  ["https://files.slack.com.evil.example/x", false],
  ["https://evilslack.com/x", false],
  ["https://files.slack.com:8443/x", false],
  ["https://user@files.slack.com/x", false],
  ["http://127.0.0.1:6/x", false],
  ["not an address", false],
])("%s", (url, ours) => expect(isSlackAddress(url, "http://127.0.0.1:5/api/")).toBe(ours));
