// A file on its way out: an address is asked for, the bytes go there, and only then it stands in the conversation.
import * as v from "valibot";
import type { ReplyTarget } from "../../core/session.ts";
import { type AdapterHandle, PlatformError } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { type Client, request } from "./client.ts";
import { platformError } from "./errors.ts";
import { isSlackAddress } from "./files.ts";
import { captionOf } from "./format.ts";
import type { Directory } from "./names.ts";

const placeSchema = v.looseObject({
  upload_url: v.pipe(v.string(), v.nonEmpty()),
  file_id: v.pipe(v.string(), v.nonEmpty()),
});

/**
 * Makes the call that sends a file. Until its last step nothing is seen by anybody, so that failing is surely not
 * having sent. Source: docs.slack.dev/messaging/working-with-files#uploading_files.
 */
export function createUploads({
  client,
  apiUrl,
  directory,
  ...deps
}: { client: Client; apiUrl: string; directory: Pick<Directory, "handle"> } & Pick<AdapterDeps, "fetch" | "clock">) {
  return async (
    target: ReplyTarget,
    { name, bytes, caption }: Parameters<AdapterHandle["file"]>[1],
  ): Promise<string> => {
    if (target.onlyFor !== undefined)
      throw new PlatformError("Slack shows no file to one person alone", { fate: "refused" });
    if (bytes.byteLength === 0) throw new PlatformError("Slack takes no empty file", { fate: "refused" });
    const id = await unseen(async () => {
      const answer = await client.call("files.getUploadURLExternal", {
        filename: uploadName(name),
        length: bytes.byteLength,
      });
      const place = v.safeParse(placeSchema, answer);
      if (!place.success) throw new PlatformError("Slack did not say where the file goes", { fate: "later" });
      const { upload_url: url, file_id: file } = place.output;
      if (!isSlackAddress(url, apiUrl)) throw new PlatformError("Slack sent the file elsewhere", { fate: "refused" });
      const { status } = await request(deps, {
        url,
        method: "POST",
        headers: { "content-type": "application/octet-stream" },
        body: new Uint8Array(bytes),
      });
      if (status !== 200)
        throw new PlatformError(`Slack did not take the file: status ${status}`, {
          fate: status >= 500 || status === 429 ? "later" : "refused",
        });
      return file;
    });
    const comment = caption === undefined || caption.trim() === "" ? undefined : captionOf(caption, directory.handle);
    await client.call("files.completeUploadExternal", {
      files: [{ id, title: name.slice(0, 250).toWellFormed() }],
      channel_id: target.conversation.id,
      thread_ts: target.thread,
      initial_comment: comment,
    });
    return id;
  };
}

/** What nobody sees yet may be done again, whatever became of it. */
async function unseen<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { fate, message, retryAfterMs, everywhere } = platformError(error, "send");
    throw new PlatformError(message, {
      fate: fate === "unknown" ? "later" : fate,
      everywhere,
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    });
  }
}

/** A name without what leads elsewhere; its end is what programs know a file by. */
function uploadName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{C}"\\/]+/gu, "_");
  return plain.length > 200
    ? `${plain.slice(0, 150).toWellFormed()}…${plain.slice(-40).toWellFormed()}`
    : plain || "file";
}
