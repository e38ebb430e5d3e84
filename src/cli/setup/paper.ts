// What one pastes at a platform to make a bot there: printed, or written beside the settings.
import { join } from "node:path";
import type { Platform } from "../../adapters/inspection.ts";
import { writeAtomic } from "../../sys/atomic.ts";
import type { Places } from "../places.ts";

type Paper = NonNullable<Platform["paper"]>;

/** The text, with the commands that this program has. */
export async function paperText({ text }: Paper): Promise<string> {
  const { commands } = await import("../../gateway/commands/index.ts");
  const shown = commands.filter(({ hidden }) => hidden !== true);
  return await text(
    shown.map(({ name, summary, args, ownerOnly = false }) => ({
      name,
      summary,
      ownerOnly,
      ...(args === undefined ? {} : { args }),
    })),
  );
}

/** Writes it into the state folder. @returns its path. */
export async function writePaper(paper: Paper, { stateDir }: Pick<Places, "stateDir">): Promise<string> {
  const path = join(stateDir, paper.name);
  await writeAtomic(path, await paperText(paper), { mode: 0o600 });
  return path;
}
