// The bot's own menu of commands: for everybody in private, for those who may do all, and a short one for groups.
import { createHash } from "node:crypto";
import type { Api } from "grammy";
import type { BotCommandScope } from "grammy/types";
import { excerpt } from "../../core/words.ts";
import type { AdapterDeps, MenuCommand } from "../adapter.ts";
import { reasonOf } from "./errors.ts";

/** What is useful before an audience. */
const groupCommands = ["help", "new", "stop", "status"];
/** Telegram's own bounds. */
const commandsMax = 100;
const summaryCharsMax = 256;
const chatsMax = 20;

interface Menu {
  /** Under which its form is noted. */
  key: string;
  scope: BotCommandScope;
  commands: { command: string; description: string }[];
}

/** Keeps the menus as they should be; what is so already is not set again. */
export function createMenu({
  api,
  ...deps
}: Pick<AdapterDeps, "commands" | "admins" | "memory" | "log"> & { api(): Api }) {
  const setOne = async ({ key, scope, commands }: Menu): Promise<void> => {
    const form = JSON.stringify(commands);
    const mark = digest(form);
    if (deps.memory.get(key) === mark) return;
    try {
      await api().setMyCommands(commands, { scope });
      deps.memory.set(key, mark);
    } catch (error) {
      // A person who never wrote has no chat; the menu comes with a later start.
      deps.log.info("A menu was not set", { menu: key, error: reasonOf(error) });
    }
  };
  let known: { bot: number; admins: string } | undefined;
  /** Sets what changed since the last time. What Telegram refuses is logged. */
  const update = async (bot: number): Promise<void> => {
    known = { bot, admins: deps.admins().join() };
    for (const menu of menusOf(deps, bot)) await setOne(menu);
  };
  return {
    update,
    /** The same, when others may do all than the last time: somebody was paired, perhaps. */
    async refresh(): Promise<void> {
      if (known !== undefined && known.admins !== deps.admins().join()) await update(known.bot);
    },
  };
}

function menusOf({ commands, admins }: Pick<AdapterDeps, "commands" | "admins">, bot: number): Menu[] {
  const all = entriesOf(commands);
  const key = (name: string) => `menu-${bot}-${name}`;
  const members = commands.filter(({ ownerOnly }) => !ownerOnly);
  const few = commands.filter(({ name }) => groupCommands.includes(name));
  const chats = [...new Set(admins())].filter((id) => /^[1-9]\d{0,15}$/.test(id)).slice(0, chatsMax);
  return [
    { key: key("private"), scope: { type: "all_private_chats" }, commands: entriesOf(members) },
    { key: key("groups"), scope: { type: "all_group_chats" }, commands: entriesOf(few) },
    ...chats.map((id): Menu => ({ key: key(id), scope: { type: "chat", chat_id: Number(id) }, commands: all })),
  ];
}

/** Names as Telegram takes them: what has a dash here has an underscore there, and `inbound.ts` turns it back. */
function entriesOf(commands: readonly MenuCommand[]): Menu["commands"] {
  return commands
    .map(({ name, summary }) => ({
      command: name.replaceAll("-", "_"),
      description: excerpt(summary, summaryCharsMax),
    }))
    .filter(({ command, description }) => /^[a-z0-9_]{1,32}$/.test(command) && description !== "")
    .slice(0, commandsMax);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
