// What an answer looks like in a chat: the texts of a turn in order, with as much of its tools' work as is wanted.
import type { FailureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import type { Material } from "../../store/deliveries.ts";

/** How much of the tools' work a chat shows. */
export type ToolOutput = "none" | "summary" | "full";

/** One thing in an answer. */
export type Block =
  | { text: string }
  | { call: string; title: string; state: "runs" | "ok" | "failed" | "stopped"; output: string };

/** The stored part of an answer. */
export function blocksOf(material: readonly Material[]): Block[] {
  const blocks: Block[] = [];
  for (const { type, step, call, title, ok, text } of material) {
    if (type === "message") blocks.push({ text });
    else if (step === "start") blocks.push({ call: call ?? "", title: title ?? "", state: "runs", output: "" });
    else if (step === "end") endCall(blocks, { call: call ?? "", ok, output: text });
  }
  return blocks;
}

/** The newest call of that name that runs is over. */
export function endCall(blocks: Block[], { call, ok, output }: { call: string; ok: boolean; output: string }): void {
  const index = blocks.findLastIndex((block) => "call" in block && block.call === call && block.state === "runs");
  const block = blocks[index];
  if (block !== undefined && "call" in block) blocks[index] = { ...block, state: ok ? "ok" : "failed", output };
}

/** What ended with the turn, when a person stopped it, did not fail: the last line of the answer says what became of it. */
export function markStopped(blocks: Block[]): void {
  for (let index = blocks.length - 1; index >= 0; index -= 1) {
    const block = blocks[index];
    if (block === undefined || ("text" in block && block.text.trim() !== "")) return;
    if ("call" in block && block.state === "failed") blocks[index] = { ...block, state: "stopped" };
  }
}

/** True when nothing was said. */
export function isSilent(blocks: readonly Block[]): boolean {
  return blocks.every((block) => "call" in block || block.text.trim() === "");
}

/** The answer as markdown: texts with a blank line between them, tool lines as wanted. */
export function compose(blocks: readonly Block[], toolOutput: ToolOutput): string {
  const shown: string[] = [];
  let calls: (Block & { call: string })[] = [];
  const flush = () => {
    if (calls.length > 0) shown.push(toolOutput === "full" ? calls.map(inFull).join("\n\n") : inOneLine(calls));
    calls = [];
  };
  for (const block of blocks) {
    if ("call" in block) {
      if (toolOutput !== "none" && block.state !== "runs") calls.push(block);
    } else if (block.text.trim() !== "") {
      flush();
      shown.push(block.text.trim());
    }
  }
  flush();
  return shown.join("\n\n");
}

/** The outputs of an answer's calls, one message each: for the thread below it. Of many, the first. */
export function detailsOf(blocks: readonly Block[]): string[] {
  const calls = blocks.filter(
    (block) => "call" in block && block.state !== "runs" && block.output.trim() !== "",
  ) as Call[];
  const left = calls.length - limits.detailsMax;
  const shown = calls.slice(0, limits.detailsMax).map(inFull);
  return left <= 0 ? shown : [...shown, left === 1 ? "One more is not shown." : `${left} more are not shown.`];
}

/** What is being done right now, for the end of a forming answer; empty when nothing runs. */
export function doing(blocks: readonly Block[]): string {
  const running = blocks.filter((block) => "call" in block && block.state === "runs") as (Block & { title: string })[];
  const newest = running.at(-1);
  if (newest === undefined) return "";
  return `${small}${code(newest.title)} …${running.length > 1 ? ` and ${running.length - 1} more` : ""}`;
}

/** A failed end in words: what happened, and what the person can do. */
export function failureLines({ message, hint }: FailureData): string {
  return [message, ...(hint === undefined ? [] : [hint])].map(sentence).join("\n\n");
}

/** The end of a long turn as the phone shows it. */
export function bellText(outcome: "done" | "failed", text: string): string {
  const word = outcome === "done" ? "Done" : "Failed";
  const plain = excerpt(text.slice(0, limits.bellCharsMax * 4).replace(/[*_`#>~[\]]/g, ""), limits.bellCharsMax);
  return plain === "" ? `${word}.` : `${word}: ${plain}`;
}

function sentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

/** Makes a paragraph a small one, where a platform has such. */
const small = "-# ";

type Call = Block & { call: string };

function inOneLine(calls: readonly Call[]): string {
  const named = calls.slice(0, limits.toolLinesShownMax).map(nameOf);
  const left = calls.length - named.length;
  return `${small}${[...named, ...(left > 0 ? [`${left} more`] : [])].join(" · ")}`;
}

function inFull(call: Call): string {
  if (!("output" in call) || call.output.trim() === "") return nameOf(call);
  const output = call.output.slice(0, limits.toolOutputShownCharsMax).toWellFormed();
  const fence = "`".repeat(Math.max(3, ...[...output.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${nameOf(call)}\n${fence}\n${output}${output.length < call.output.length ? "\n…" : ""}\n${fence}`;
}

function nameOf(call: Call): string {
  if (!("title" in call)) return "";
  return `${code(call.title)}${call.state === "failed" ? " (failed)" : ""}`;
}

/** A title is what a model wrote: nothing in it is markup. */
function code(title: string): string {
  return `\`${excerpt(title.replaceAll("`", "'"), limits.deliveryNameCharsMax)}\``;
}
