// Bot API methods about files: sending them, albums, and getFile.
import { put } from "./chats.ts";
import { imageSize } from "./image.ts";
import { type Call, envelope, type Method } from "./method.ts";
import { post } from "./methods-ephemeral.ts";
import { marked, object, text } from "./params.ts";
import { bad, Refusal } from "./refusal.ts";
import { renderFile, renderMessage } from "./render.ts";
import { integer } from "./updates.ts";
import { type Json, type Media, serial, type Upload, type World, word } from "./world.ts";

/** core.telegram.org/bots/api#sending-files and #getfile. */
export const uploadBytesMax = 50 * 1024 * 1024;
export const photoBytesMax = 10 * 1024 * 1024;
export const downloadBytesMax = 20 * 1024 * 1024;
/** "It is guaranteed that the link will be valid for at least 1 hour." */
const linkMs = 60 * 60 * 1000;
const photoSidesSumMax = 10_000;
const photoRatioMax = 20;
const albumMax = 10;

type Kind = Media["kind"];

const mimes: Record<Kind, string> = {
  photo: "image/jpeg",
  document: "application/octet-stream",
  voice: "audio/ogg",
  audio: "audio/mpeg",
  video: "video/mp4",
};

/** A file of a person or an upload of a bot as the platform keeps it. */
export function storedMedia(
  world: World,
  kind: Kind,
  file: {
    name?: string;
    mime?: string;
    bytes: Uint8Array;
    size?: number;
    durationS?: number;
    width?: number;
    height?: number;
  },
): Media {
  const size = imageSize(file.bytes);
  return {
    kind,
    uniqueId: `AQAD${word(world, 8)}${serial(world)}`,
    name: file.name,
    mime: file.mime ?? mimes[kind],
    size: file.size ?? file.bytes.length,
    bytes: file.bytes,
    width: file.width ?? size?.width,
    height: file.height ?? size?.height,
    durationS: file.durationS,
  };
}

/** The file that a parameter names: an upload, a file id of this bot's, or an address. */
function mediaOf({ world, bot, files }: Call, value: unknown, { kind, field }: { kind: Kind; field: string }): Media {
  const given = text(value);
  const attached = given.startsWith("attach://")
    ? files[given.slice("attach://".length)]
    : given === ""
      ? files[field]
      : undefined;
  if (attached !== undefined) return uploaded(world, kind, attached);
  if (given === "" || given.startsWith("attach://")) throw bad(`there is no ${kind} in the request`);
  if (/^https?:\/\//.test(given)) throw bad("failed to get HTTP URL content");
  const known = world.files.get(given);
  if (known === undefined || known.bot !== bot.id) throw bad("wrong file identifier/HTTP URL specified");
  if (known.kind !== kind) throw bad(`can't use file of type ${capital(known.kind)} as ${capital(kind)}`);
  const { uniqueId, name, mime, size, bytes, width, height, durationS } = known;
  return {
    kind,
    uniqueId: kind === "photo" ? uniqueId.slice(0, -1) : uniqueId,
    name,
    mime,
    size,
    bytes,
    width,
    height,
    durationS,
  };
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function uploaded(world: World, kind: Kind, { name, type, bytes }: Upload): Media {
  if (bytes.length === 0) throw bad("file must be non-empty");
  if (bytes.length > uploadBytesMax) throw new Refusal(413, "Request Entity Too Large");
  if (kind !== "photo") return storedMedia(world, kind, { name, mime: type === "" ? undefined : type, bytes });
  if (bytes.length > photoBytesMax) {
    throw bad(`file of size ${bytes.length} bytes is too big for a photo; the maximum size is ${photoBytesMax} bytes`);
  }
  const size = imageSize(bytes);
  if (size === undefined) throw bad("IMAGE_PROCESS_FAILED");
  const { width, height } = size;
  const ratio = Math.max(width, height) / Math.max(1, Math.min(width, height));
  if (width + height > photoSidesSumMax || ratio > photoRatioMax) throw bad("PHOTO_INVALID_DIMENSIONS");
  return storedMedia(world, kind, { bytes });
}

function send(kind: Kind): Method {
  return (call) => {
    const { params } = call;
    const content = marked(params, { what: "caption", empty: true });
    const { chat, parts } = envelope(call);
    const media = { ...mediaOf(call, params[kind], { kind, field: kind }) };
    const durationS = integer(params.duration);
    if (durationS !== undefined) media.durationS = durationS;
    return post(call, chat, { ...parts, ...content, media });
  };
}

/** Each item is a message of its own; they share a `media_group_id`, and keyboards are not possible. */
function sendMediaGroup(call: Call): Json[] {
  const { world, bot, params } = call;
  const items = Array.isArray(params.media) ? params.media.map((one) => object(one) ?? {}) : [];
  if (items.length > albumMax) throw bad("too many messages to send as an album");
  if (items.length < 2) throw bad("media must include 2-10 items");
  const kinds = items.map(({ type }) => text(type));
  for (const kind of kinds) {
    if (!["photo", "video", "document", "audio"].includes(kind))
      throw bad(`can't parse InputMedia: wrong type "${kind}" specified`);
    const alone = kind === "document" || kind === "audio";
    if (alone && kinds.some((other) => other !== kind)) throw bad(`${kind} can't be mixed with other media types`);
  }
  const { chat, parts } = envelope(call);
  const contents = items.map((item, index) => {
    const media = inAlbum(index, () => mediaOf(call, item.media, { kind: text(item.type) as Kind, field: "media" }));
    return { ...marked(item, { what: "caption", empty: true }), media };
  });
  const mediaGroup = String(13_000_000_000_000_000n + BigInt(serial(world)));
  return contents.map((content) =>
    renderMessage(world, put(world, chat, { ...parts, ...content, mediaGroup }), { bot }),
  );
}

/** The server says which item of an album it refused. */
function inAlbum<T>(index: number, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 400) throw error;
    const what = error.message.replace("Bad Request: ", "");
    throw bad(`failed to send message #${index + 1} with the error message "${capital(what)}"`);
  }
}

function getFile({ world, bot, params }: Call): Json {
  const id = text(params.file_id);
  if (id === "") throw bad("file_id not specified");
  const file = world.files.get(id);
  if (file === undefined || file.bot !== bot.id) throw bad("wrong file_id or the file is temporarily unavailable");
  if (file.size > downloadBytesMax) throw bad("file is too big");
  file.linkedUntil = world.now() + linkMs;
  return { ...renderFile(file), file_path: file.path };
}

export const mediaMethods: Record<string, Method> = {
  sendPhoto: send("photo"),
  sendDocument: send("document"),
  sendVoice: send("voice"),
  sendAudio: send("audio"),
  sendVideo: send("video"),
  sendMediaGroup,
  getFile,
};
