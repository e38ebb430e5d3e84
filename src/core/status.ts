// What the running instance says of itself over the control socket.
import type { SessionId, TurnId } from "./ids.ts";

/** The answer of `/v1/status`. Times are Unix milliseconds. */
export interface StatusReport {
  version: string;
  protocol: number;
  pid: number;
  startedAt: number;
  /** True for a terminal chat that runs the agent by itself. */
  alone: boolean;
  stateDir: string;
  workspace: string;
  model: string;
  demo: boolean;
  sandbox: { kind: string; isolation: string; works: boolean; reason?: string; hint?: string };
  adapters: {
    name: string;
    type: string;
    state: "connected" | "connecting" | "down";
    reason?: string;
    self?: string;
  }[];
  turns: { turn: TurnId; session: SessionId; title: string; startedAt: number; doing: string }[];
  waiting: number;
  /** Background commands. */
  commands: { scope: string; pid: number; command: string; startedAt: number }[];
  memoryBytes: number;
  notices: string[];
}

/** What a stop did: nothing of it is assumed, all of it was observed. */
export interface StopReport {
  /** Turns that ended by themselves while it waited. */
  drained: TurnId[];
  /** Turns that were cut off; they go on at the next start. */
  interrupted: TurnId[];
  killed: { pid: number; command: string }[];
  survivors: { pid: number; command: string }[];
  ms: number;
}
