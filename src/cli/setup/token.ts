// The questions for a bot's tokens: each is tried as soon as it is there, and kept when it works.
import type { Inspection, Platform, PlatformToken, Remark } from "../../adapters/inspection.ts";
import type { Config } from "../../config/load.ts";
import type { SecretRef } from "../../config/secret.ts";
import { Failure, failureData, failureText } from "../../core/failure.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { botPatch, hindrances, inspectBot, keepSettings, notes, platformOf, remarkText, secretOf } from "./bots.ts";
import { rehearse } from "./check.ts";
import { type BotFlags, variableOf } from "./options.ts";
import { paperText, writePaper } from "./paper.ts";
import type { Prompt } from "./prompt.ts";

export interface ConnectDeps {
  places: Places;
  io: Io;
  flags: BotFlags;
  /** The last thing that was done, for whoever leaves. */
  note(step: "settings" | "pairing"): void;
}

/** A bot as far as it is known. */
interface Begun {
  tokens: Record<string, SecretRef>;
  /** The bot's own token itself, once it is there. */
  value: string | undefined;
  adapter: string | undefined;
  /** The lines of the guide that were shown. */
  steps: number;
}

/** Asks for a bot until there is one that works, and writes it down. @returns its name in settings. */
export async function askBot(prompt: Prompt, deps: ConnectDeps): Promise<string | undefined> {
  const { flags } = deps;
  const platform = platformOf(flags.type);
  const begun: Begun = { tokens: {}, value: undefined, adapter: undefined, steps: 0 };
  if (platform.tokens.some(({ key }) => flags.tokens[key] === undefined)) {
    prompt.say(`How to get a ${platform.label} bot:`);
    await showPaper(prompt, { platform, begun, deps });
  }
  for (const token of platform.tokens) {
    if (!(await provide(prompt, { token, begun, deps }))) return undefined;
  }
  return begun.adapter;
}

/** The first steps, with the file that is handed in there. */
async function showPaper(
  prompt: Prompt,
  { platform: { guide, paper }, begun, deps }: { platform: Platform; begun: Begun; deps: ConnectDeps },
): Promise<void> {
  sayGuide(prompt, { lines: guide, begun });
  if (paper === undefined) return;
  const path = await writePaper(paper, deps.places);
  prompt.say(`The ${paper.option} is ${path}`);
  if (!(await prompt.yes(`Show the ${paper.option} here, to copy it?`, false))) return;
  // Folded lines would be no text that one can paste.
  deps.io.out(`${await paperText(paper)}\n`);
}

/** Numbered through all that is to be done. */
function sayGuide(prompt: Prompt, { lines, begun }: { lines: readonly string[]; begun: Begun }): void {
  if (lines.length === 0) return;
  prompt.say(lines.map((line, index) => `${begun.steps + index + 1}  ${line}`).join("\n"));
  begun.steps += lines.length;
}

/** One token, asked for until one works or the person wants it so. @returns false when they do without. */
async function provide(
  prompt: Prompt,
  { token, begun, deps }: { token: PlatformToken; begun: Begun; deps: ConnectDeps },
): Promise<boolean> {
  const { places, flags } = deps;
  const { label } = platformOf(flags.type);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  let given = flags.tokens[token.key];
  if (given === undefined) sayGuide(prompt, { lines: token.guide, begun });
  for (;;) {
    const ref = given ?? (await askToken(prompt, { token, config }));
    given = undefined;
    const text = secretOf(ref, config);
    if (text instanceof Failure) {
      prompt.say(failureText(text));
      continue;
    }
    if (!token.fits(text)) {
      prompt.say(`This has not the form of a ${token.label} of ${label}: ${token.form}`);
      continue;
    }
    begun.tokens[token.key] = ref;
    begun.value ??= text;
    const isOwn = token === platformOf(flags.type).tokens[0];
    const outcome = await tryToken(prompt, { token, begun: isOwn ? { ...begun, value: text } : begun, config, deps });
    if (outcome === "later") return false;
    if (outcome === "anew") continue;
    if (isOwn) begun.value = text;
    begun.adapter = outcome.adapter;
    return true;
  }
}

/** A token, or where it is. */
export async function askToken(
  prompt: Prompt,
  { token, config }: { token: PlatformToken; config: Config },
): Promise<SecretRef> {
  const name = variableOf(token, config.environment);
  if (name !== undefined) {
    const source = await prompt.choose(`Where is the ${token.label}?`, [
      { value: "found", label: `In ${name}, as it is set now` },
      { value: "paste", label: "I paste it here (kept in settings.json, readable by you alone)" },
    ] as const);
    if (source === "found") return { env: name };
  }
  return await prompt.secret(token.label.replace(/^./, (first) => first.toUpperCase()));
}

/** Tries what is there so far; the settings are written when it works, or when the person wants it so. */
async function tryToken(
  prompt: Prompt,
  { token, begun, config, deps }: { token: PlatformToken; begun: Begun; config: Config; deps: ConnectDeps },
): Promise<{ adapter: string } | "anew" | "later"> {
  const { places, flags } = deps;
  const { adapter, patch } = botPatch({ ...flags, tokens: begun.tokens, value: begun.value ?? "" }, config);
  for (;;) {
    prompt.progress(`Asking ${platformOf(flags.type).label} …`);
    const inspection = await prompt.during(async () =>
      inspectBot(await rehearse(places, patch), { adapter, places, only: token.key }),
    );
    prompt.progress(undefined);
    const keep = async () => {
      await keepSettings(places.settings, patch);
      deps.note("settings");
      prompt.say(`Wrote ${places.settings}`);
      return { adapter };
    };
    const [worst] = hindrances(inspection);
    if (worst === undefined) {
      sayFound(prompt, { inspection, token });
      return await keep();
    }
    prompt.say(remarkText(worst));
    const again = { value: "again", label: "Try again" } as const;
    const anew = { value: "anew", label: `Give another ${token.label}` } as const;
    const next = await prompt.choose("What now?", [
      ...(worst.fix === undefined ? [] : [{ value: "fix", label: "Remove the webhook" } as const]),
      // The same wrong token is as wrong again: what helps stands first.
      ...(worst.about === "token" ? [anew, again] : [again, anew]),
      ...(worst.about === "token" ? [] : [{ value: "keep", label: "Keep it as it is, and go on" } as const]),
      { value: "later", label: "Do without it now" } as const,
    ]);
    if (next === "anew" || next === "later") return next;
    if (next === "keep") return await keep();
    if (next === "fix") await mend(prompt, worst);
  }
}

/** Whose token it is, or that it does what it is for. */
function sayFound(prompt: Prompt, { inspection, token }: { inspection: Inspection; token: PlatformToken }): void {
  const { self } = inspection;
  prompt.say(self === undefined ? `The ${token.label} works` : `This is ${self.name}: ${self.link()}`);
  for (const note of notes(inspection)) prompt.say(note);
}

/** Does what a remark offers, and says what came of it. */
export async function mend(prompt: Prompt, { fix }: Remark): Promise<void> {
  try {
    const done = await fix?.();
    if (done !== undefined) prompt.say(`Done: ${done}`);
  } catch (error) {
    prompt.say(failureText(failureData(error)));
  }
}
