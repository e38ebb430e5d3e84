// Settings of older programs → ours: the assistant's flat and nested forms, and the redesign's config.json.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { isThinkingLevel } from "../../core/model-name.ts";
import type { Json, JsonObject } from "../../core/transcript.ts";

/** What was read: settings of ours to merge, and one sentence for everything that was left out. */
export interface Imported {
  form: string;
  settings: JsonObject;
  notes: string[];
}

const word = v.optional(v.pipe(v.string(), v.nonEmpty()));
const modelChoice = { provider: word, model: word, thinkingLevel: word };
const logChoice = v.looseObject({ format: word, level: word });
const flatForm = v.looseObject({ ...modelChoice, logFormat: word, logLevel: word, sentryDsn: word });
const nestedForm = v.looseObject({
  llm: v.optional(v.looseObject({ ...modelChoice, autoReply: v.optional(v.looseObject(modelChoice)) })),
  log: v.optional(logChoice),
  sentry: v.optional(v.looseObject({ dsn: word })),
  sandbox: v.optional(v.record(v.string(), v.unknown())),
});
const adaptersForm = v.looseObject({
  adapters: v.record(
    v.pipe(v.string(), v.nonEmpty()),
    v.looseObject({
      type: v.picklist(["slack", "telegram", "discord"]),
      botToken: v.pipe(v.string(), v.nonEmpty()),
      appToken: word,
      admins: v.optional(v.array(v.pipe(v.union([v.string(), v.number()]), v.transform(String)))),
      dm: v.optional(
        v.union([
          v.picklist(["everyone", "none"]),
          v.array(v.pipe(v.union([v.string(), v.number()]), v.transform(String))),
        ]),
      ),
    }),
  ),
});

/**
 * Reads an older settings file.
 * @throws Failure `settings` when it is none of the known forms, naming the path inside it and the value.
 */
export function importSettings(text: string): Imported {
  const value = parse(text);
  if ("adapters" in value) return fromAdapters(check(adaptersForm, { value, form: "config.json" }));
  if ("llm" in value || isObject(value.log) || isObject(value.sentry) || isObject(value.sandbox))
    return fromNested(check(nestedForm, { value, form: "nested settings.json" }));
  if (["provider", "model", "thinkingLevel", "logFormat", "logLevel", "sentryDsn"].some((key) => key in value))
    return fromFlat(check(flatForm, { value, form: "flat settings.json" }));
  throw new Failure("settings", "Cannot import it: it has none of the keys of a settings.json or a config.json", {
    hint: 'Known: "adapters"; "llm", "log", "sentry", "sandbox"; "provider", "model", "thinkingLevel", "logFormat"',
  });
}

function fromFlat(old: v.InferOutput<typeof flatForm>): Imported {
  const { provider, model, thinkingLevel, logFormat, logLevel, sentryDsn, ...rest } = old;
  return collect("flat settings.json", {
    ...modelSetting({ provider, model, thinkingLevel }),
    log: logSetting({ format: logFormat, level: logLevel }),
    sentry: sentryDsn === undefined ? undefined : { dsn: sentryDsn },
    rest,
  });
}

function fromNested(old: v.InferOutput<typeof nestedForm>): Imported {
  const { llm, log, sentry, sandbox, ...rest } = old;
  const left = { ...rest, ...(llm?.autoReply === undefined ? {} : { "llm.autoReply": llm.autoReply }) };
  return collect("nested settings.json", {
    ...modelSetting(llm ?? {}),
    log: logSetting(log ?? {}),
    sentry: sentry?.dsn === undefined ? undefined : { dsn: sentry.dsn },
    rest: sandbox === undefined ? left : { ...left, sandbox },
  });
}

function fromAdapters(old: v.InferOutput<typeof adaptersForm>): Imported {
  const { adapters, ...rest } = old;
  const notes: string[] = [];
  const kept = Object.entries(adapters).map(([name, adapter]) => {
    const { type, botToken, appToken, admins, dm, ...others } = adapter;
    for (const key of Object.keys(others)) notes.push(left(`adapters.${name}.${key}`));
    const known = { type, botToken, appToken, admins, dm };
    return [name, Object.fromEntries(Object.entries(known).filter(([, field]) => field !== undefined))] as const;
  });
  const imported = collect("config.json", { rest });
  return {
    ...imported,
    settings: { ...imported.settings, adapters: Object.fromEntries(kept) as JsonObject },
    notes: [...notes, ...imported.notes],
  };
}

/** Puts together what is there; everything in `rest` is told as left out. */
function collect(
  form: string,
  parts: { model?: string; modelNote?: string; log?: JsonObject; sentry?: JsonObject; rest: Record<string, unknown> },
): Imported {
  const { rest, modelNote, ...known } = parts;
  const settings = Object.fromEntries(
    Object.entries(known).filter((entry): entry is [string, string | JsonObject] => entry[1] !== undefined),
  );
  const notes = Object.keys(rest).map((key) =>
    key === "sessionScope" ? 'Left out "sessionScope": a wiring\'s mode decides that now' : left(key),
  );
  return { form, settings, notes: modelNote === undefined ? notes : [modelNote, ...notes] };
}

function left(key: string): string {
  return `Left out ${JSON.stringify(key)}: remoteagent has no such setting`;
}

/** The old programs' own defaults stand in for a missing half. */
function modelSetting({ provider, model, thinkingLevel }: { [Key in keyof typeof modelChoice]?: string }): {
  model?: string;
  modelNote?: string;
} {
  if (provider === undefined && model === undefined && thinkingLevel === undefined) return {};
  const name = `${provider ?? "anthropic"}/${model ?? "claude-sonnet-4-5"}`;
  if (thinkingLevel === undefined) return { model: name };
  if (isThinkingLevel(thinkingLevel)) return { model: `${name}:${thinkingLevel}` };
  return {
    model: name,
    modelNote: `Left out thinking level ${JSON.stringify(thinkingLevel)}: there is none of that name`,
  };
}

function logSetting({ format, level }: { format?: string; level?: string }): JsonObject | undefined {
  if (format === undefined && level === undefined) return undefined;
  return { ...(format === undefined ? {} : { format }), ...(level === undefined ? {} : { level }) };
}

function parse(text: string): Record<string, Json> {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause);
    throw new Failure("settings", `Cannot import it: it is not JSON (${words})`, { cause });
  }
  if (isObject(value)) return value as Record<string, Json>;
  throw new Failure("settings", "Cannot import it: it is no JSON object");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function check<Schema extends v.GenericSchema>(
  schema: Schema,
  { value, form }: { value: unknown; form: string },
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  const path = v.getDotPath(issue) ?? "it";
  // Never the value itself where it may be a token.
  const shown = /token/i.test(path) ? "" : `, got ${issue.received}`;
  throw new Failure(
    "settings",
    `Cannot import ${form}: ${path} is wrong: expected ${issue.expected ?? "something else"}${shown}`,
  );
}
