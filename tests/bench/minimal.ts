// The yardstick of the benchmark: the least program that does the same calls. Lines of JSON come in on stdin, the
// history is in SQLite with the same pragmas, the answer is streamed from the model's server to stdout as it forms,
// and there is one tool, a shell. Nothing is checked, limited, redacted, resumed or stopped.
import { Database } from "bun:sqlite";

interface Message {
  role: "user" | "assistant";
  content: Block[];
}
type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: { command?: string } }
  | { type: "tool_result"; tool_use_id: string; content: string };
interface Session {
  messages: Message[];
  waiting: string[];
  busy: boolean;
}

const [path = "minimal.db", baseUrl = "", model = ""] = process.argv.slice(2);

const db = new Database(path, { create: true, strict: true });
db.exec(`
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA busy_timeout = 5000;
PRAGMA cache_size = -4096;
PRAGMA journal_size_limit = 16777216;
PRAGMA temp_store = MEMORY;
CREATE TABLE IF NOT EXISTS messages (id INTEGER PRIMARY KEY, session TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS messages_session ON messages (session, id);
`);
const insert = db.prepare("INSERT INTO messages (session, body) VALUES (?, ?)");
const select = db.prepare<{ body: string }, [string]>("SELECT body FROM messages WHERE session = ? ORDER BY id");

const sessions = new Map<string, Session>();
const tools = [
  {
    name: "bash",
    description: "Runs a shell command",
    input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  },
];

function sessionOf(id: string): Session {
  let session = sessions.get(id);
  if (session === undefined) {
    session = { messages: select.all(id).map((row) => JSON.parse(row.body) as Message), waiting: [], busy: false };
    sessions.set(id, session);
  }
  return session;
}

function add(id: string, message: Message): void {
  insert.run(id, JSON.stringify(message));
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
      const answer = await ask(id, session);
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

async function run(id: string, command: string): Promise<Block> {
  const child = Bun.spawn(["bash", "-c", command], { stdout: "pipe", stderr: "ignore" });
  const content = await new Response(child.stdout).text();
  await child.exited;
  return { type: "tool_result", tool_use_id: id, content };
}

/** One request; the text is shown as it comes. */
async function ask(id: string, session: Session): Promise<Message> {
  const response = await fetch(`${baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "none" },
    body: JSON.stringify({
      model,
      max_tokens: 8_000,
      stream: true,
      system: "You are an agent.",
      tools,
      messages: session.messages,
    }),
  });
  const content: Block[] = [];
  let json = "";
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (!line.startsWith("data: ")) continue;
      const event = JSON.parse(line.slice(6));
      const last = content.at(-1);
      if (event.type === "content_block_start") {
        content.push(event.content_block);
        json = "";
      } else if (event.delta?.type === "text_delta" && last?.type === "text") {
        last.text += event.delta.text;
        say({ type: "delta", session: id, text: event.delta.text });
      } else if (event.delta?.type === "input_json_delta") json += event.delta.partial_json;
      else if (event.type === "content_block_stop" && last?.type === "tool_use") last.input = JSON.parse(json);
    }
  }
  return { role: "assistant", content };
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
