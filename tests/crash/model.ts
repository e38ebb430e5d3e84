// A model server for crash tests: the Anthropic Messages stream, scripted by the conversation alone, so that a
// request after a crash goes on where the conversation is; and strict about what the real one refuses.
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Between two pieces of an answer: time in which a crash may come. */
const pieceMs = 3;

/** What a message asks of the scripted model: so many rounds of so many calls at once, then an answer. */
export interface Task {
  name: string;
  rounds: number;
  width: number;
  /** Each call takes this long. */
  callMs: number;
  /** The first round writes `<name>.txt`, the last one sends it to the chat; for tasks of two rounds and more. */
  file?: boolean;
  /** The answer has so many lines besides. */
  lines?: number;
}

/** The text of a task, as a person sends it. */
export function taskText({ name, rounds, width, callMs, file = false, lines = 0 }: Task): string {
  const more = `${file ? " file=1" : ""}${lines > 0 ? ` lines=${lines}` : ""}`;
  return `Please do [[${name} rounds=${rounds} width=${width} callMs=${callMs}${more}]]`;
}

/** What an answer says of a task; nothing else has these words. */
export function answered(name: string): string {
  return `<${name} is answered>`;
}

/** One line of a long answer; nothing else has these words. */
export function answerLine(name: string, n: number): string {
  return `<${name} line ${n}> ${"and so it goes on for a while, ".repeat(2)}and ends.`;
}

interface Block {
  type: string;
  id?: string;
  text?: string;
  tool_use_id?: string;
}
interface Message {
  role: string;
  content: Block[];
}

export interface ModelServer {
  url: string;
  /** Requests so far. */
  requests(): number;
  /** Requests whose conversation has this task unanswered. */
  requestsFor(name: string): number;
  /** What the real server would have answered with a 400. */
  violations: string[];
  /** Called at the start of each request, and again when half of its answer is out. */
  onStep: (step: "request" | "answering", tasks: string[]) => void;
  /** The second half of each answer waits for it. */
  half?: Promise<void>;
  close(): Promise<void>;
}

/** Starts the server on loopback. */
export async function startModel(): Promise<ModelServer> {
  let requests = 0;
  let calls = 0;
  const perTask = new Map<string, number>();
  const model: ModelServer = {
    url: "",
    requests: () => requests,
    requestsFor: (name) => perTask.get(name) ?? 0,
    violations: [],
    onStep: () => undefined,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const messages = parse(await read(request));
    requests += 1;
    model.violations.push(...violationsIn(messages));
    const { tasks, rounds } = unanswered(messages);
    for (const { name } of tasks) perTask.set(name, (perTask.get(name) ?? 0) + 1);
    const names = tasks.map(({ name }) => name);
    const next = tasks.find((task) => task.rounds > rounds);
    model.onStep("request", names);
    const events =
      next === undefined ? sayEvents(tasks) : callEvents(next, { round: rounds, newId: () => `toolu_${++calls}` });
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [index, event] of events.entries()) {
      // Whoever asked is dead: the next life is not to be taken for it.
      if (response.destroyed) return;
      if (index === Math.floor(events.length / 2)) {
        model.onStep("answering", names);
        await model.half;
      }
      response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
      await new Promise((resume) => setTimeout(resume, pieceMs));
    }
    response.end();
  };
  const server = createServer((request, response) => {
    // A program that was killed takes its connection along.
    answer(request, response).catch(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  model.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return model;
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  return Buffer.concat(chunks).toString("utf8");
}

function parse(text: string): Message[] {
  const { messages } = JSON.parse(text) as { messages: { role: string; content: string | Block[] }[] };
  return messages.map(({ role, content }) => ({
    role,
    content: typeof content === "string" ? [{ type: "text", text: content }] : content,
  }));
}

/** The rules of the real server about calls and their results. */
function violationsIn(messages: Message[]): string[] {
  const found: string[] = [];
  for (const [index, message] of messages.entries()) {
    const calls = message.content.filter(({ type }) => type === "tool_use").map(({ id }) => id ?? "");
    const next = messages[index + 1]?.content ?? [];
    const results = next.filter(({ type }) => type === "tool_result").map((block) => block.tool_use_id ?? "");
    for (const call of calls) {
      const count = results.filter((result) => result === call).length;
      if (count !== 1) found.push(`call ${call} has ${count} results in the message behind it`);
    }
    for (const result of message.role === "assistant" ? results : [])
      if (!calls.includes(result)) found.push(`result ${result} has no call`);
    if (message.content.length === 0) found.push(`message ${index} is empty`);
  }
  if (messages[0]?.role !== "user" || messages.at(-1)?.role !== "user") found.push("the person has not the last word");
  return found;
}

/** Tasks that no answer names yet, and how many rounds of calls were made since the last whole answer. */
function unanswered(messages: Message[]): { tasks: Task[]; rounds: number } {
  const said = messages.filter(({ role }) => role === "assistant").flatMap(({ content }) => content);
  const answers = said.map(({ text }) => text ?? "").join("\n");
  const asked = messages.filter(({ role }) => role === "user").flatMap(({ content }) => content);
  const tasks = asked
    .flatMap(({ type, text }) => (type === "text" ? [...ownWords(text ?? "").matchAll(taskForm)] : []))
    .map(([, name = "", rounds, width, callMs, file, lines]) => ({
      name,
      rounds: Number(rounds),
      width: Number(width),
      callMs: Number(callMs),
      file: file !== undefined,
      lines: Number(lines ?? 0),
    }))
    .filter(({ name }) => !answers.includes(answered(name)));
  const last = messages.findLastIndex(({ role, content }) => role === "assistant" && isAnswer(content));
  const rounds = messages.slice(last + 1).filter(({ content }) => content.some(({ type }) => type === "tool_use"));
  return { tasks, rounds: rounds.length };
}

const taskForm = /\[\[(\S+) rounds=(\d+) width=(\d+) callMs=(\d+)(?: file=(\d+))?(?: lines=(\d+))?\]\]/g;

/** What a person wrote, without the lines that the program quotes: a task in them is not asked for again. */
function ownWords(text: string): string {
  return text
    .split("\n")
    .filter((line) => !/^(?:> |\[This answers )/.test(line))
    .join("\n");
}

function isAnswer(content: Block[]): boolean {
  return content.some(({ text }) => text?.includes(" is answered>"));
}

type StreamEvent = { type: string } & Record<string, unknown>;

function sayEvents(tasks: Task[]): StreamEvent[] {
  const text = tasks.length === 0 ? "Nothing is left to do." : tasks.map(answerOf).join("\n");
  const block = { index: 0, content_block: { type: "text", text: "" } };
  const length = Math.max(12, Math.ceil(text.length / 40));
  const pieces = Array.from({ length: Math.ceil(text.length / length) }, (_, index) =>
    text.slice(index * length, (index + 1) * length),
  );
  return [
    start(),
    { type: "content_block_start", ...block },
    ...pieces.map((piece) => ({
      type: "content_block_delta",
      index: 0,
      delta: { type: "text_delta", text: piece },
    })),
    { type: "content_block_stop", index: 0 },
    ...end("end_turn"),
  ];
}

function answerOf({ name, lines = 0 }: Task): string {
  const more = Array.from({ length: lines }, (_, index) => `- ${answerLine(name, index + 1)}`);
  return [`Done: ${answered(name)}`, ...more].join("\n");
}

/** Calls that write down outside, under their own ids, that they have begun and that they have ended. */
function callEvents(task: Task, { round, newId }: { round: number; newId: () => string }): StreamEvent[] {
  const write = task.file === true && round === 0 ? `echo "${task.name}" > ${task.name}.txt; ` : "";
  const calls = Array.from({ length: task.width }, (_, index) => {
    const id = newId();
    const command = `echo "begun ${id}" >> calls; ${write}sleep ${task.callMs / 1000}; echo "ended ${id}" >> calls; echo "${id} is done"`;
    return callBlock(index, { id, name: "bash", input: { command } });
  });
  if (task.file === true && round > 0 && round === task.rounds - 1) {
    const call = { id: `${newId()}_file`, name: "attach", input: { path: `${task.name}.txt` } };
    calls.push(callBlock(calls.length, call));
  }
  return [start(), ...calls.flat(), ...end("tool_use")];
}

function callBlock(index: number, { id, name, input }: { id: string; name: string; input: unknown }): StreamEvent[] {
  return [
    { type: "content_block_start", index, content_block: { type: "tool_use", id, name, input: {} } },
    { type: "content_block_delta", index, delta: { type: "input_json_delta", partial_json: JSON.stringify(input) } },
    { type: "content_block_stop", index },
  ];
}

function start(): StreamEvent {
  const usage = { input_tokens: 10, output_tokens: 0 };
  const message = { id: "msg", type: "message", role: "assistant", model: "test", content: [], usage };
  return { type: "message_start", message };
}

function end(reason: string): StreamEvent[] {
  return [
    { type: "message_delta", delta: { stop_reason: reason }, usage: { output_tokens: 5 } },
    { type: "message_stop" },
  ];
}
