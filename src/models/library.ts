// The parts of the model library that requests use, each loaded when it is first needed and then kept: asking for a
// module again is a walk through the loader, several of which a person would wait for.
import type { Provider, ProviderStreams } from "@earendil-works/pi-ai";
import { own } from "./own.ts";
import { providers, type Wire } from "./providers.ts";

/** What streams an answer. */
export type Stream = ProviderStreams["streamSimple"];

/** The library's own modules of the common wire protocols, without what waits for them to load at each request. */
const wires = {
  "anthropic-messages": () => import("@earendil-works/pi-ai/api/anthropic-messages"),
  "openai-completions": () => import("@earendil-works/pi-ai/api/openai-completions"),
  "openai-responses": () => import("@earendil-works/pi-ai/api/openai-responses"),
  "google-generative-ai": () => import("@earendil-works/pi-ai/api/google-generative-ai"),
} satisfies Readonly<Record<Wire, () => Promise<unknown>>>;

export type Library = ReturnType<typeof createLibrary>;

/** The library; nothing of it is loaded so far. */
export function createLibrary() {
  const kept = new Map<string, Promise<unknown>>();
  /** One load for each name; one that failed is tried anew. */
  const once = <Part>(name: string, load: () => Promise<Part>): Promise<Part> => {
    let part = kept.get(name) as Promise<Part> | undefined;
    if (part === undefined) {
      part = load();
      kept.set(name, part);
      part.catch(() => kept.delete(name));
    }
    return part;
  };
  return {
    /** The provider of that name; none for one that the library does not know. */
    async provider(name: string): Promise<Provider | undefined> {
      const entry = own(providers, name);
      return entry === undefined ? undefined : once(`provider ${name}`, entry.load);
    },
    /** A wire protocol. */
    stream: (wire: Wire): Promise<Stream> => once(`wire ${wire}`, async () => (await wires[wire]()).streamSimple),
    /** What a request is made and judged with. */
    tools: () =>
      once("tools", async () => {
        const [{ normalizeContext }, { isContextOverflow }, { parseJsonWithRepair }] = await Promise.all([
          import("@earendil-works/pi-ai/utils/transcript"),
          import("@earendil-works/pi-ai/utils/overflow"),
          import("@earendil-works/pi-ai/utils/json-parse"),
        ]);
        return { normalizeContext, isContextOverflow, parseJsonWithRepair };
      }),
  };
}
