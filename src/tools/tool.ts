// The contract of the family: one thing that the agent can do.
import type * as v from "valibot";
import type { ImagePart, TextPart } from "../core/transcript.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** What a tool call knows of its turn and may do to the world. */
export interface ToolContext {
  sandbox: Sandbox;
  /** For `Command.scope`: dies with the turn. */
  scope: string;
  /** For background commands: dies with the session. */
  sessionScope: string;
  /** Aborted when the turn is stopped. */
  signal: AbortSignal;
  /** Shows progress; may be called often. */
  output(text: string): void;
  /** Copies a file out of the sandbox and hands it to the chat. */
  attach(file: { name: string; bytes: Uint8Array; caption?: string }): Promise<void>;
  /**
   * Where cut-off output goes: stores `bytes`, at once or as they come, and returns a path by which commands
   * inside can read the file and add to it.
   */
  spill(name: string, bytes: Uint8Array | AsyncIterable<Uint8Array>): Promise<string>;
  /** Adds to or replaces MEMORY.md, of the workspace or of this conversation. */
  memory: {
    read(scope: "workspace" | "conversation"): Promise<string>;
    append(scope: "workspace" | "conversation", line: string): Promise<void>;
    /** Puts `text` where `old` stands, once; an empty `text` takes it out. */
    replace(scope: "workspace" | "conversation", change: { old: string; text: string }): Promise<void>;
  };
  /** Writes an event file for this conversation; the answer says when it will run. */
  schedule: {
    add(event: ScheduleRequest): Promise<{ file: string; next: string }>;
    list(): Promise<{ file: string; text: string; next: string }[]>;
    cancel(file: string): Promise<boolean>;
  };
}

/** `at` is ISO 8601 with offset; `schedule` is a 5-field cron line with an IANA `timezone`. */
export type ScheduleRequest =
  | { type: "one-shot"; text: string; at: string }
  | { type: "periodic"; text: string; schedule: string; timezone: string };

/** `ok: false` tells the model that it failed; the content says why. */
export interface ToolResult {
  ok: boolean;
  content: (TextPart | ImagePart)[];
}

/** One tool. `schema` is the parameters' valibot schema; the JSON Schema for the model comes from it. */
export interface Tool<Schema extends v.GenericSchema = v.GenericSchema> {
  name: string;
  /** For the model. */
  description: string;
  schema: Schema;
  /**
   * What it changes, so that it needs a recorded grant or somebody's word: something `inside` the sandbox, or something
   * `lasting` that others see and that runs later. Without it the tool only looks.
   */
  effect?: "inside" | "lasting";
  /** True for arguments by which something goes on after the turn. */
  outlasts?(input: v.InferOutput<Schema>): boolean;
  /** One short line for people: `$ ls -la`, `read notes.md`. */
  title(input: v.InferOutput<Schema>): string;
  /** @throws Failure for what the model can do something about (code `tool` for the tool's own); anything else is told as an internal error. */
  run(input: v.InferOutput<Schema>, context: ToolContext): Promise<ToolResult>;
}

/** Declares a tool with its parameter types inferred from the schema. */
export function defineTool<Schema extends v.GenericSchema>(tool: Tool<Schema>): Tool {
  return tool;
}

/** A result of plain text. */
export function textResult(text: string, ok = true): ToolResult {
  return { ok, content: [{ type: "text", text }] };
}
