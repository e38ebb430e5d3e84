// Files and images of a session: found by their place in the timeline, never by a path, and served so that no browser runs them.
import type { FileHandle } from "node:fs/promises";
import { limits } from "../../core/limits.ts";
import type { Store } from "../../store/store.ts";
import { openBeneath } from "../../sys/beneath.ts";
import { parseCursor } from "./branch.ts";
import type { Timeline } from "./timeline.ts";

/** A file as it is served. */
export interface FileDeps {
  store: Pick<Store, "inputs">;
  workspace: string;
  redact(text: string): string;
}

/** The first bytes by which a browser would know an image; nothing else is shown in place. */
const images: readonly { type: string; is(head: Buffer): boolean }[] = [
  { type: "image/png", is: (head) => head.toString("latin1", 0, 8) === "\x89PNG\r\n\x1a\n" },
  { type: "image/jpeg", is: (head) => head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff },
  { type: "image/gif", is: (head) => /^GIF8[79]a/.test(head.toString("latin1", 0, 6)) },
  {
    type: "image/webp",
    is: (head) => head.toString("latin1", 0, 4) === "RIFF" && head.toString("latin1", 8, 12) === "WEBP",
  },
];

/** The response for `ref` (`T12.345`, or `T12.345.0` of a message's files); undefined when there is no such file. */
export async function fileResponse(
  deps: FileDeps,
  { timeline, ref }: { timeline: Timeline; ref: string },
): Promise<Response | undefined> {
  const kept = keptFile(deps, { timeline, ref });
  if (kept === undefined) return undefined;
  const open = () => openBeneath(deps.workspace, kept.stored, { for: "read" });
  const look = await firstLook(open);
  if (look === undefined) return undefined;
  const type = images.find(({ is }) => is(look.head))?.type;
  return new Response(contentOf(open, look.size), {
    headers: {
      "content-type": type ?? "application/octet-stream",
      "content-length": String(look.size),
      "content-disposition": disposition(type === undefined ? "attachment" : "inline", deps.redact(kept.name)),
      "content-security-policy": "default-src 'none'; sandbox",
    },
  });
}

/** Its size and its first bytes; undefined when it is gone, or a link is in its place. */
async function firstLook(open: () => Promise<FileHandle>): Promise<{ size: number; head: Buffer } | undefined> {
  let file: FileHandle;
  try {
    file = await open();
  } catch {
    // For whoever asks it is not there, whatever the reason.
    return undefined;
  }
  try {
    const head = Buffer.alloc(16);
    const [{ size }] = await Promise.all([file.stat(), file.read(head, 0, head.byteLength, 0)]);
    return { size, head };
  } finally {
    await file.close();
  }
}

function keptFile(
  { store }: FileDeps,
  { timeline, ref }: { timeline: Timeline; ref: string },
): { stored: string; name: string } | undefined {
  const [, place = "", index] = /^(T\d{1,15}\.\d{1,15})(?:\.(\d{1,3}))?$/.exec(ref) ?? [];
  const cursor = parseCursor(place);
  const row = cursor === undefined ? undefined : timeline.row(cursor);
  if (row?.is !== "event") return undefined;
  const { event } = row.stored;
  if (event.type === "file" && index === undefined) return event;
  if (event.type !== "taken" || index === undefined) return undefined;
  const files = event.inputs.flatMap((id) => {
    const inbound = store.inputs.get(id)?.inbound;
    return inbound?.kind === "message" ? (inbound.files ?? []) : [];
  });
  const { stored, name } = files[Number(index)] ?? {};
  return stored === undefined || name === undefined ? undefined : { stored, name };
}

/**
 * The bytes as they are read, so that a large file takes no more memory than a small one. It is opened by whoever reads
 * first, since a body that nobody reads is never told that it is over.
 */
function contentOf(open: () => Promise<FileHandle>, size: number): ReadableStream<Uint8Array> {
  let file: FileHandle | undefined;
  let at = 0;
  const close = async (): Promise<void> => {
    const opened = file;
    file = undefined;
    await opened?.close();
  };
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          file ??= await open();
          const chunk = new Uint8Array(Math.min(limits.viewFileChunkBytes, size - at));
          const { bytesRead } = chunk.byteLength === 0 ? { bytesRead: 0 } : await file.read(chunk, 0, chunk.length, at);
          at += bytesRead;
          if (bytesRead > 0) controller.enqueue(chunk.subarray(0, bytesRead));
          // Shorter than it said: what was promised cannot be kept.
          else if (at < size) throw new Error("The file became shorter while it was read");
          if (at === size) {
            await close();
            controller.close();
          }
        } catch (error) {
          await close();
          throw error;
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

/** RFC 6266 and RFC 8187: the name in ASCII for old browsers, and as it is for all others. */
function disposition(kind: "inline" | "attachment", name: string): string {
  const safe = name
    .toWellFormed()
    .replace(/[\p{C}\p{Zl}\p{Zp}"\\/:*?<>|]/gu, "_")
    .slice(0, limits.nameCharsMax)
    .toWellFormed();
  const ascii = safe.replace(/[^ -~]|%/g, "_");
  const encoded = encodeURIComponent(safe).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
