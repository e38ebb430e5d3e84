// Every path of a workspace in one place.
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, renameSync } from "node:fs";
import { basename, isAbsolute, join, relative } from "node:path";
import { assert } from "../core/assert.ts";
import { folderName } from "./names.ts";

/** What belongs to one conversation. Absolute host paths. */
export interface ConversationLayout {
  root: string;
  memory: string;
  log: string;
  attachments: string;
  scratch: string;
  skills: string;
}

/** What belongs to one agent. Absolute host paths. */
export interface AgentLayout {
  root: string;
  memory: string;
  skills: string;
}

/** The places of a workspace. Absolute host paths; nothing is made before `prepare…`. */
export interface Layout {
  root: string;
  memory: string;
  system: string;
  skills: string;
  events: string;
  /** Below it are the conversations, by adapter. */
  channels: string;
  agent(folder: string): AgentLayout;
  conversation(adapter: string, id: string): ConversationLayout;
  /** Makes the shared folders. */
  prepare(): Promise<void>;
  /** Makes a conversation's folders and returns their places. What stands in the way of one is moved aside. */
  prepareConversation(adapter: string, id: string): Promise<ConversationLayout>;
  /** Its places as they are: prepared only when its agent locked what is read for a prompt; a new one has no folders yet. */
  mendConversation(adapter: string, id: string): Promise<ConversationLayout>;
  /** The path below the workspace, with `/`: what is stored, and what is joined to a sandbox's `root`. */
  below(path: string): string;
}

/** How it may differ. */
export interface LayoutOptions {
  /** The id by which the folder of a conversation is named: one that got another id keeps its folder. */
  folderOf?(adapter: string, id: string): string;
}

/** The layout of the workspace at `root` (an absolute path). */
export function createLayout(root: string, { folderOf = (_adapter, id) => id }: LayoutOptions = {}): Layout {
  assert(isAbsolute(root), "A workspace has an absolute path");
  const channels = join(root, "channels");
  const conversation = (adapter: string, id: string): ConversationLayout => {
    const own = join(channels, folderName(adapter), folderName(folderOf(adapter, id)));
    return {
      root: own,
      memory: join(own, "MEMORY.md"),
      log: join(own, "log.jsonl"),
      attachments: join(own, "attachments"),
      scratch: join(own, "scratch"),
      skills: join(own, "skills"),
    };
  };
  const layout: Layout = {
    root,
    memory: join(root, "MEMORY.md"),
    system: join(root, "SYSTEM.md"),
    skills: join(root, "skills"),
    events: join(root, "events"),
    channels,
    agent(folder) {
      const own = join(root, "agents", folderName(folder));
      return { root: own, memory: join(own, "MEMORY.md"), skills: join(own, "skills") };
    },
    conversation,
    prepare: async () => makeFolders([root, layout.skills, layout.events, join(root, "agents"), channels]),
    async prepareConversation(adapter, id) {
      const own = conversation(adapter, id);
      makeFolders([own.root]);
      // Its agent may do this to it, and must not be locked out for ever.
      if (!isUsable(own.root)) chmodSync(own.root, 0o700);
      const folders = [own.attachments, own.scratch, own.skills];
      for (const folder of folders) moveAside(folder);
      makeFolders(folders);
      return own;
    },
    async mendConversation(adapter, id) {
      const own = conversation(adapter, id);
      const locked = [own.root, own.skills].some((path) => isThere(path) && !isUsable(path));
      return locked ? layout.prepareConversation(adapter, id) : own;
    },
    below(path) {
      const inside = relative(root, path);
      assert(!inside.startsWith("..") && !isAbsolute(inside), "The path is below the workspace");
      return inside.split("\\").join("/");
    },
  };
  return layout;
}

/** What others of this machine may not read: everything. At once: a wait for each would cost more than the making. */
function makeFolders(paths: string[]): void {
  for (const path of paths) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
      mkdirSync(path, { recursive: true, mode: 0o700 });
  }
}

/**
 * Agents can write around their conversation's folders: a link, a pipe, a file or a folder that nobody may enter is kept
 * as `scratch.aside-…`, a name that nobody can have taken before.
 */
function moveAside(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || isUsable(path)) return;
  const aside = mkdtempSync(`${path}.aside-`);
  // A folder without rights can only take an empty one's place: moved into another, it would have to be written.
  renameSync(path, found.isDirectory() ? aside : join(aside, basename(path)));
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** A real folder that its owner may read, write and enter. */
function isUsable(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && (found.mode & 0o700) === 0o700;
}
