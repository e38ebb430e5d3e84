// The table of verbs: each is loaded when it is called, so that the short ones stay quick.
import type { Verb } from "./verb.ts";

/** What the list of verbs shows, and where the rest is. */
export interface VerbEntry {
  group: "Begin" | "Run" | "Look";
  summary: string;
  load(): Promise<Verb>;
}

export const verbs: Readonly<Record<string, VerbEntry>> = {
  setup: {
    group: "Begin",
    summary: "Choose a model, connect a chat platform",
    load: async () => (await import("./setup.ts")).setup,
  },
  pair: {
    group: "Begin",
    summary: "Print a code that makes you known to your bot",
    load: async () => (await import("./pair.ts")).pair,
  },
  vault: {
    group: "Begin",
    summary: "Keep credentials for commands and models, sealed",
    load: async () => (await import("./vault.ts")).vault,
  },
  chat: {
    group: "Begin",
    summary: "Talk to the agent in this terminal",
    load: async () => (await import("./chat.ts")).chat,
  },
  start: {
    group: "Run",
    summary: "Start in the background",
    load: async () => (await import("./start.ts")).start,
  },
  stop: {
    group: "Run",
    summary: "Finish what runs, then stop",
    load: async () => (await import("./stop.ts")).stop,
  },
  restart: {
    group: "Run",
    summary: "Stop and start again",
    load: async () => (await import("./restart.ts")).restart,
  },
  run: {
    group: "Run",
    summary: "Run in the foreground, for systemd and containers",
    load: async () => (await import("./run.ts")).run,
  },
  service: {
    group: "Run",
    summary: "Run under systemd, from boot on",
    load: async () => (await import("./service.ts")).service,
  },
  status: {
    group: "Look",
    summary: "What runs, and how it is",
    load: async () => (await import("./status.ts")).status,
  },
  logs: {
    group: "Look",
    summary: "The last lines of the log",
    load: async () => (await import("./logs.ts")).logs,
  },
  download: {
    group: "Look",
    summary: "Print what was said in a conversation",
    load: async () => (await import("./download.ts")).download,
  },
  doctor: {
    group: "Look",
    summary: "Check everything, and say how to mend it",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  version: {
    group: "Look",
    summary: "The version of this program",
    load: async () => (await import("./version.ts")).versionVerb,
  },
};

/** The admin nouns, which have verbs of their own: `sessions list`. */
export const nouns: Readonly<Record<string, string>> = {
  sessions: "Lines of context: list, get, search, rename, entries, export",
  turns: "Runs of the agent: list, get, events",
  messages: "What was said in a conversation: list",
  deliveries: "What did not reach its chat: list, show, retry, drop",
  approvals: "Questions to answer: list, show, approve, deny, rules",
  users: "Everybody who was ever let in: list, get",
  roles: "Owners and admins: list, grant, revoke",
  members: "Who may write, and where: list, add, remove",
  pairings: "Codes of `pair`: list, create, clear",
  "dropped-messages": "Strangers who were turned away: list",
};
