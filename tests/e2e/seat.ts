// A person at a terminal with a home of their own: verbs that are called, and verbs that are sat before.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** No verb of a test, and nothing that it waits for, may take longer. */
const deadlineMs = 40_000;

export type Seat = ReturnType<typeof openSeat>;

/** A verb on a terminal. */
export type Sitting = ReturnType<Seat["sit"]>;

/** The program over a state folder that is not there yet. `program` is what stands before a verb. */
export function openSeat({ program, env = {} }: { program: string[]; env?: Record<string, string> }) {
  const home = mkdtempSync(join(tmpdir(), "ra-setup-"));
  const stateDir = join(home, "state");
  const environment = {
    PATH: process.env.PATH ?? "",
    HOME: home,
    REMOTEAGENT_STATE_DIR: stateDir,
    TERM: "xterm",
    ...env,
  };
  const open = new Set<{ kill(signal: "SIGKILL"): void }>();

  /** A verb without a terminal. */
  const call = async (...args: string[]) => {
    const child = Bun.spawn([...program, ...args], {
      env: environment,
      cwd: home,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
      timeout: deadlineMs,
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    return { code: await child.exited, out, err };
  };

  /** A verb on a terminal. */
  const sit = (...args: string[]) => {
    let shown = "";
    const wakes = new Set<() => void>();
    const child = Bun.spawn([...program, ...args], {
      env: environment,
      cwd: home,
      timeout: deadlineMs * 2,
      terminal: {
        cols: 100,
        rows: 40,
        data(_terminal, data) {
          shown += new TextDecoder().decode(data);
          for (const wake of wakes) wake();
        },
      },
    });
    open.add(child);
    const { terminal } = child;
    if (terminal === undefined) throw new Error("There is no terminal");
    let from = 0;
    /** Waits until `text` is shown after what was seen before. */
    const see = async (text: string): Promise<void> => {
      const late = Date.now() + deadlineMs;
      while (!shown.slice(from).includes(text)) {
        if (Date.now() > late) throw new Error(`"${text}" is not shown:\n${shown.slice(from)}`);
        await new Promise<void>((wake) => {
          const timer = setTimeout(wake, 200);
          wakes.add(() => {
            clearTimeout(timer);
            wake();
          });
        });
        wakes.clear();
      }
      from = shown.indexOf(text, from) + text.length;
    };
    return {
      see,
      shown: () => shown,
      type: (text: string) => void terminal.write(text),
      /** Waits for a question and answers it. */
      async answer(question: string, text: string) {
        await see(question);
        terminal.write(`${text}\r`);
      },
      ended: child.exited,
    };
  };

  return {
    home,
    stateDir,
    settings: () => JSON.parse(readFileSync(join(stateDir, "settings.json"), "utf8")) as Record<string, unknown>,
    call,
    sit,
    /** Ends what runs, and removes it all. */
    async close(): Promise<void> {
      for (const child of open) child.kill("SIGKILL");
      await call("stop", "--now");
      rmSync(home, { recursive: true, force: true });
    },
  };
}

/** Waits for a condition, with a deadline. */
export async function until(condition: () => boolean, otherwise = () => "It did not come"): Promise<void> {
  const late = Date.now() + deadlineMs;
  while (!condition()) {
    if (Date.now() > late) throw new Error(otherwise());
    await new Promise((wake) => setTimeout(wake, 20));
  }
}
