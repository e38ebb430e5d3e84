// A chat platform in memory that keeps the rules of real ones, with the faults that one asks for.
import {
  type AdapterHandle,
  type AdapterTraits,
  PlatformError,
  type PlatformMessage,
} from "../../src/gateway/handle.ts";

/** A message as people see it. */
export interface Shown {
  ref: string;
  conversation: string;
  body: string;
  buttons: readonly { label: string; data: string }[];
  replyTo?: string;
  thread?: string;
  audible: boolean;
  file?: { name: string; bytes: Uint8Array; caption?: string };
  edits: number;
}

/** A call as it arrived. */
export interface Call {
  method: "post" | "change" | "file" | "find";
  conversation: string;
  ref?: string;
  body?: string;
}

/** `slow`: it happens when that is over. `before`: it does not happen. `lost`: it happens, and the answer is lost. `hang`: as `lost`, and nothing comes back. */
export type Fault = { before: PlatformError } | { lost: true } | { hang: "before" | "after" } | { slow: Promise<void> };

/** The world outside; it outlives the program. */
export function createPlatform() {
  const messages = new Map<string, Shown>();
  const nonces = new Map<string, string>();
  let counter = 0;
  const inFlight = new Map<string, number>();
  const platform = {
    calls: [] as Call[],
    signals: [] as { conversation: string; what: string }[],
    /** What broke a rule of ours. */
    violations: [] as string[],
    most: 0,
    /** Decides about each call. */
    fault: (_call: Call): Fault | undefined => undefined,
    /** Messages of a conversation in their order, without those that were deleted. */
    shown: (conversation: string): Shown[] =>
      [...messages.values()].filter((found) => found.conversation === conversation),
    texts: (conversation: string): string[] => platform.shown(conversation).map(({ body, file }) => file?.name ?? body),
    /** A person deletes a message. */
    delete: (ref: string) => void messages.delete(ref),
    posts: () => platform.calls.filter(({ method }) => method === "post" || method === "file").length,
    edits: () => platform.calls.filter(({ method }) => method === "change").length,
  };

  /** Runs one call by the rules: one at a time in a conversation, and what `fault` says. */
  const take = async <Result>(call: Call, work: () => Result): Promise<Result> => {
    platform.calls.push(call);
    const before = inFlight.get(call.conversation) ?? 0;
    if (before > 0) platform.violations.push(`two calls at once in ${call.conversation}`);
    inFlight.set(call.conversation, before + 1);
    platform.most = Math.max(
      platform.most,
      [...inFlight.values()].reduce((sum, count) => sum + count, 0),
    );
    const fault = platform.fault(call);
    if (fault !== undefined && "hang" in fault) {
      if (fault.hang === "after") work();
      // The program that waits for it is killed: another one may call.
      inFlight.delete(call.conversation);
      await new Promise(() => undefined);
    }
    await (fault !== undefined && "slow" in fault ? fault.slow : Promise.resolve());
    try {
      if (fault !== undefined && "before" in fault) throw fault.before;
      const result = work();
      // A search that has no answer is made again: it says nothing of what it looks for.
      const fate = call.method === "find" ? "later" : "unknown";
      if (fault !== undefined && "lost" in fault) throw new PlatformError("The line broke", { fate });
      return result;
    } finally {
      inFlight.set(call.conversation, (inFlight.get(call.conversation) ?? 1) - 1);
    }
  };
  const check = (message: PlatformMessage) => {
    if (message.body.trim() === "") throw new PlatformError("text must be non-empty", { fate: "refused" });
    if (message.body.length > 4096) throw new PlatformError("text is too long", { fate: "refused" });
    for (const { data } of message.buttons)
      if (data.length > 64) throw new PlatformError("button data is invalid", { fate: "refused" });
  };
  const put = (conversation: string, shown: Omit<Shown, "ref" | "conversation" | "edits">): string => {
    counter += 1;
    const ref = `r${counter}`;
    messages.set(ref, { ref, conversation, edits: 0, ...shown });
    return ref;
  };
  return Object.assign(platform, { take, check, put, messages, nonces });
}

export type Platform = ReturnType<typeof createPlatform>;

export const platformTraits: AdapterTraits = {
  local: false,
  live: false,
  sharedTop: "message",
  threads: "place",
  directIsUser: true,
  repeat: "marker",
  details: "answer",
  editEveryMs: 1_000,
  typingMs: 4_000,
};

/** An open adapter to that platform. */
export function createFakeAdapter(
  platform: Platform,
  { name = "tg", traits = {} }: { name?: string; traits?: Partial<AdapterTraits> } = {},
): AdapterHandle {
  const own = { ...platformTraits, ...traits };
  return {
    name,
    type: "fake",
    traits: own,
    render(markdown, form) {
      if (markdown.includes("UNRENDERABLE")) throw new Error("No such mark-up");
      if (form === "forming") return [markdown.slice(-4000)];
      const parts = markdown.match(/[\s\S]{1,4000}/g) ?? [markdown];
      return parts.slice(0, 12);
    },
    post: (target, message) =>
      platform.take({ method: "post", conversation: target.conversation.id, body: message.body }, () => {
        platform.check(message);
        const { body, buttons, replyTo, audible } = message;
        const ref = platform.put(target.conversation.id, {
          body,
          buttons,
          audible,
          ...(target.thread === undefined ? {} : { thread: target.thread }),
          ...(replyTo === undefined ? {} : { replyTo }),
        });
        platform.nonces.set(message.nonce, ref);
        return ref;
      }),
    change: (target, { ref, message }) => {
      const body = message === undefined ? {} : { body: message.body };
      return platform.take({ method: "change", conversation: target.conversation.id, ref, ...body }, () => {
        const found = platform.messages.get(ref);
        if (found === undefined || found.conversation !== target.conversation.id)
          throw new PlatformError("message to edit not found", { fate: "gone" });
        if (message === undefined) {
          platform.messages.delete(ref);
          return;
        }
        platform.check(message);
        Object.assign(found, { body: message.body, buttons: message.buttons, edits: found.edits + 1 });
      });
    },
    find: (target, { nonce }) =>
      platform.take({ method: "find", conversation: target.conversation.id }, () => {
        const ref = platform.nonces.get(nonce);
        return ref !== undefined && platform.messages.has(ref) ? ref : undefined;
      }),
    file: (target, { name: file, bytes, caption, replyTo, nonce }) =>
      platform.take({ method: "file", conversation: target.conversation.id, body: file }, () => {
        const ref = platform.put(target.conversation.id, {
          body: "",
          buttons: [],
          audible: true,
          file: { name: file, bytes, ...(caption === undefined ? {} : { caption }) },
          ...(replyTo === undefined ? {} : { replyTo }),
        });
        platform.nonces.set(nonce, ref);
        return ref;
      }),
    async signal(target, what) {
      platform.signals.push({ conversation: target.conversation.id, what });
    },
    fetch: () => Promise.reject(new Error("Nothing comes in here")),
    health: () => ({ state: "connected", since: 0, heardAt: null }),
  };
}
