// The machine on which commands run: what really started, what is alive, and whether it was allowed to.
import type { Turn } from "../../src/harness/harness.ts";
import type { ProcessInfo, Sandbox } from "../../src/sandbox/sandbox.ts";
import type { Clock } from "../../src/sys/clock.ts";
import type { Chance } from "./chance.ts";
import type { Outside } from "./script.ts";
import type { Common, World } from "./world.ts";

/** Longest time that killing takes, in milliseconds. */
const killMsMax = 3_000;

/** The outside as the harness of one life reaches it. */
export function outsideOf(world: World, life: { dead(): boolean }): Outside {
  return {
    dead: life.dead,
    took(turn, sender, text) {
      if (!life.dead()) world.taken.push({ turn, sender, text });
    },
    start(call, turn) {
      if (life.dead()) return;
      const known = world.processes.get(call);
      if (known !== undefined) world.violate("no call starts twice", `${call} of turn ${turn.id}`);
      world.processes.set(call, { turn: turn.id, alive: true, starts: (known?.starts ?? 0) + 1 });
      world.counts.calls += 1;
      world.note(`${call} runs`);
      if (!isStored(world, { call, turn })) world.violate("a call is stored before it starts", call);
      if (!isGranted(world, { call, turn })) world.violate("no tool without a grant", call);
    },
    done(call) {
      const process = world.processes.get(call);
      if (process !== undefined && !life.dead()) process.alive = false;
    },
    keep(name) {
      const stored = `attachments/${name}`;
      if (!life.dead()) world.files.set(stored, new TextEncoder().encode("text"));
      return stored;
    },
  };
}

function isStored({ engine }: World, { call, turn }: { call: string; turn: Turn }): boolean {
  const sql =
    "SELECT 1 FROM events WHERE turn = ? AND type = 'tool' AND body ->> '$.call' = ? AND body ->> '$.step' = 'start'";
  return !engine.isOpen() && engine.rows(sql, turn.id, call).length > 0;
}

/** True when a row allows it: one for all calls of this session's requester, or one for this very call. */
function isGranted({ engine }: World, { call, turn }: { call: string; turn: Turn }): boolean {
  const sql = `SELECT 1 FROM approvals WHERE state = 'allowed' AND requester ->> '$.id' = ? AND
    ((kind = 'tools' AND session = ?) OR (kind = 'tool' AND turn = ? AND call = ?))`;
  return engine.rows(sql, turn.requester.id, turn.session.id, turn.id, call).length > 0;
}

/** The sandbox of one life. Killing takes a moment. `hasty`: it says so before it is true. */
export function sandboxOf(
  world: World,
  { clock, chance, hasty }: { clock: Clock; chance: Chance; hasty: boolean },
): Sandbox {
  const noFiles = () => Promise.reject(new Error("There are no files here"));
  const { processes, halting } = world;
  return {
    kind: "simulated",
    root: "/workspace",
    cwd: "/workspace",
    generation: 1,
    isolation: world.traits.open ? "none" : "bubblewrap",
    spawn: () => Promise.reject(new Error("Nothing is spawned here")),
    files: { read: noFiles, write: noFiles, list: async () => [] },
    async kill(scope) {
      const turn = Number(/^turn-(\d+)$/.exec(scope)?.[1] ?? -1);
      const found = [...processes].filter(([, process]) => process.turn === turn && process.alive);
      if (found.length === 0) return { killed: [], survivors: [] };
      halting.add(turn);
      const death = clock.sleep(chance.below(killMsMax)).then(() => {
        for (const [, process] of found) process.alive = false;
        halting.delete(turn);
        world.note(`turn ${turn}: everything of it is dead`);
      });
      if (!hasty) await death;
      return { killed: found.map(([call], n): ProcessInfo => ({ pid: 1_000 + n, command: call })), survivors: [] };
    },
    close: async () => undefined,
  };
}

/** Called for each text that people see: who says "stopped" must have waited until everything is dead. */
export function watchStopped(world: Common, { chat, text }: { chat: unknown; text: string }): void {
  if (world.halting.size === 0 || !/(?:^|\n)Stopped\./.test(text)) return;
  for (const turn of world.halting) {
    const [row] = world.engine.rows<{ place: string }>(
      "SELECT reply_to ->> '$.conversation.id' AS place FROM turns WHERE id = ?",
      turn,
    );
    if (row?.place === String(chat))
      world.violate("stopped is said after death", `turn ${turn} still has commands: ${JSON.stringify(text)}`);
  }
}
