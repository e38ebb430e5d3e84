// The unit: what is written, what systemd itself says of it, what is refused, and what install tells the manager.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serviceFindings } from "../../src/cli/doctor/service.ts";
import { exit } from "../../src/cli/exit.ts";
import type { Host, Ran, User } from "../../src/cli/service/host.ts";
import { parseUnit, quoted, type UnitPlan, unitText } from "../../src/cli/service/unit-text.ts";
import { serve } from "../../src/cli/service.ts";
import { programVersion } from "../../src/core/build.ts";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { program } from "./program.ts";

setDefaultTimeout(60_000);

const hasAnalyze = spawnSync("systemd-analyze", ["--version"]).status === 0;
const why = hasAnalyze ? "" : " (systemd-analyze is missing)";
const nobody = { name: "nobody", uid: 65534 };
const odd = '/srv/a b/50%/"q"/back\\slash/$HOME/é';

const plan: UnitPlan = {
  scope: "system",
  name: "remoteagent.service",
  program: ["/bin/true"],
  version: "1.2.3",
  stateDir: "/srv/agent",
  user: nobody,
  path: "/usr/bin:/bin",
  homeless: false,
};

describe("the unit", () => {
  const line = (text: string, name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1];

  test("waits longer for the end than the program takes, and does not start again what cannot start", () => {
    for (const scope of ["system", "user"] as const) {
      const text = unitText({ ...plan, scope });
      expect(Number(line(text, "TimeoutStopSec")) * 1000).toBeGreaterThanOrEqual(
        limits.drainMs + limits.haltMs + limits.proofMs + limits.holderGraceMs,
      );
      expect(line(text, "RestartPreventExitStatus")).toBe(String(exit.hopeless));
      for (const setting of [
        "Type=notify",
        "NotifyAccess=main",
        "Restart=on-failure",
        "KillMode=mixed",
        "Delegate=yes",
      ])
        expect(text).toContain(`\n${setting}\n`);
      for (const setting of ["UMask=0077", "NoNewPrivileges=yes", "OOMPolicy=continue", "LimitCORE=0"])
        expect(text).toContain(`\n${setting}\n`);
      expect(Number(line(text, "StartLimitBurst"))).toBeGreaterThan(limits.startsShortMax);
      expect(text).not.toMatch(/[{}]|undefined/);
    }
  });

  test("has nothing that the sandbox fails in", () => {
    const forbidden =
      /^(?:RestrictNamespaces|ProtectKernelTunables|ProtectKernelLogs|ProcSubset|ProtectControlGroups|MemoryDenyWriteExecute|PrivateUsers)=/m;
    expect(unitText(plan)).not.toMatch(forbidden);
    expect(unitText({ ...plan, scope: "user" })).not.toMatch(
      /^(?:Protect|Private|ReadWritePaths|RestrictNamespaces|User=)/m,
    );
  });

  test("makes the state folder where systemd has a place for it, and keeps capabilities for root alone", () => {
    const text = unitText({ ...plan, stateDir: "/var/lib/remoteagent", homeless: true });
    expect([line(text, "StateDirectory"), line(text, "ProtectHome")]).toEqual(['"remoteagent"', "yes"]);
    expect(line(text, "CapabilityBoundingSet")).toBe("");
    expect(line(unitText(plan), "StateDirectory")).toBeUndefined();
    expect(line(unitText({ ...plan, user: { name: "root", uid: 0 } }), "CapabilityBoundingSet")).toContain(
      "CAP_SYS_ADMIN",
    );
    expect(line(unitText({ ...plan, stateDir: "/etc/agent" }), "ReadWritePaths")).toBe('"-/etc/agent"');
  });

  test("tells again what it was written from", () => {
    const facts = { version: "1.2.3", program: ["/bin/true", odd], stateDir: odd };
    expect(parseUnit(unitText({ ...plan, ...facts }))).toEqual(facts);
    expect(parseUnit("[Service]\nExecStart=/bin/true\n")).toBeUndefined();
    expect(parseUnit('[X-RemoteAgent]\nVersion="1"\nProgram=[]\nStateDir=/not/quoted\n')).toBeUndefined();
  });

  test("quotes what systemd would read otherwise, and refuses what no unit can hold", () => {
    expect(quoted('a "b" \\ 50% $x')).toBe('"a \\"b\\" \\\\ 50%% $x"');
    expect(quoted("$x", { argument: true })).toBe('"$$x"');
    for (const path of ["/a\nb", "/a\u0000", "/a\u007f"]) expect(() => quoted(path)).toThrow("control characters");
    expect(() => unitText({ ...plan, stateDir: "/a\nExecStart=/bin/sh" })).toThrow("control characters");
    expect(() => unitText({ ...plan, program: ["/a$b"] })).toThrow("systemd refuses");
  });
});

/** A unit in a file of its own, as systemd would find it. */
function inFile(text: string, look: (path: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "ra-unit-"));
  try {
    const path = join(folder, "remoteagent.service");
    writeFileSync(path, text, { mode: 0o644 });
    look(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const variants: [string, Partial<UnitPlan>, number][] = [
  ["a service of the machine", {}, 4.2],
  ["one of a system user", { stateDir: "/var/lib/remoteagent", homeless: true }, 4],
  ["one of root", { user: { name: "root", uid: 0 } }, 5.3],
  ["one of odd paths", { stateDir: odd, workspace: odd, program: ["/bin/true", odd], path: odd }, 4.2],
  ["a user's own", { scope: "user" }, 8],
  ["a user's own of odd paths", { scope: "user", stateDir: odd, workspace: odd }, 8],
];

describe(`as systemd reads it${why}`, () => {
  test.skipIf(!hasAnalyze).each(variants)("%s is understood without a word", (_name, change) =>
    inFile(unitText({ ...plan, ...change }), (path) => {
      const user = change.scope === "user" ? ["--user"] : [];
      const env = { ...process.env, XDG_RUNTIME_DIR: join(path, ".."), SYSTEMD_LOG_LEVEL: "warning" };
      const { status, stdout, stderr } = spawnSync("systemd-analyze", [...user, "verify", path], {
        encoding: "utf8",
        env,
      });
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
    }),
  );

  test.skipIf(!hasAnalyze)("a wrong line would be found", () =>
    inFile(unitText(plan).replace("KillMode=mixed", "KillMode=mxied"), (path) => {
      expect(spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" }).stderr).toContain("mxied");
    }),
  );

  test.skipIf(!hasAnalyze).each(variants)("%s is exposed no more than it must", (_name, change, exposureMax) =>
    inFile(unitText({ ...plan, ...change }), (path) => {
      const argv = ["security", "--offline=true", `--threshold=${exposureMax * 10}`, "--no-pager", path];
      const { status, stdout } = spawnSync("systemd-analyze", argv, { encoding: "utf8" });
      const level = Number(/exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1]);
      expect(level).toBeGreaterThan(0);
      expect(level).toBeLessThanOrEqual(exposureMax);
      expect(status).toBe(0);
    }),
  );
});

/** A machine that is played: folders of its own, and a systemctl that notes what it is asked. */
function played({
  uid = 1000,
  env = {},
  answer,
}: {
  uid?: number;
  env?: Record<string, string>;
  answer?: (words: string) => Partial<Ran> | undefined;
} = {}) {
  const folder = mkdtempSync(join(tmpdir(), "ra-service-"));
  const home = join(folder, "home");
  const asked: string[] = [];
  const out: string[] = [];
  const err: string[] = [];
  mkdirSync(join(home, "state"), { recursive: true });
  mkdirSync(join(folder, "system"));
  mkdirSync(join(folder, "linger"));
  const users: User[] = [
    { name: "root", uid: 0, gid: 0, home: "/root" },
    { name: "ada", uid: 1000, gid: 1000, home },
    { name: "daemon", uid: 2, gid: 2, home: "/nonexistent" },
  ];
  const state =
    "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nMainPID=7\nNRestarts=0\nResult=success\nActiveEnterTimestamp=Sat 2026-11-21 10:31:53 UTC\nStatusText=a: b=c\n";
  const host: Host = {
    booted: true,
    uid,
    env: { HOME: home, PATH: "/usr/bin:relative:/bin", REMOTEAGENT_STATE_DIR: join(home, "state"), ...env },
    program: ["/bin/true"],
    folders: { system: join(folder, "system"), user: join(home, ".config/systemd/user") },
    lingers: join(folder, "linger"),
    user: async (name) => users.find((user) => user.name === name || String(user.uid) === name),
    async run(argv) {
      const words = argv.join(" ");
      asked.push(words);
      return { code: 0, out: words.includes(" show ") ? state : "", err: "", ...answer?.(words) };
    },
  };
  const io = {
    out: (text: string) => out.push(text),
    err: (text: string) => err.push(text),
    interactive: false,
    columns: 1000,
  };
  return {
    folder,
    home,
    host,
    asked,
    state,
    unit: join(host.folders[uid === 0 ? "system" : "user"], "remoteagent.service"),
    out: () => out.join(""),
    err: () => err.join(""),
    serve: (action: string, args: Record<string, string | boolean> = {}) =>
      serve(action, { args: { "state-dir": join(home, "state"), ...args }, io, host }),
    refused: async (args: Record<string, string | boolean>): Promise<Failure> => {
      const thrown: unknown = await serve("install", { args, io, host }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (!(thrown instanceof Failure)) throw new Error(`It was not refused: ${String(thrown)}`);
      return thrown;
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const manager = "systemctl --user --no-ask-password";

test("install writes the unit, enables, lingers and starts; a second time too; uninstall undoes it", async () => {
  using at = played();
  expect(await at.serve("install")).toBe(0);
  expect(statSync(at.unit).mode & 0o777).toBe(0o644);
  expect(parseUnit(readFileSync(at.unit, "utf8"))).toEqual({
    version: programVersion,
    program: ["/bin/true"],
    stateDir: join(at.home, "state"),
  });
  expect(readFileSync(at.unit, "utf8")).toContain('Environment="PATH=/usr/bin:/bin"');
  const changes = () =>
    at.asked.filter((words) => !words.includes(" show ")).map((words) => words.replace(`${manager} `, ""));
  const steps = [
    "daemon-reload",
    "enable remoteagent.service",
    "loginctl enable-linger ada",
    "stop remoteagent.service",
    "reset-failed remoteagent.service",
    "start remoteagent.service",
  ];
  expect(changes()).toEqual(steps);
  expect(at.out()).toContain("remoteagent.service runs as ada");
  expect(at.out()).toContain("journalctl --user --unit remoteagent --follow");
  expect(await at.serve("install", { start: false })).toBe(0);
  expect(changes().slice(steps.length)).toEqual(steps.slice(0, 3));
  expect(await at.serve("uninstall")).toBe(0);
  expect(changes().slice(steps.length + 3)).toEqual([
    "stop remoteagent.service",
    "disable remoteagent.service",
    "daemon-reload",
    "reset-failed remoteagent.service",
  ]);
  expect([existsSync(at.unit), existsSync(join(at.home, "state"))]).toEqual([false, true]);
});

test("a dry run prints the unit and touches nothing, without systemd too", async () => {
  using at = played();
  expect(
    await serve("install", {
      args: { "dry-run": true, "state-dir": "/srv/x" },
      io: { out: () => undefined, err: () => undefined, interactive: false, columns: 80 },
      host: { ...at.host, booted: false },
    }),
  ).toBe(0);
  expect(await at.serve("install", { "dry-run": true })).toBe(0);
  expect(at.out()).toStartWith("# RemoteAgent");
  expect(at.err()).toContain(`Would be written to ${at.unit}`);
  expect([existsSync(at.unit), at.asked]).toEqual([false, []]);
});

test("what may not linger is told how", async () => {
  using at = played({
    answer: (words) => (words.startsWith("loginctl") ? { code: 1, err: "Access denied" } : undefined),
  });
  expect(await at.serve("install")).toBe(0);
  expect(at.err()).toContain("sudo loginctl enable-linger ada");
});

test("what cannot be is refused before anything is touched", async () => {
  using at = played();
  using root = played({ uid: 0, env: { SUDO_USER: "ada" } });
  const closed = join(root.folder, "closed");
  mkdirSync(closed);
  writeFileSync(join(closed, "program"), "");
  chmodSync(closed, 0o700);
  const cases: [Promise<Failure>, string][] = [
    [at.refused({ user: true, system: true }), "--user and --system"],
    [at.refused({ user: true, "run-as": "daemon" }), "--run-as with --user"],
    [at.refused({ name: "../x" }), "no name of a service"],
    [at.refused({ name: "sshd" }), "no name of a service"],
    [at.refused({ system: true, "state-dir": "/srv/x" }), "only root may"],
    [root.refused({ "run-as": "nobody-here" }), "no such user"],
    [root.refused({ "state-dir": "/tmp/x" }), "emptied at boot"],
    [root.refused({ "state-dir": "/srv/x", workspace: "/var/tmp/x" }), "emptied at boot"],
    [root.refused({ "state-dir": "/srv/a\nb" }), "control characters"],
  ];
  for (const [failure, words] of cases) expect((await failure).message).toContain(words);
  const host = { ...root.host, program: [join(closed, "program")] };
  const io = { out: () => undefined, err: () => undefined, interactive: false, columns: 80 };
  await expect(serve("install", { args: { "run-as": "daemon" }, io, host })).rejects.toThrow(/is closed to that user/);
  expect([...at.asked, ...root.asked]).toEqual([]);
});

test("who types sudo gets a service that runs as themselves, a system user one in /var/lib", async () => {
  using root = played({ uid: 0, env: { SUDO_USER: "daemon", REMOTEAGENT_STATE_DIR: "" } });
  const io = { out: (text: string) => said.push(text), err: () => undefined, interactive: false, columns: 80 };
  const said: string[] = [];
  await serve("install", { args: { "dry-run": true }, io, host: root.host });
  expect(said.join("")).toContain("\nUser=daemon\n");
  expect(said.join("")).toContain('\nStateDirectory="remoteagent"\n');
});

test("a file of somebody else, and a state folder that another unit has, are left alone", async () => {
  using at = played();
  mkdirSync(at.host.folders.user, { recursive: true });
  writeFileSync(at.unit, "[Service]\nExecStart=/bin/true\n");
  expect((await at.refused({ "state-dir": "/srv/a" })).message).toContain("not ours");
  writeFileSync(at.unit, unitText({ ...plan, scope: "user", stateDir: "/srv/b" }));
  expect((await at.refused({ "state-dir": "/srv/a" })).message).toContain("another state folder, /srv/b");
  const failure = await at.refused({ "state-dir": "/srv/b", name: "remoteagent-two" });
  expect(failure.hint).toContain("service uninstall --user --name remoteagent");
});

test("status is for people and scripts, and 3 where nothing is active", async () => {
  using at = played({
    answer: (words) =>
      words.includes(" show ") && !active
        ? { out: "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=watchdog\nNRestarts=2\n" }
        : undefined,
  });
  let active = true;
  expect(await at.serve("status")).toBe(3);
  expect(at.out()).toContain("Install it: remoteagent service install");
  await at.serve("install", { start: false });
  expect(await at.serve("status", { json: true })).toBe(0);
  const json = JSON.parse(at.out().slice(at.out().lastIndexOf("\n{\n"))) as object;
  expect(json).toMatchObject({
    installed: true,
    scope: "user",
    active: "active",
    enabled: true,
    pid: 7,
    since: Date.UTC(2026, 10, 21, 10, 31, 53),
    status: "a: b=c",
  });
  active = false;
  expect(await at.serve("status")).toBe(3);
  expect(at.out()).toContain("failed (failed): its main loop hung");
  expect(at.out()).toContain("2 by itself");
});

test("without systemd there is one sentence, and what else keeps it running", async () => {
  using at = played();
  const io = { out: () => undefined, err: () => undefined, interactive: false, columns: 80 };
  const refusal = serve("install", { args: {}, io, host: { ...at.host, booted: false } });
  await expect(refusal).rejects.toMatchObject({
    message: "Cannot install a service: systemd does not run this machine",
    hint: expect.stringContaining("@reboot /bin/true start"),
  });
});

test("doctor finds a program that is gone, another version, a failure, and a logout that ends it", async () => {
  let values = "";
  using at = played({ answer: (words) => (words.includes(" show ") ? { out: values } : undefined) });
  values = at.state;
  const stateDir = join(at.home, "state");
  const look = async () =>
    (await serviceFindings(at.host, stateDir))
      .map(({ level, text, mend }) => `${level}: ${text} | ${mend ?? ""}`)
      .join("\n");
  expect(await look()).toContain("ok: None is installed");
  await at.serve("install", { start: false });
  expect(await look()).toMatch(/^warn: remoteagent.service ends when ada logs out \| sudo loginctl enable-linger ada$/);
  writeFileSync(join(at.host.lingers, "ada"), "");
  expect(await look()).toBe("ok: remoteagent.service is active and begins at boot | ");
  values = "LoadState=loaded\nActiveState=failed\nSubState=failed\nUnitFileState=disabled\nResult=exit-code\n";
  expect(await look()).toMatch(
    /bad: .* failed: the program ended with an error \| .*journalctl --user[\s\S]*warn: .* does not begin at boot \| systemctl --user enable/,
  );
  values = at.state;
  writeFileSync(
    at.unit,
    unitText({ ...plan, scope: "user", stateDir, program: ["/nowhere/remoteagent"], version: programVersion }),
  );
  expect(await look()).toMatch(
    /^bad: .* starts \/nowhere\/remoteagent, which does not exist \| .*service install --user$/,
  );
  writeFileSync(at.unit, unitText({ ...plan, scope: "user", stateDir, version: "0.0.1" }));
  expect(await look()).toContain("was written by version 0.0.1");
});

test("the program itself: where systemd does not run the machine, or a word is wrong", async () => {
  await using run = program();
  const odd = await run.call("service", "instal");
  expect([odd.code, odd.err]).toEqual([2, expect.stringContaining("install, uninstall and status")]);
  const shown = await run.call("service", "install", "--user", "--dry-run", "--state-dir", "/srv/agent");
  expect([shown.code, shown.out]).toEqual([0, expect.stringContaining('"--state-dir=/srv/agent"')]);
  if (existsSync("/run/systemd/system")) return;
  const ended = await run.call("service", "install");
  expect([ended.code, ended.err]).toEqual([1, expect.stringContaining("systemd does not run this machine")]);
  expect((await run.call("service", "status")).code).toBe(3);
});
