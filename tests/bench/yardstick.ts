// What both yardsticks of the benchmark share: the history in SQLite with the same pragmas, one tool, a shell, and one
// streamed request. Nothing is checked, limited, redacted, repeated, resumed or stopped.
import { Database } from "bun:sqlite";

export interface Message {
  role: "user" | "assistant";
  content: Block[];
}
export type Block =
  | { type: "text"; text: string }
  | { type: "tool_use"; id: string; name: string; input: { command?: string } }
  | { type: "tool_result"; tool_use_id: string; content: string };

const tools = [
  {
    name: "bash",
    description: "Runs a shell command",
    input_schema: { type: "object", properties: { command: { type: "string" } }, required: ["command"] },
  },
];

/** The messages of all sessions, in one file. */
export function openHistory(path: string) {
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
  return {
    add: (session: string, message: Message): void => void insert.run(session, JSON.stringify(message)),
    of: (session: string): Message[] => select.all(session).map((row) => JSON.parse(row.body) as Message),
  };
}

/** Runs a call of the tool. */
export async function run(id: string, command: string): Promise<Block> {
  const child = Bun.spawn(["bash", "-c", command], { stdout: "pipe", stderr: "ignore" });
  const content = await new Response(child.stdout).text();
  await child.exited;
  return { type: "tool_result", tool_use_id: id, content };
}

/** One request. `show` is called with each piece of text as it comes, and with nothing when a call begins. */
export async function ask(
  { baseUrl, model, messages }: { baseUrl: string; model: string; messages: Message[] },
  show: (text: string | undefined) => void,
): Promise<Message> {
  const response = await fetch(`${baseUrl}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": "none" },
    body: JSON.stringify({ model, max_tokens: 8_000, stream: true, system: "You are an agent.", tools, messages }),
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
        if (event.content_block.type === "tool_use") show(undefined);
      } else if (event.delta?.type === "text_delta" && last?.type === "text") {
        last.text += event.delta.text;
        show(event.delta.text);
      } else if (event.delta?.type === "input_json_delta") json += event.delta.partial_json;
      else if (event.type === "content_block_stop" && last?.type === "tool_use") last.input = JSON.parse(json);
    }
  }
  return { role: "assistant", content };
}
