// Completion of commands after a slash, and the reading of a typed line as a command.
import type { ChatCommand } from "../../core/frame.ts";

/** Commands of the screen itself. */
export const localCommands: readonly ChatCommand[] = [
  { name: "quit", summary: "leave the chat; what runs goes on" },
  { name: "exit", summary: "the same as /quit" },
];

/** What a line means. `unknown`: it looks like a command, and the instance has none of that name. */
export type Meaning =
  | { kind: "text" }
  | { kind: "command"; name: string; args: string }
  | { kind: "local"; name: string }
  | { kind: "unknown"; name: string; near: string | undefined };

/** The commands that go on from `before`, the text before the cursor; none unless it is a slash and a part of a name. */
export function candidates(before: string, commands: readonly ChatCommand[]): ChatCommand[] {
  const typed = /^\/(\S*)$/.exec(before)?.[1]?.toLowerCase();
  if (typed === undefined) return [];
  const all = [...commands, ...localCommands].filter((command) => command.name.startsWith(typed));
  return all.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** What all names begin with. */
export function commonStart(names: readonly string[]): string {
  const [first = "", ...others] = names;
  let length = first.length;
  for (const other of others) {
    while (!other.startsWith(first.slice(0, length))) length -= 1;
  }
  return first.slice(0, length);
}

/** Reads a line. A path such as `/usr/bin` is text; so is everything of more than one line that is no command. */
export function meaning(line: string, commands: readonly ChatCommand[]): Meaning {
  const match = /^\/(\S+)(?:\s+([\s\S]*))?$/.exec(line.trim());
  const name = match?.[1]?.toLowerCase();
  if (match === null || name === undefined) return { kind: "text" };
  if (commands.some((command) => command.name === name)) {
    return { kind: "command", name, args: match[2]?.trim() ?? "" };
  }
  if (localCommands.some((command) => command.name === name)) return { kind: "local", name };
  if (!/^[a-z][a-z-]*$/.test(name)) return { kind: "text" };
  const names = [...commands, ...localCommands].map((command) => command.name);
  const near = names.find((other) => isNear(name, other));
  // "/tmp is full" is said to the agent: a sentence that begins with a path.
  if (near === undefined && match[2] !== undefined) return { kind: "text" };
  return { kind: "unknown", name, near };
}

/** What a person is told who typed a command that there is not. */
export function unknownText({ name, near }: Extract<Meaning, { kind: "unknown" }>): string {
  const hint = near === undefined ? "/help shows all of them" : `did you mean /${near}?`;
  return `There is no command "/${name}": ${hint}`;
}

/** One letter added, left out, changed, or two exchanged. */
function isNear(a: string, b: string): boolean {
  if (Math.abs(a.length - b.length) > 1) return false;
  let start = 0;
  while (start < Math.min(a.length, b.length) && a[start] === b[start]) start += 1;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const exchanged = restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1) || exchanged;
}
