// An input as the model reads it: one header line that says when and who, the text, the files.
import { Buffer } from "node:buffer";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef } from "../../core/message.ts";
import type { TurnInput } from "../../core/session.ts";
import type { ImagePart, TextPart, UserMessage } from "../../core/transcript.ts";
import type { Log } from "../../sys/log.ts";
import { fitImage } from "../../workspace/images.ts";

const nameCharsMax = 80;
const kilobyte = 1024;

export interface InputDeps {
  /** Loads a stored file. */
  file(stored: string): Promise<Uint8Array>;
  /** Formats a time as `2026-01-31 09:05:00+01:00`. */
  stamp(at: number): string;
  /** Whether the model sees images. */
  images: boolean;
  log: Log;
}

/** Makes the message of one input. A file that cannot be loaded is listed with the reason; nothing is thrown. */
export async function userMessage(input: TurnInput, deps: InputDeps): Promise<UserMessage> {
  const images: ImagePart[] = [];
  const lines: string[] = [];
  for (const file of input.files) {
    const shown = deps.images && images.length < limits.inputImagesMax ? await loadImage(file, deps) : undefined;
    if (typeof shown === "object") images.push(shown);
    lines.push(fileLine(file, typeof shown === "string" ? shown : undefined));
  }
  const list = lines.length === 0 ? "" : `\n\nAttached files:\n${lines.join("\n")}`;
  const note = input.note === undefined ? "" : `${input.note}\n\n`;
  const text: TextPart = {
    type: "text",
    text: `${note}${header(input, deps.stamp(input.sentAt))} ${input.text}${list}`,
  };
  return { role: "user", content: [text, ...images], timestamp: input.sentAt };
}

function header(input: TurnInput, stamp: string): string {
  const name = oneLine(input.sender.name === "" ? input.sender.id : input.sender.name);
  const what = {
    message: "",
    correction: " (corrects an earlier message)",
    event: " (scheduled, nobody typed this now)",
  }[input.kind];
  return `[${stamp}] [${name}]${what}:`;
}

/** Names come from outside: one that holds brackets or line breaks could pose as somebody else's header. */
function oneLine(text: string): string {
  return text
    .replace(/[\s\p{C}\p{Z}[\]]+/gu, " ")
    .trim()
    .slice(0, nameCharsMax);
}

function fileLine(file: FileRef, note: string | undefined): string {
  const facts = [
    file.mime === undefined ? "" : oneLine(file.mime),
    file.bytes === undefined ? "" : size(file.bytes),
    note,
  ];
  const told = facts.filter((fact) => fact !== undefined && fact !== "").join(", ");
  const place =
    file.stored === undefined ? `${oneLine(file.name)} (it could not be fetched)` : oneLineOfPath(file.stored);
  return `- ${place}${told === "" ? "" : ` (${told})`}`;
}

/** A path keeps its brackets, since it must still be found. */
function oneLineOfPath(path: string): string {
  return path.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ");
}

function size(bytes: number): string {
  if (bytes < kilobyte) return `${bytes} B`;
  if (bytes < kilobyte * kilobyte) return `${Math.round(bytes / kilobyte)} KB`;
  return `${(bytes / kilobyte / kilobyte).toFixed(1)} MB`;
}

/** The image, a note why it is not shown, or nothing for other files. */
async function loadImage(file: FileRef, deps: InputDeps): Promise<ImagePart | string | undefined> {
  if (file.stored === undefined || !looksLikeImage(file)) return undefined;
  const tooLarge = `not shown, larger than ${size(limits.imageSourceBytesMax)}`;
  if ((file.bytes ?? 0) > limits.imageSourceBytesMax) return tooLarge;
  try {
    const bytes = await deps.file(file.stored);
    if (bytes.length > limits.imageSourceBytesMax) return tooLarge;
    const shown = await fitImage(bytes);
    if (typeof shown === "string") return `not shown, ${shown}`;
    return { type: "image", data: Buffer.from(shown.bytes).toString("base64"), mimeType: shown.mime };
  } catch (error) {
    deps.log.warn("Cannot load an attached image", { file: file.stored, error: errorText(error) });
    return "not shown, it could not be loaded";
  }
}

function looksLikeImage(file: FileRef): boolean {
  return /^image\/(?:png|jpe?g|gif|webp)$/i.test(file.mime ?? "") || /\.(?:png|jpe?g|gif|webp)$/i.test(file.name);
}

/** Since 1972 offsets are whole minutes and change at quarters of an hour, nowhere else (IANA's time zone database). */
const offsetHoldsMs = 15 * 60_000;
const offsetsFrom = Date.UTC(1972, 0);
/** The last year that ISO 8601 writes with four digits. */
const offsetsTo = Date.UTC(9999, 0);

/** Formats times in `timeZone` (IANA) with their offset. The format itself is asked once in a quarter of an hour. */
export function timeStamps(timeZone: string): (at: number) => string {
  const whole = wholeStamps(timeZone);
  let slot: number | undefined;
  let offset = { ms: 0, text: "" };
  return (at) => {
    if (!(at >= offsetsFrom && at < offsetsTo)) return whole(at);
    const now = Math.floor(at / offsetHoldsMs);
    if (now !== slot) {
      const stamp = whole(at);
      const local = Date.parse(`${stamp.slice(0, 10)}T${stamp.slice(11, 19)}Z`);
      offset = { ms: local - Math.floor(at / 1_000) * 1_000, text: stamp.slice(19) };
      slot = now;
    }
    const local = new Date(at + offset.ms).toISOString();
    return `${local.slice(0, 10)} ${local.slice(11, 19)}${offset.text}`;
  };
}

function wholeStamps(timeZone: string): (at: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  });
  return (at) => {
    const parts = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
    const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? "";
    const offset = part("timeZoneName").replace("GMT", "") || "+00:00";
    const date = `${part("year")}-${part("month")}-${part("day")}`;
    return `${date} ${part("hour")}:${part("minute")}:${part("second")}${offset}`;
  };
}
