// The slash commands in Discord's own menu: set when their list is another one than the last time.
import { createHash } from "node:crypto";
import * as v from "valibot";
import { excerpt } from "../../core/words.ts";
import type { AdapterDeps, MenuCommand } from "../adapter.ts";
import type { Client } from "./client.ts";
import { reasonOf } from "./errors.ts";

/** Discord's own bounds: docs.discord.com/developers/interactions/application-commands. */
const commandsMax = 100;
const textMax = 100;
const nameForm = /^[-_a-z0-9]{1,32}$/;

/** The option that holds everything behind a command's name. */
export const argsOption = "args";
/** The command whose argument is a model's name. */
export const modelCommand = "model";

/** Scope → digest of what was set there; the global scope has no name. */
const noteSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string()));

/** Sets the menu of an application, in the servers that are given or everywhere. What Discord refuses is logged. */
export async function setMenu(
  {
    client,
    commands,
    memory,
    log,
  }: Pick<AdapterDeps, "commands" | "memory" | "log"> & { client: Pick<Client, "call"> },
  { application, guilds }: { application: string; guilds: readonly string[] | undefined },
): Promise<void> {
  const key = `menu-${application}`;
  const noted = v.safeParse(noteSchema, memory.get(key));
  const before = noted.success ? noted.output : {};
  const entries = entriesOf(commands);
  const wanted = new Map((guilds ?? [""]).map((scope) => [scope, entries] as const));
  // Where they were set once and are not wanted any more, they would stand twice in the menu.
  for (const scope of Object.keys(before)) if (!wanted.has(scope)) wanted.set(scope, []);
  for (const [scope, list] of wanted) {
    const mark = list.length === 0 ? undefined : digest(JSON.stringify(list));
    if (mark === before[scope]) continue;
    const route = scope === "" ? "" : (`/guilds/${scope}` as const);
    try {
      await client.call({ method: "PUT", route: `/applications/${application}${route}/commands`, body: list });
    } catch (error) {
      log.warn("Cannot set the slash commands", { ...(scope === "" ? {} : { server: scope }), error: reasonOf(error) });
      continue;
    }
    if (mark === undefined) delete before[scope];
    else before[scope] = mark;
    memory.set(key, JSON.stringify(before));
  }
}

function entriesOf(commands: readonly MenuCommand[]) {
  return commands
    .filter(({ name, summary }) => nameForm.test(name) && summary.trim() !== "")
    .slice(0, commandsMax)
    .map(({ name, summary, args }) => ({
      type: 1,
      name,
      description: excerpt(summary, textMax),
      // In servers and in direct messages with the bot; not where somebody brought it along.
      contexts: [0, 1],
      integration_types: [0],
      ...(args === undefined
        ? {}
        : {
            options: [
              {
                type: 3,
                name: argsOption,
                description: excerpt(args, textMax),
                required: false,
                ...(name === modelCommand ? { autocomplete: true } : {}),
              },
            ],
          }),
    }));
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
