// What goes to the page: one item for each thing that it shows, as JSON.

/** Markdown as a tree (`Node[]` of adapters/markdown.ts); the page draws it. */
export type Blocks = readonly object[];

/** A file that came or went; `ref` is where it is had from, none when it was not kept. */
export interface ShownFile {
  name: string;
  bytes?: number;
  ref?: string;
  image?: boolean;
  problem?: string;
}

interface ItemBase {
  /** Its place in the branch, by which more is asked for. */
  id: string;
  /** Unix milliseconds. */
  at: number;
  /** `S001`: whose it is, where a branch goes through several sessions. */
  session: string;
  turn?: number;
  /** Only what was said is still known of its turn. */
  old?: true;
}

/** What an item shows. Texts are plain, without secrets. */
export type Content = { /** More of it can be asked for by itself. */ cut?: true } & (
  | { kind: "said"; from: string; text: string; schedule?: string; files?: ShownFile[] }
  | { kind: "answer"; blocks: Blocks }
  /** Without `ok` it is still running. */
  | { kind: "call"; name: string; title: string; input: string; ok?: boolean; ms?: number; output?: string }
  | { kind: "file"; file: ShownFile; text?: string }
  | { kind: "question"; blocks: Blocks; state: string }
  | { kind: "compacted"; before: number; after?: number; blocks?: Blocks }
  | { kind: "note"; text: string }
  | { kind: "ended"; outcome: string; tokens: number; costUsd: number; ms?: number; text?: string }
);

/** One item. */
export type Item = ItemBase & Content;

/** A page of items, oldest first. `older` and `newer` say where to go on; null: nothing is there. */
export interface ItemPage {
  items: Item[];
  older: string | null;
  newer: string | null;
  /** The newest place that was looked at; behind it the live stream goes on. */
  last: string | null;
}

/** What stands above the timeline. */
export interface About {
  session: string;
  title: string;
  agent: string;
  model: string;
  running: boolean;
  createdAt: number;
  expiresAt: number;
  parent?: { session: string; title: string };
  forks: { session: string; title: string }[];
}

/** What a session used in all. */
export interface Used {
  turns: number;
  tokens: number;
  costUsd: number;
}
