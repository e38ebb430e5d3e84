// What settings.json may hold: one schema, from which the checks, the types and docs/settings.schema.json come.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { parseModelName } from "../core/model-name.ts";
import { logLevels } from "../sys/log.ts";
import { secretSchema } from "./secret.ts";
import { webSchema } from "./web.ts";

/** The keys of one adapter type beside the common ones. */
export type AdapterSchema = v.StrictObjectSchema<v.ObjectEntries, undefined>;

/** What the families bring to the schema. */
export interface Parts {
  /** Adapter type → its own keys. */
  adapters: Readonly<Record<string, AdapterSchema>>;
}

const text = v.pipe(v.string(), v.nonEmpty("expected text that is not empty"), v.maxLength(10_000));
const described = <Schema extends v.GenericSchema>(schema: Schema, description: string) =>
  v.pipe(schema, v.description(description));
const oneOf = <const Options extends readonly string[]>(options: Options) =>
  v.picklist(options, `expected one of ${options.map((option) => JSON.stringify(option)).join(", ")}`);
const wholeNumber = (min: number, max: number) => {
  const message = `expected a whole number from ${min} to ${max}`;
  return v.pipe(v.number(message), v.integer(message), v.minValue(min, message), v.maxValue(max, message));
};
/** A name that a person chose: part of paths, addresses and commands. */
const nameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "expected a name of up to 64 letters, digits, - and _"),
);
const httpUrl = v.pipe(
  v.string(),
  v.check((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ""), "expected an http:// or https:// address"),
);

const modelSchema = v.pipe(
  v.string(),
  v.check(isModelName, 'expected "provider/name" or "provider/name:level"'),
  v.description(
    "The language model as provider/name or provider/name:level; level is off, minimal, low, medium, high or xhigh.",
  ),
);
function isModelName(name: string): boolean {
  try {
    parseModelName(name);
    return true;
  } catch (error) {
    if (error instanceof Failure) return false;
    throw error;
  }
}

/** What stands after the kind of a sandbox: nothing, something, or any. */
const sandboxForm =
  /^(?:host|(?:container|docker|image|cloudflare):[^\s:][^\s]*|firecracker:[^\s:]+:\/[^\s:]*(?::[^\s:]+(?::[0-9]{1,5})?)?)$/;
const sandboxSchema = v.pipe(
  v.string(),
  v.regex(
    sandboxForm,
    'expected "host", "container:<name>", "image:<image>", "firecracker:<vm>:<host-path>[:<user>[:<port>]]" or "cloudflare:<id>"',
  ),
  v.description(
    "Where commands run: host, container:<name>, image:<image>, firecracker:<vm>:<host-path>[:<user>[:<port>]] or cloudflare:<id>.",
  ),
);
const harnessSchema = described(
  oneOf(["native", "codex", "claude-code", "acp"]),
  "What runs a turn: the own loop, Codex, Claude Code, or any Agent Client Protocol agent.",
);

const providerSchema = v.strictObject({
  apiKey: v.optional(described(secretSchema, "The key; without it the provider's own environment variable is used.")),
  baseUrl: v.optional(described(httpUrl, "Another address: a proxy, a gateway or a server of your own.")),
  api: v.optional(
    described(
      oneOf(["anthropic-messages", "openai-completions", "openai-responses", "google-generative-ai"]),
      "The wire protocol of a server of your own.",
    ),
  ),
  models: v.optional(described(v.array(text), "Model names that the server offers, beside those that are known.")),
  headers: v.optional(described(v.record(text, secretSchema), "Headers added to each request.")),
  contextWindow: v.optional(described(wholeNumber(1_000, 100_000_000), "Context window of its models, in tokens.")),
  outputMax: v.optional(described(wholeNumber(1, 10_000_000), "Longest answer of its models, in tokens.")),
  images: v.optional(described(v.boolean(), "Whether its models see images.")),
});

const folderSchema = v.strictObject({
  path: described(
    v.pipe(text, v.regex(/^(?:\/|~\/)/, "expected an absolute path, or one that begins with ~/")),
    "The folder.",
  ),
  access: v.optional(described(oneOf(["ro", "rw"]), "Read only, or read and write."), "ro"),
});

const agentSchema = v.strictObject({
  model: v.optional(modelSchema),
  harness: v.optional(harnessSchema),
  sandbox: v.optional(sandboxSchema),
  systemPrompt: v.optional(
    described(v.pipe(v.string(), v.maxLength(limits.inputCharsMax)), "Added to the system prompt."),
  ),
  folders: v.optional(described(v.array(folderSchema), "Your own folders in which this agent may work."), []),
  ownKeys: v.optional(
    described(
      v.boolean(),
      "Whether a requester's own model key, from their vault, comes before the instance's and the settings' one.",
    ),
    false,
  ),
});

/** What every adapter has, whatever its type. */
const adapterEntries = {
  admins: v.optional(described(v.array(text), "Immutable ids of the users who administer; they need no pairing."), []),
  dm: v.optional(
    described(
      v.union([oneOf(["everyone", "none"]), v.array(text)], 'expected "everyone", "none" or a list of user ids'),
      "Who may write directly.",
    ),
    "everyone",
  ),
  unknownSender: v.optional(
    described(oneOf(["strict", "request_approval", "public"]), "What becomes of a message from a stranger."),
    "strict",
  ),
};

function adapterSchema(parts: Parts) {
  const known = Object.keys(parts.adapters).sort();
  if (known.length === 0) return v.never("this program has no adapters") as v.GenericSchema<never, AdapterSettings>;
  const message = `expected one of ${known.map((type) => JSON.stringify(type)).join(", ")}`;
  const members = Object.entries(parts.adapters).map(([type, { entries }]) =>
    v.strictObject({ ...entries, ...adapterEntries, type: v.literal(type) }),
  );
  return v.variant("type", members, message) as v.GenericSchema<unknown, AdapterSettings>;
}

/** One adapter: the common keys, and those of its type, checked by the schema of that type. */
export interface AdapterSettings {
  type: string;
  admins: string[];
  dm: "everyone" | "none" | string[];
  unknownSender: "strict" | "request_approval" | "public";
  [key: string]: unknown;
}

const limitsSchema = v.strictObject({
  timeoutSeconds: v.optional(
    described(wholeNumber(1, 7 * 86_400), "Longest time that a turn may take; no limit when absent."),
  ),
  turnsParallel: v.optional(
    described(wholeNumber(1, 1_000), "Turns that run at the same time, over all sessions."),
    limits.turnsParallelMax,
  ),
  memoryMb: v.optional(
    described(
      wholeNumber(64, 1_048_576),
      "Memory of one turn's commands together, in MiB; a session's background commands have as much of their own.",
    ),
    limits.memoryBytesMax / 1_048_576,
  ),
  processes: v.optional(
    described(
      wholeNumber(8, 100_000),
      "Processes of one turn's commands together; a session's background commands have as many of their own.",
    ),
    limits.processesMax,
  ),
  attachmentsDayMb: v.optional(
    described(wholeNumber(1, 1_048_576), "Files that one conversation may take within 24 hours, in MiB."),
    limits.attachmentsDayBytesMax / 1_048_576,
  ),
  attachmentsMb: v.optional(
    described(wholeNumber(1, 1_073_741_824), "Files that all conversations may keep together, in MiB."),
    limits.attachmentsBytesMax / 1_048_576,
  ),
  keepDays: v.optional(
    described(
      wholeNumber(0, 36_500),
      "Days for which events, received messages and deliveries are kept once they are done; 0 keeps them for ever.",
    ),
    limits.keepDays,
  ),
});

const amount = v.pipe(
  v.number("expected a number"),
  v.finite("expected a number"),
  v.minValue(0, "expected 0 or more"),
);
const budgetSchema = v.strictObject({
  usdPerDay: v.optional(described(amount, "What one user's turns may cost a day, in US dollars.")),
  tokensPerDay: v.optional(described(wholeNumber(0, 1e12), "Tokens that one user's turns may take a day.")),
});

const logSchema = v.strictObject({
  format: v.optional(
    described(
      oneOf(["console", "json"]),
      "Lines for people, or one JSON object a line with the Google Cloud field names.",
    ),
    "console",
  ),
  level: v.optional(described(oneOf(logLevels), "The lowest level that is written."), "info"),
});

/** The schema of settings.json, with the adapter types that this program has. */
export function settingsSchema(parts: Parts) {
  return v.strictObject({
    $schema: v.optional(described(v.string(), "Address of this schema, for editors.")),
    model: v.optional(modelSchema),
    models: v.optional(described(v.record(nameSchema, providerSchema), "Model providers by name."), {}),
    harness: v.optional(harnessSchema, "native"),
    sandbox: v.optional(sandboxSchema, "host"),
    isolation: v.optional(
      described(
        oneOf(["auto", "bubblewrap", "none"]),
        "How host commands are kept apart: by bubblewrap where it works, by bubblewrap or not at all, or openly.",
      ),
      "auto",
    ),
    workspace: v.optional(described(text, "The workspace folder; workspace in the state folder when absent.")),
    adapters: v.optional(
      described(v.record(nameSchema, adapterSchema(parts)), "Chat platforms by a name of your choice."),
      {},
    ),
    agents: v.optional(described(v.record(nameSchema, agentSchema), "Agents by name; the first one is main."), {}),
    web: v.optional(described(webSchema, "The web pages; absent, they listen only when a link is asked for.")),
    log: v.optional(described(logSchema, "The log."), {}),
    limits: v.optional(described(limitsSchema, "Bounds that suit this machine."), {}),
    budget: v.optional(described(budgetSchema, "What use may cost; no bound when absent.")),
    toolOutput: v.optional(
      described(oneOf(["none", "summary", "full"]), "How much of the tools' work chats show."),
      "summary",
    ),
    vault: v.optional(
      v.strictObject({
        injectOnHost: v.optional(
          described(v.boolean(), "Whether host commands get vault environment and files."),
          false,
        ),
      }),
      {},
    ),
    sentry: v.optional(
      v.strictObject({ dsn: v.optional(described(secretSchema, "Where crashes are reported; nowhere when absent.")) }),
      {},
    ),
  });
}

/** Settings as the program uses them: checked, with defaults, secrets still as references. */
export type Settings = v.InferOutput<ReturnType<typeof settingsSchema>>;
