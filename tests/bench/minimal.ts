// The yardstick of the benchmark: the least program that does the same calls. Lines of JSON come in on stdin, the
// history is in SQLite with the same pragmas, the answer is streamed from the model's server to stdout as it forms,
// and there is one tool, a shell. Nothing is checked, limited, redacted, resumed or stopped.
import { ask, type Block, type Message, openHistory, run } from "./yardstick.ts";

interface Session {
  messages: Message[];
  waiting: string[];
  busy: boolean;
}

const [path = "minimal.db", baseUrl = "", model = ""] = process.argv.slice(2);

const history = openHistory(path);
const sessions = new Map<string, Session>();

function sessionOf(id: string): Session {
  let session = sessions.get(id);
  if (session === undefined) {
    session = { messages: history.of(id), waiting: [], busy: false };
    sessions.set(id, session);
  }
  return session;
}

function add(id: string, message: Message): void {
  history.add(id, message);
  sessionOf(id).messages.push(message);
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Answers everything that waits in a session, one turn after the other. */
async function work(id: string): Promise<void> {
  const session = sessionOf(id);
  if (session.busy) return;
  session.busy = true;
  while (session.waiting.length > 0) {
    const texts = session.waiting.splice(0);
    add(id, { role: "user", content: texts.map((text) => ({ type: "text", text })) });
    for (;;) {
      const answer = await ask({ baseUrl, model, messages: session.messages }, (text) => {
        if (text !== undefined) say({ type: "delta", session: id, text });
      });
      add(id, answer);
      const results: Block[] = [];
      for (const part of answer.content) {
        if (part.type === "text") say({ type: "message", session: id, text: part.text });
        if (part.type === "tool_use") results.push(await run(part.id, part.input.command ?? ""));
      }
      if (results.length === 0) break;
      add(id, { role: "user", content: results });
    }
    say({ type: "ended", session: id, inputs: texts.length });
  }
  session.busy = false;
}

say({ type: "ready" });
let rest = "";
const decoder = new TextDecoder();
for await (const chunk of Bun.stdin.stream()) {
  const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
  rest = lines.pop() ?? "";
  for (const line of lines) {
    const { session, text } = JSON.parse(line) as { session: string; text: string };
    sessionOf(session).waiting.push(text);
    void work(session);
  }
}
