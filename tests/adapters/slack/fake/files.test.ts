// Files of the fake Slack go up and come down byte for byte, and only to whom they belong.
import { expect, test } from "bun:test";
import { WebClient } from "@slack/web-api";
import { said, stand } from "./stand.ts";
import type { Json } from "./world.ts";

const bytes = Uint8Array.from({ length: 1000 }, (_, index) => (index * 7) % 256);

test("the official client uploads into a thread, byte for byte", async () => {
  await using place = await stand();
  const { slack, server, ann, team } = place;
  const root = ann.say(team, "files please");
  const web = new WebClient(slack.app.botToken, { slackApiUrl: server.apiUrl });
  const given = { channel_id: team.id, thread_ts: root, initial_comment: "here" };
  const files = [1, 2].map((number) => ({ file: Buffer.from(bytes), filename: `${number}.bin` }));
  expect((await web.filesUploadV2({ ...given, file_uploads: files })).ok).toBe(true);
  const sent = slack.thread(team, root)[1];
  expect(sent).toMatchObject({ subtype: "file_share", text: "here", threadTs: root });
  expect(sent?.files).toHaveLength(2);
  expect(slack.uploads().map((one) => Buffer.compare(one.bytes ?? new Uint8Array(), bytes))).toEqual([0, 0]);
  const shown = (await web.files.info({ file: sent?.files[0] ?? "" })).file as unknown as Json;
  expect(shown).toMatchObject({ size: 1000, shares: { public: { [team.id]: [{ ts: sent?.ts, thread_ts: root }] } } });
});

test("each step is checked: length, bytes, one completion, the channel", async () => {
  await using place = await stand();
  const { slack, call, team } = place;
  const ask = (params: Json) => call("files.getUploadURLExternal", params);
  expect(said(await ask({ filename: "a.bin" }))).toBe("invalid_arguments");
  expect(said(await ask({ filename: "a.bin", length: 0 }))).toBe("invalid_arguments");
  expect(said(await ask({ filename: "a.bin", length: 2 ** 31 }))).toBe("file_upload_size_restricted");
  const { upload_url: url, file_id: id } = await ask({ filename: "a.bin", length: bytes.length });
  const complete = async (params: Json = {}) =>
    said(await call("files.completeUploadExternal", { files: [{ id }], ...params }));
  expect(await complete()).toBe("file_not_found");
  const put = async (body: Uint8Array<ArrayBuffer>) => (await fetch(String(url), { method: "POST", body })).status;
  expect(await put(bytes.slice(1))).toBe(400);
  expect(await put(bytes)).toBe(200);
  expect(await complete({ channel_id: "C0NOBODY" })).toBe("channel_not_found");
  expect(await complete({ channel_id: team.id, files: JSON.stringify([{ id, title: "A" }]) })).toBe("ok");
  expect(await complete({ channel_id: team.id })).toBe("file_not_found");
  expect(await put(bytes)).toBe(400);
  expect(slack.messages(team)).toHaveLength(1);
});

test("the message of a file may come later than the answer that shares it", async () => {
  await using place = await stand({ shareDelayMs: 500 });
  const { slack, call, team, clock } = place;
  const { upload_url: url, file_id: id } = await call("files.getUploadURLExternal", {
    filename: "a.bin",
    length: 1000,
  });
  await fetch(String(url), { method: "POST", body: bytes });
  expect(said(await call("files.completeUploadExternal", { files: [{ id }], channel_id: team.id }))).toBe("ok");
  expect(slack.messages(team)).toEqual([]);
  expect((await call("files.info", { file: id })).file).toMatchObject({ shares: {} });
  clock.advance(500);
  await Promise.resolve();
  expect(slack.messages(team)).toHaveLength(1);
});

test("a private address gives bytes to the app's token, and a page with status 200 to all others", async () => {
  await using place = await stand();
  const { slack, ann } = place;
  ann.say(ann.dm(), "look", { files: [{ name: "My Pic.png", bytes }] });
  const [file] = [...slack.world.files.values()];
  const { url_private_download: url } = (await place.call("files.info", { file: file?.id })).file as Json;
  const get = async (token?: string) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(String(url), { headers });
    return {
      status: response.status,
      type: response.headers.get("content-type"),
      body: new Uint8Array(await response.arrayBuffer()),
    };
  };
  expect(file?.size).toBe(1000);
  const own = await get(slack.app.botToken);
  expect(own).toMatchObject({ status: 200, type: "image/png" });
  expect(Buffer.compare(own.body, bytes)).toBe(0);
  ann.say(ann.dm(), "huge", { files: [{ name: "huge.zip", bytes, size: 2 ** 31 }] });
  const [, huge] = [...slack.world.files.values()];
  expect((await place.call("files.info", { file: huge?.id })).file).toMatchObject({ size: 2 ** 31 });
  if (huge !== undefined) huge.deleted = true;
  expect(said(await place.call("files.info", { file: huge?.id }))).toBe("file_deleted");
  const other = slack.newApp({ name: "other" });
  slack.takeScope(slack.app, "files:read");
  for (const token of [undefined, "xoxb-nobody", slack.app.botToken, other.botToken]) {
    expect(await get(token)).toMatchObject({ status: 200, type: "text/html; charset=utf-8" });
  }
});
