// A small platform as an adapter: rooms of plain lines behind one HTTP server. The example of recipes/adapter.md.
import * as v from "valibot";
import type { Adapter, AdapterDeps } from "../../../src/adapters/adapter.ts";
import { Chunks, lastChunk } from "../../../src/adapters/chunks.ts";
import { closeMarks } from "../../../src/adapters/forming.ts";
import { Failure } from "../../../src/core/failure.ts";
import { limits } from "../../../src/core/limits.ts";
import type { AdapterTraits, PlatformMessage } from "../../../src/gateway/handle.ts";
import { createClient } from "./client.ts";
import type { LinesSettings } from "./config.ts";
import { openLine } from "./line.ts";

export const linesTraits: AdapterTraits = {
  local: false,
  live: false,
  sharedTop: "conversation",
  threads: "place",
  directIsUser: false,
  // Nothing drops a repetition, and what we wrote cannot be looked for.
  repeat: "marker",
  details: "answer",
  editEveryMs: 1_000,
  typingMs: 5_000,
};

/** Longest text of a message; a piece may get a fence or the head of a table besides. */
const textMax = 4_000;
const pieceMax = 3_000;

const sentSchema = v.object({ id: v.string() });

/** Opens the adapter; it connects by itself, and nothing is awaited here. */
export function openLines(settings: LinesSettings, deps: AdapterDeps): Adapter {
  const client = createClient(settings.url, { fetch: deps.fetch, token: () => deps.secret(settings.token) });
  const line = openLine(deps, client);
  const bodyOf = ({ body, buttons, audible }: PlatformMessage) => ({ text: body, buttons, silent: !audible });
  return {
    name: deps.name,
    type: "lines",
    traits: linesTraits,
    render(written, form) {
      // There are no small lines here.
      const markdown = written.replace(/^-# /gm, "");
      if (form === "forming") return [closeMarks(lastChunk(markdown, pieceMax)).slice(0, textMax)];
      const chunks = new Chunks(markdown, { chars: pieceMax });
      const parts: string[] = [];
      for (let next = chunks.next(); next !== null && parts.length <= limits.answerPartsMax; next = chunks.next())
        parts.push(next.source.slice(0, textMax));
      return parts.length === 0 ? ["…"] : parts;
    },
    async post({ conversation }, message) {
      const path = `/rooms/${encodeURIComponent(conversation.id)}/messages`;
      return v.parse(sentSchema, await client({ method: "POST", path, body: bodyOf(message) })).id;
    },
    async change(_target, { ref, message }) {
      const path = `/messages/${encodeURIComponent(ref)}`;
      if (message === undefined) await client({ method: "DELETE", path });
      else await client({ method: "PATCH", path, body: bodyOf(message) });
    },
    async file({ conversation }, { name, bytes, caption = "" }) {
      const path = `/rooms/${encodeURIComponent(conversation.id)}/files`;
      const body = { name, caption, base64: Buffer.from(bytes).toString("base64") };
      return v.parse(sentSchema, await client({ method: "POST", path, body })).id;
    },
    // The platform shows no typing and no marks.
    signal: async () => undefined,
    fetch: async () => {
      throw new Failure("tool", "This platform sends no files");
    },
    health: line.health,
    close: line.close,
  };
}
