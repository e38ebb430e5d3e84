// What was said to the wizard and stands in no settings yet: kept for whoever leaves half-way and begins again.
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import { customApis } from "../../models/routes.ts";
import { writeAtomic } from "../../sys/atomic.ts";
import type { Places } from "../places.ts";
import type { Answers } from "./answers.ts";

const text = v.pipe(v.string(), v.maxLength(limits.adminTextCharsMax));
const model = {
  provider: text,
  model: text,
  key: v.optional(v.union([v.object({ env: text }), v.object({ file: text })])),
};

/** A key or token that was pasted is never in it: those are in settings.json alone, or given again. */
const schema = v.object({
  /** Server and owner as options gave them, by platform. */
  bots: v.optional(v.record(text, v.object({ address: v.optional(text), owner: v.optional(text) }))),
  answers: v.optional(
    v.variant("kind", [
      v.object({ kind: v.literal("demo") }),
      v.object({ kind: v.literal("known"), ...model, baseUrl: v.optional(text) }),
      v.object({ kind: v.literal("own"), ...model, baseUrl: text, api: v.picklist(customApis) }),
    ]),
  ),
});

export type Draft = ReturnType<typeof openDraft>;

/** What is kept between two runs of the wizard, in `setup.json` of the state folder. */
export function openDraft({ stateDir }: Pick<Places, "stateDir">) {
  const path = join(stateDir, "setup.json");
  let kept = read(path);
  const keep = async (change: v.InferOutput<typeof schema>): Promise<void> => {
    kept = { ...kept, ...change };
    await writeAtomic(path, `${JSON.stringify(kept)}\n`);
  };
  return {
    /** What options say of a bot, with what they said before where they say nothing now. */
    async flags<Flags extends { type: string; address?: string; owner?: string }>(flags: Flags): Promise<Flags> {
      const { type, address, owner } = flags;
      const own = {
        ...kept.bots?.[type],
        ...(address === undefined ? {} : { address }),
        ...(owner === undefined ? {} : { owner }),
      };
      if (address !== undefined || owner !== undefined) await keep({ bots: { ...kept.bots, [type]: own } });
      return {
        ...(own.address === undefined ? {} : { address: own.address }),
        ...(own.owner === undefined ? {} : { owner: own.owner }),
        ...flags,
      };
    },
    /** The model that was chosen last, if it stands in no settings. */
    answers: (): Answers | undefined => kept.answers,
    /** Keeps the choice of a model. A key that was pasted is left out. */
    async choose(answers: Answers): Promise<void> {
      if (answers.kind === "same") return;
      const { key, ...rest } = answers.kind === "demo" ? { ...answers, key: undefined } : answers;
      await keep({ answers: { ...rest, ...(typeof key === "object" ? { key } : {}) } });
    },
    /** All of it stands in settings, or is done. */
    drop: (): void => rmSync(path, { force: true }),
  };
}

/** What cannot be read is asked again. */
function read(path: string): v.InferOutput<typeof schema> {
  try {
    const found = v.safeParse(schema, JSON.parse(readFileSync(path, "utf8")));
    return found.success ? found.output : {};
  } catch {
    return {}; // Most often there is none.
  }
}
