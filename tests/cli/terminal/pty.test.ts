// The chat in a real terminal: tmux types, resizes and reads the screen.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFile, spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const hasTmux = spawnSync("tmux", ["-V"]).status === 0;

let folder = "";
const tmux = (...args: string[]) => run("tmux", ["-S", join(folder, "tmux"), "-f", "/dev/null", ...args]);
const shown = async () => (await tmux("capture-pane", "-p", "-S", "-", "-t", "chat")).stdout.trimEnd();

async function see(part: string): Promise<string> {
  const until = Date.now() + 8_000;
  for (;;) {
    const text = await shown();
    if (text.includes(part)) return text;
    if (Date.now() > until) throw new Error(`Not seen: ${part}\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}

describe.skipIf(!hasTmux)("the chat in a real terminal", () => {
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pty-"));
    const script = join(import.meta.dirname, "pty-chat.ts");
    const command = `'${process.execPath}' '${script}' '${join(folder, "history")}'; stty -a; sleep 30`;
    await tmux("new-session", "-d", "-s", "chat", "-x", "60", "-y", "16", command);
  });
  afterAll(async () => {
    await tmux("kill-server");
    await rm(folder, { recursive: true, force: true });
  });

  test("types, answers, survives resizing, leaves the terminal as it was", async () => {
    await see("/help shows the commands");
    await tmux("send-keys", "-t", "chat", "-l", "zähl 日本x");
    await tmux("send-keys", "-t", "chat", "BSpace", "Enter");
    const first = await see("Ende.");
    expect(first).toContain("❯ zähl 日本\n");
    expect(first).toContain("\n  • eins\n  • zwei\n\n  ╭─ sh\n  ls -la\n  ╰──\n\n  Ende.\n");
    expect(first).toContain("  Ein fetter Satz mit 日本語 und 👩‍👩‍👧, der über mehr als eine");
    for (const width of ["30", "20", "80"]) await tmux("resize-window", "-t", "chat", "-x", width);
    await tmux("send-keys", "-t", "chat", "-l", "nochmal");
    await see("❯ nochmal");
    await tmux("send-keys", "-t", "chat", "Enter");
    const second = await see("❯ nochmal\n\n  # Zahlen".replace("# ", ""));
    expect(second.match(/❯ nochmal/g)).toHaveLength(1);
    await see("Ende.");
    await tmux("send-keys", "-t", "chat", "C-d");
    const last = await see("left with 0");
    await see(" icanon");
    const modes = await shown();
    expect(modes).toMatch(/(?<!-)\bicanon\b/);
    expect(modes).toMatch(/(?<!-)\becho\b/);
    expect(last.match(/zähl 日本/g)).toHaveLength(1);
  }, 30_000);
});
