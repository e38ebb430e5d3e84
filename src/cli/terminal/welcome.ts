// The first lines of a chat: where one is, what answers, what holds it, and how to go on.
import type { ChatState } from "../../core/frame.ts";
import { publicId } from "../../core/ids.ts";
import { dim, type Line, span, wrap } from "./style.ts";
import { cleanLine } from "./text.ts";

/** The welcome for `state`, wrapped to `columns`. */
export function welcome(options: { program: string; state: ChatState }, columns: number): Line[] {
  const { program, state } = options;
  const lines: Line[][] = [];
  lines.push(wrap([span(cleanLine(program), { bold: true, color: "cyan" }), span(`  ${modelText(state)}`)], columns));
  const facts = [`session ${sessionText(state)}`];
  if (state.folder !== null) facts.push(`folder ${state.folder}`);
  if (state.sandbox !== undefined) facts.push(`sandbox ${state.sandbox}`);
  lines.push(wrap([span(cleanLine(facts.join(" · ")), dim)], columns));
  if (state.confirm !== undefined) lines.push(wrap([span(cleanLine(state.confirm), { color: "yellow" })], columns));
  const demo = "The demo model answers from a script and thinks nothing: remoteagent setup connects a real one";
  if (state.demo) lines.push(wrap([span(demo, { color: "yellow" })], columns));
  lines.push(wrap([span("/help shows the commands, ctrl-c stops a turn, ctrl-d leaves", dim)], columns));
  return lines.flat();
}

/** `S001 title`, or what it is called before its first message. */
export function sessionText(state: ChatState): string {
  const title = state.title || state.sessionName;
  return state.session === null
    ? `new${title === "" ? "" : ` (${title})`}`
    : `${publicId(state.session)} ${title}`.trim();
}

function modelText(state: ChatState): string {
  return state.demo ? `demo model (${cleanLine(state.model)})` : cleanLine(state.model);
}
