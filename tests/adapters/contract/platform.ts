// What the contract suite needs of a platform: people who act, the agent's side as they see it, and the line between.
import type { Adapter, AdapterDeps } from "../../../src/adapters/adapter.ts";
import type { AdapterSchema } from "../../../src/config/schema.ts";

/** A person of the suite. `owner` is in the adapter's `admins`, `guest` is nobody. */
export type Who = "owner" | "guest";

/** Where they are: alone with the agent, or together in a room where others are too. */
export type Where = "direct" | "room";

/** What somebody writes. */
export interface Words {
  by?: Who;
  in?: Where;
  /** Addresses the agent by its name. */
  mention?: boolean;
  /** Answers this message, or stands in the thread below it. */
  replyTo?: string;
  thread?: string;
  file?: { name: string; bytes: Uint8Array };
}

/** A message as people see it now. */
export interface Seen {
  id: string;
  text: string;
  /** Labels of its buttons. */
  buttons: string[];
  files: { name: string; bytes: Uint8Array }[];
  /** The message in whose thread it stands. */
  thread?: string;
  /** The agent wrote it. */
  mine: boolean;
  /** How often it was changed. */
  edits: number;
}

/** What a platform, or this fake of it, has; a test that needs what is not there is not made. */
export interface Abilities {
  /** Rooms, with people who are nobody to the agent. */
  rooms: boolean;
  /** Threads below a message (not topics, which are places). */
  threads: boolean;
  replies: boolean;
  edits: boolean;
  /** The agent hears that a message was taken away. */
  removals: boolean;
  reactions: boolean;
  buttons: boolean;
  /** Its own way to call a chat command. */
  commands: boolean;
  files: boolean;
  /** It can be away for a while, and people write all the same. */
  outages: boolean;
  /** It has a form of its own for bold words and the like; else the markdown is shown by whoever reads. */
  markup: boolean;
}

/** An adapter that is handed to the program instead of its own. */
export interface Example {
  schema: AdapterSchema;
  // Settings of the type that the schema makes.
  open(settings: never, deps: AdapterDeps): Adapter;
}

/** One platform of the suite. */
export interface Member {
  name: string;
  can: Abilities;
  /** What top-level messages of a room share: one session, or each has its own. */
  roomSession: "one" | "each";
  /** What a thread is to the session around it: it goes on with it, or forks it. */
  thread?: "same" | "fork";
  /** Longest text of one message, in UTF-16 units. */
  textMax: number;
  /** Least time between two edits of a message that the platform likes, in milliseconds. */
  editEveryMs: number;
  /** A member that does not stand in the program's table. */
  example?: Example;
  open(): Promise<Platform>;
}

/** A platform with the agent, the owner and a guest on it. Nothing here waits for the agent. */
export interface Platform {
  /** The adapter's settings, without `admins`; none for a door that is always there. */
  settings?: Record<string, unknown>;
  ownerId: string;
  /** The program runs on this state folder from now on. */
  started?(stateDir: string): void;
  /** @returns the message's id. */
  say(text: string, words?: Words): Promise<string>;
  edit(id: string, text: string, words?: Words): Promise<void>;
  remove(id: string, words?: Words): Promise<void>;
  react(id: string, words?: Words): Promise<void>;
  press(id: string, label: string, words?: Words): Promise<void>;
  command(name: string, args: string, words?: Words): Promise<void>;
  /** Another bot says something to ours in the room. */
  botSays(text: string): Promise<void>;
  /** Messages in a place, oldest first; those that `by` alone sees are among them. */
  seen(where: Where, by?: Who): Seen[];
  /** What the agent heard already comes once more, with the next event or before it. */
  repeat(): void;
  /** Ends the connection now; the agent may come back at once. */
  cut(): Promise<void>;
  /** Nothing goes through until it is called with true. */
  reachable(yes: boolean): Promise<void>;
  /** Connections that the agent holds open. */
  connections(): number;
  close(): Promise<void>;
}
