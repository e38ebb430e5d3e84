// Files of the fake Slack: the three steps of an upload, files.info, and what may be downloaded.
// Source: docs.slack.dev/messaging/working-with-files, docs.slack.dev/reference/methods/files.getUploadURLExternal.

import { checkedBlocks } from "./blocks.ts";
import { tell } from "./events.ts";
import { post } from "./messages.ts";
import { type Call, type Method, writableChannel } from "./method.ts";
import { threadOf } from "./methods-chat.ts";
import { list, needed, text } from "./params.ts";
import { Refusal, refused } from "./refusal.ts";
import { renderFile } from "./render.ts";
import { type App, type Channel, type Json, newId, nowTs, type StoredFile, type World, word } from "./world.ts";

/** docs.slack.dev/messaging/working-with-files: 1 GB for one file. */
const fileBytesMax = 1024 ** 3;
/** docs.slack.dev/reference/methods/files.getUploadURLExternal: `alt_txt_too_large`. */
const altCharsMax = 1000;
/** docs.slack.dev/reference/methods/files.getUploadURLExternal: `snippet_too_large`, 1 MB. */
const snippetBytesMax = 1024 ** 2;

const types: Record<string, string> = {
  txt: "text/plain",
  md: "text/markdown",
  json: "application/json",
  pdf: "application/pdf",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  mp3: "audio/mpeg",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  zip: "application/zip",
};

/** A file that nobody has shared yet. */
export function newFile(
  world: World,
  given: { name: string; user: string; size: number; mimetype?: string } & Partial<StoredFile>,
): StoredFile {
  const ending = /\.([a-z0-9]+)$/i.exec(given.name)?.[1]?.toLowerCase() ?? "";
  const file: StoredFile = {
    id: newId(world, "F"),
    title: given.name,
    filetype: ending === "" ? "binary" : ending,
    bytes: undefined,
    createdAt: world.clock.now(),
    complete: false,
    deleted: false,
    shares: [],
    ...given,
    mimetype: given.mimetype ?? types[ending] ?? "application/octet-stream",
  };
  world.files.set(file.id, file);
  return file;
}

function getUploadUrl({ world, app, params }: Call): Json {
  const name = needed(params, "filename");
  const length = Number(needed(params, "length"));
  const snippetType = text(params.snippet_type);
  const altText = text(params.alt_txt) || text(params.alt_text);
  if (!Number.isInteger(length) || length < 0) throw refused("invalid_arguments", ["invalid length"]);
  if (length === 0) throw refused("invalid_arguments", ["length must be greater than 0"]);
  if (length > fileBytesMax) throw new Refusal("file_upload_size_restricted");
  if (snippetType !== "" && length > snippetBytesMax) throw new Refusal("snippet_too_large");
  if (altText.length > altCharsMax) throw new Refusal("alt_txt_too_large");
  const file = newFile(world, {
    name,
    user: app.user.id,
    app: app.id,
    size: length,
    ticket: word(world, 40),
    ...(altText === "" ? {} : { altText }),
    ...(snippetType === "" ? {} : { snippetType }),
  });
  return { upload_url: `${world.origin}/upload/v1/${file.ticket}`, file_id: file.id };
}

/** The POST to an upload address: the bytes must be as many as were announced, and come once. */
export function receiveUpload(
  world: World,
  { ticket, bytes }: { ticket: string; bytes: Uint8Array },
): StoredFile | undefined {
  const file = [...world.files.values()].find((one) => one.ticket === ticket);
  if (file === undefined || file.complete || bytes.length !== file.size) return undefined;
  file.bytes = bytes;
  return file;
}

/** Completes once. Metadata is no argument of this method: a file's message carries none. */
function complete(call: Call): Json {
  const { world, app, params } = call;
  const wanted = list(params.files) ?? [];
  if (wanted.length === 0) throw refused("invalid_arguments", ["missing required field: files"]);
  const files = wanted.map((one) => {
    const file = world.files.get(text(one.id));
    if (file === undefined || file.app !== app.id || file.bytes === undefined || file.complete)
      throw new Refusal("file_not_found");
    return { file, title: text(one.title) };
  });
  const target = text(params.channel_id) || text(params.channels);
  const channel = target === "" ? undefined : writableChannel({ ...call, params: { channel: target } });
  const threadTs = channel === undefined ? undefined : threadOf(channel, params);
  const blocks = params.blocks === undefined || params.blocks === "" ? undefined : checkedBlocks(world, params.blocks);
  for (const { file, title } of files) {
    file.complete = true;
    if (title !== "") file.title = title;
  }
  const share = () => {
    if (channel === undefined) return;
    const comment = text(params.initial_comment);
    shareFiles(world, channel, {
      files: files.map(({ file }) => file),
      message: {
        user: app.user.id,
        botId: app.botId,
        appId: app.id,
        text: comment,
        blocks: comment === "" ? blocks : undefined,
        threadTs,
      },
    });
  };
  if (world.shareDelayMs === 0) share();
  else void world.clock.sleep(world.shareDelayMs).then(share);
  return { files: files.map(({ file }) => ({ id: file.id, title: file.title })) };
}

/** A message with files, of a person or a bot, and what the files know of it. */
export function shareFiles(
  world: World,
  channel: Channel,
  { files, message }: { files: StoredFile[]; message: Parameters<typeof post>[2] },
): string {
  const shares = files.map((file) => ({ file, share: { channel: channel.id, ts: "", threadTs: message.threadTs } }));
  const sent = post(world, channel, { ...message, subtype: "file_share", files: files.map(({ id }) => id) });
  for (const { file, share } of shares) {
    share.ts = sent.ts;
    file.shares.push(share);
    for (const app of world.apps.values()) {
      if (!channel.members.has(app.user.id)) continue;
      const event = {
        type: "file_shared",
        file_id: file.id,
        user_id: file.user,
        file: { id: file.id },
        channel_id: channel.id,
        event_ts: nowTs(world),
      };
      tell(world, app, { subscription: "file_shared", event });
    }
  }
  return sent.ts;
}

/** An app sees its own files and those of its conversations. */
function mayRead(world: World, app: App, file: StoredFile): boolean {
  if (file.app === app.id) return true;
  return file.shares.some(({ channel }) => {
    const found = world.channels.get(channel);
    return found?.kind === "public" || found?.members.has(app.user.id) === true;
  });
}

function info({ world, app, params }: Call): Json {
  const file = world.files.get(needed(params, "file"));
  if (file === undefined || !mayRead(world, app, file) || !file.complete) throw new Refusal("file_not_found");
  if (file.deleted) throw new Refusal("file_deleted");
  return { file: renderFile(world, file), comments: [], response_metadata: { next_cursor: "" } };
}

/**
 * The bytes of a private address, for a bearer token with `files:read` whose app may see the file. Undefined means the
 * sign-in page: status 200 and HTML, as the real one gives (docs.slack.dev/messaging/working-with-files).
 */
export function download(world: World, { token, id }: { token: string; id: string }): StoredFile | undefined {
  const held = world.tokens.get(token);
  const file = world.files.get(id);
  if (held?.kind !== "bot" || held.state !== "live" || !held.app.scopes.has("files:read")) return undefined;
  return file?.bytes !== undefined && !file.deleted && mayRead(world, held.app, file) ? file : undefined;
}

export const fileMethods: Record<string, Method> = {
  "files.getUploadURLExternal": { scopes: ["files:write"], tier: 4, run: getUploadUrl },
  "files.completeUploadExternal": { scopes: ["files:write"], tier: 4, run: complete },
  "files.info": { scopes: ["files:read"], tier: 4, run: info },
};
