// A red team with the real program: commands that try to carry a vault's value out. Nothing of it reaches chat, store or log.
import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isAlive, program, until } from "../cli/program.ts";

// Text of several kinds: with signs that encodings change, several lines, and bytes that are no text.
const password = "p&ss w%rd/+=\"'<ä>-42-correct";
const lines =
  "-----BEGIN THING-----\nQmFzZTY0bGluZW9uZTEyMzQ1Njc4OTA=\nc2Vjb25kLWxpbmUtb2YtdGhlLXZhbHVl\n-----END THING-----";
const field = "1//0refresh-TOKEN-of-the-file";
const binary = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * 73 + 11) % 256));

/** Each prints the value of `V` in some disguise. `%` and backslashes are the shell's. */
const disguises = [
  'printf "%s\\n" "$V"',
  'printf "%s" "$V" | base64',
  'printf "%s" "$V" | base64 -w0',
  'printf "x%s" "$V" | base64 -w0',
  'printf "xy%s" "$V" | base64 -w0',
  'printf "xyz%s tail" "$V" | base64 -w0 | tr "+/" "-_"',
  'printf "%s" "$V" | base64 -w7 | sed "s/^/    /"',
  'printf "%s" "$V" | base64 -w0 | base64 -d | base64 -w0 | fold -w 3',
  'printf "%s" "$V" | od -An -v -tx1',
  'printf "%s" "$V" | od -An -v -tx1 | tr -d " \\n"',
  'printf "%s" "$V" | od -An -v -tx1 | tr -d " \\n" | tr a-f A-F',
  'printf "%s" "$V" | od -An -v -tx1 -w1 | tr -d " " | paste -sd: -',
  'printf "%s" "$V" | od -An -v -tx1 | tr -d "\\n" | sed "s/ /%/g"',
  'printf "%s" "$V" | od -An -v -tx1 | tr -d "\\n" | sed "s/ /\\\\\\\\x/g"',
  'printf "%s" "$V" | od -An -v -tx1 | tr -d "\\n" | sed "s/ /, 0x/g"',
  'printf "%s" "$V" | sed "s/./&\\x1b[0m/g"',
  'echo "https://example.com/?q=$V#x"',
  'echo "before $V after $V$V"',
  'printf "%s" "$V" | while IFS= read -r -n1 c; do printf "%s" "$c"; done',
  'printf "%s" "$V" | fold -w 4 | while IFS= read -r part; do printf "%s" "$part"; sleep 0.01; done; echo',
  'printf "%s" "$V" | base64 -w0 | fold -w 5 | while read -r part; do printf "%s" "$part"; sleep 0.01; done; echo',
  'echo "$V" >&2; exit 7',
  'touch "f-$(printf %s "$V" | tr / _ | head -c 60)" && ls',
  'mkdir -p "$(printf %s "$V" | base64 -w0 | tr / _)" && ls',
  'seq -s, 1 3000; printf "%s" "$V"; seq -s, 1 3000',
];

/** What a text says in its usual readings: as it stands, and without what may stand between the parts of an encoding. */
function leaks(haystack: string, value: Buffer): string[] {
  const found: string[] = [];
  const plain = haystack.replace(/\u001b\[[0-9;]*m/g, "");
  const bare = plain.replace(/\\n|\s/g, "");
  const standard = bare.replaceAll("-", "+").replaceAll("_", "/");
  for (const shift of [0, 1, 2]) {
    const whole = Buffer.concat([Buffer.alloc(shift), value]).toString("base64");
    const stable = whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + value.length) * 8) / 6));
    if (standard.includes(stable.replaceAll("-", "+").replaceAll("_", "/"))) found.push(`base64 at ${shift}`);
  }
  const hex = bare.toLowerCase().replace(/0x|\\x|[%:,x\\]/g, "");
  if (hex.includes(value.toString("hex"))) found.push("hex");
  const text = value.toString("utf8");
  if (plain.includes(text) || haystack.includes(JSON.stringify(text).slice(1, -1))) found.push("raw");
  if (plain.includes(encodeURIComponent(text))) found.push("percent");
  return found;
}

/** Everything that the program has written, but for the sandbox's own files. */
function written(folder: string): string {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const kept = entries.filter(({ parentPath }) => !/sandboxes|\/scratch/.test(parentPath));
  return kept.map((file) => readFileSync(join(file.parentPath, file.name), "latin1")).join("\n");
}

test("no disguise carries a value into the chat, the store or the log", async () => {
  await using run = program();
  mkdirSync(run.stateDir, { mode: 0o700 });
  const settings = {
    model: "demo/offline",
    vault: { injectOnHost: true },
    toolOutput: "full",
    log: { level: "trace" },
  };
  writeFileSync(run.path("settings.json"), JSON.stringify(settings), { mode: 0o600 });
  const store = async (text: string | Buffer, ...args: string[]) => {
    const opened = run.open("vault", "set", ...args);
    opened.child.stdin?.end(text);
    expect((await opened.ended).code).toBe(0);
  };
  await store(password, "PASSWORD");
  await store(lines, "LINES");
  await store(JSON.stringify({ type: "authorized_user", refresh_token: field }), ".config/app.json", "--file", "-");
  await store(binary, "store.p12", "--file", "-");
  expect((await run.call("start")).code).toBe(0);
  const sources: [string, Buffer][] = [
    ['V="$PASSWORD"', Buffer.from(password)],
    ['V="$LINES"', Buffer.from(lines)],
    ['V="$(sed \'s/.*refresh_token":"//;s/".*//\' ~/.config/app.json)"', Buffer.from(field)],
  ];
  let said = "";
  let masked = 0;
  for (const [source] of sources) {
    // Several in one command, each by itself: a command takes longer than what it prints.
    const one = disguises.map((disguise) => `( ${source}; ${disguise} ); echo`);
    const script = [0, 1, 2, 3, 4].map((part) => one.filter((_, at) => at % 5 === part).join("; "));
    for (let at = 0; at < script.length; at += 8) {
      const opened = run.open("chat");
      opened.child.stdin?.end(
        script
          .slice(at, at + 8)
          .map((line) => `run ${line}`)
          .join("\n"),
      );
      const { out, err } = await opened.ended;
      said += out + err;
      masked += out.split("[redacted]").length - 1;
    }
  }
  const opened = run.open("chat");
  opened.child.stdin?.end(
    "run base64 ~/store.p12; base64 -w0 ~/store.p12; od -An -v -tx1 ~/store.p12 | tr -d ' \\n'; cat ~/.config/app.json",
  );
  const last = await opened.ended;
  said += last.out + last.err;
  expect(last.out).toContain("authorized_user");
  // The commands did run and did print: it is not silence that keeps the values in.
  expect(masked).toBeGreaterThan(disguises.length * 2);
  const pid = run.holder();
  expect((await run.call("stop")).code).toBe(0);
  await until(() => !isAlive(pid), "it did not end");
  const values = [...sources.map(([, value]) => value), binary];
  for (const value of values) {
    expect([value.toString("latin1"), leaks(said, value)]).toEqual([value.toString("latin1"), []]);
    expect([value.toString("latin1"), leaks(written(run.stateDir), value)]).toEqual([value.toString("latin1"), []]);
    expect(leaks(written(run.stateDir), Buffer.from(value.toString("latin1"), "utf8"))).toEqual([]);
  }
}, 180_000);

test("the check itself finds what it looks for", () => {
  const value = Buffer.from(password);
  expect(leaks(`a ${password} b`, value)).toContain("raw");
  for (const shift of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.from("x".repeat(shift)), value]).toString("base64url");
    expect(leaks(text.match(/.{1,7}/g)?.join("\n  ") ?? "", value)).toContain(`base64 at ${shift}`);
  }
  expect(leaks(value.toString("hex").toUpperCase().match(/../g)?.join(":") ?? "", value)).toContain("hex");
  expect(leaks(encodeURIComponent(password), value)).toContain("percent");
});
