// One platform with the program behind it, and what the tests of the contract ask of both.
import type { Member, Platform, Seen, Where, Who } from "./platform.ts";
import { eventually, type Program, quiet, startProgram } from "./program.ts";

/** Words that no part of the program says by itself. */
export const word = (text: string) => `<<${text}>>`;
export const answerTo = (text: string) => `You said: ${text}`;

/** One platform with the program behind it, and what the tests ask of both. */
export interface Scene extends AsyncDisposable {
  platform: Platform;
  program: Program;
  /** What the agent said in a place, oldest first. */
  mine(where?: Where, by?: Who): Seen[];
  /** Waits until the agent has said it. */
  shown(text: string, where?: Where, by?: Who): Promise<void>;
  count(text: string, where?: Where): number;
  /** Waits until the adapter is connected. */
  up(): Promise<void>;
  /** Waits until nothing runs and nothing waits, and a moment longer. */
  idle(): Promise<void>;
}

export async function openScene(member: Member): Promise<Scene> {
  const platform = await member.open();
  const adapter = platform.settings === undefined ? member.name : "it";
  const program = await startProgram({ [adapter]: platform }, { example: member.example });
  const health = () =>
    program
      .app()
      .status()
      .adapters.find((found) => found.name === adapter);
  const mine: Scene["mine"] = (where = "direct", by = "owner") => platform.seen(where, by).filter((one) => one.mine);
  const text = (where?: Where, by?: Who) =>
    mine(where, by)
      .map((one) => one.text)
      .join("\n");
  const scene: Scene = {
    platform,
    program,
    mine,
    shown: (wanted, where, by) =>
      eventually(
        () => text(where, by).includes(wanted),
        () => `${JSON.stringify(wanted)} in ${JSON.stringify(platform.seen(where ?? "direct", by))}\n${program.log()}`,
      ),
    count: (wanted, where) => text(where).split(wanted).length - 1,
    up: () =>
      eventually(
        () => health()?.state === "connected",
        () => `it connects: ${JSON.stringify(health())}`,
      ),
    async idle() {
      await eventually(() => {
        const { turns, waiting } = program.app().status();
        return turns.length === 0 && waiting === 0;
      }, "nothing runs");
      await quiet();
    },
    async [Symbol.asyncDispose]() {
      await program.close();
      await platform.close();
    },
  };
  await scene.up();
  return scene;
}

/** Waits for a message of the agent with buttons. */
export async function withButton(now: () => Scene, where: Where): Promise<Seen> {
  const find = () =>
    now()
      .mine(where)
      .findLast(({ buttons }) => buttons.length > 0);
  await eventually(
    () => find() !== undefined,
    () => `buttons: ${JSON.stringify(now().mine(where))}`,
  );
  await quiet();
  const found = find();
  if (found === undefined) throw new Error("The buttons are gone");
  return found;
}
