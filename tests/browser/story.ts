// A session in which everything happened that the page can show.
import type { TurnEvent } from "../../src/core/event.ts";
import { noUsage } from "../../src/core/usage.ts";
import { addExchange, addInput, addSession, addTurn, type Fixture, happen, keep } from "../web/fixture.ts";

/** A PNG of one colour, made from its parts: 160 by 100 pixels. */
export async function picture(): Promise<Uint8Array> {
  const { deflateSync, crc32 } = await import("node:zlib");
  const [width, height] = [160, 100];
  const rows = Buffer.concat(
    Array.from({ length: height }, (_, y) =>
      Buffer.concat([
        Buffer.from([0]),
        Buffer.from(Array.from({ length: width }, (_, x) => [60 + (x % 120), 120 + y, 200]).flat()),
      ]),
    ),
  );
  const chunk = (type: string, data: Uint8Array) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.byteLength, 0);
    frame.writeUInt32BE(crc32(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

const answer = `The build fails since **commit 4f2a1c**: the parser returns before it has read the last line.

## What I changed

1. \`src/parser.ts\` reads to the end of the file.
2. A test for a file *without* a last line end.
   - It failed before, and passes now.

\`\`\`ts
const rows = text.split("\\n").filter((line) => line !== "");
\`\`\`

| file | before | after |
|---|---:|---:|
| parser.ts | 41 lines | 38 lines |
| parser.test.ts | 60 lines | 72 lines |

> The other warnings are older. See [the log](https://ci.example.com/run/812).`;

/** Writes it. @returns the session's number. */
export async function tellStory(fixture: Fixture): Promise<number> {
  const session = addSession(fixture, "The build broke last night");
  addExchange(fixture, {
    session,
    question: "Is the main branch green?",
    answer: "No. The last run failed in *parser tests*.",
  });
  const image = keep(fixture, "screen.png", await picture());
  const turn = addTurn(fixture, session);
  const question = "Please find out why and mend it. This is what I see:";
  const files = [{ name: "screen.png", bytes: 30_512, ref: image, stored: image }];
  const input = addInput(fixture, { session, text: question, files });
  const call = { type: "tool", name: "bash" } as const;
  const events: TurnEvent[] = [
    { type: "started", resumed: false, model: "demo/offline" },
    { type: "taken", inputs: [input], text: question },
    { ...call, step: "start", call: "c1", title: "git log --oneline -5", input: { command: "git log --oneline -5" } },
    { ...call, step: "end", call: "c1", ok: true, ms: 41, text: "4f2a1c parser: stop early\n90ab12 docs\n" },
    { ...call, step: "start", call: "c2", title: "bun test tests/parser", input: { command: "bun test tests/parser" } },
    { ...call, step: "end", call: "c2", ok: false, ms: 1840, text: "expected 3 items, received 2\n1 fail" },
    { type: "compacted", tokensBefore: 121_000, tokensAfter: 9_400 },
    { type: "ask", approval: 1, text: "May I push to **main**?", choices: [] },
    { type: "notice", text: "Goes on with plan B" },
    { type: "message", text: answer },
    { type: "file", stored: keep(fixture, "report.pdf", "%PDF-1.4"), name: "report.pdf", bytes: 48_130 },
    { type: "ended", outcome: "done", usage: { ...noUsage, input: 18_400, output: 920, costUsd: 0.0731, requests: 5 } },
  ];
  fixture.store.turns.setUsage(turn, { ...noUsage, input: 18_400, output: 920, costUsd: 0.0731, requests: 5 });
  for (const event of events) {
    // An entry is stored with its event, at the same moment.
    if (event.type === "compacted") addSummary(fixture, { session, turn });
    happen(fixture, { session, turn, event });
  }
  return session;
}

function addSummary({ store, time }: Fixture, { session, turn }: { session: number; turn: number }): void {
  const summary = "The main branch is **red** since last night; the parser's tests fail.";
  const body = { kind: "compaction", summary, keepFrom: null, tokensBefore: 121_000 } as const;
  store.entries.append({ session, turn, parent: null, at: time.at + 1_000, body });
}
