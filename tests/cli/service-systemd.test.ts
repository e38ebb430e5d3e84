// The service under a real systemd, which boots in namespaces of its own with nothing but this one unit.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { until } from "./program.ts";

setDefaultTimeout(120_000);

const root = resolve(import.meta.dirname, "../..");
const stateDir = "/var/lib/remoteagent";
/** Inside. */
const program = ["/opt/runtime/bun", "/opt/source/src/main.ts"];
const spaces = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--fork", "--kill-child"];

/** Why this machine cannot boot one; undefined when it can. */
function lack(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "only root of a Linux boots a systemd";
  if (!existsSync("/usr/lib/systemd/systemd")) return "systemd is not installed";
  const tried = spawnSync("unshare", [...spaces, "sh", "-c", "mount -t cgroup2 none /sys/fs/cgroup"], {
    timeout: 10_000,
  });
  return tried.status === 0 ? undefined : "this machine gives no namespaces";
}

const missing = lack();
const title = `under systemd${missing === undefined ? "" : ` (${missing})`}`;

describe.skipIf(missing !== undefined)(title, () => {
  let booted: ChildProcess;
  let said = "";

  /** Runs a command inside, as root or as the service's user. */
  const run = (argv: string[], { user = "root", input = "" }: { user?: "root" | "nobody"; input?: string } = {}) => {
    const [unshared = ""] = children(booted.pid ?? 0);
    const env = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", `REMOTEAGENT_STATE_DIR=${stateDir}`];
    const as = user === "root" ? [] : ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"];
    const enter = ["--target", unshared, "--mount", "--pid", "--cgroup", "--uts", "--ipc", ...as, ...env, ...argv];
    const ran = spawnSync("nsenter", enter, { encoding: "utf8", input, timeout: 60_000 });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  };
  const call = (...args: string[]) => run([...program, ...args]);
  const facts = () =>
    JSON.parse(call("service", "status", "--json").out) as { active: string; pid: number; restarts: number };

  beforeAll(async () => {
    const boot = join(import.meta.dirname, "boot-systemd.sh");
    booted = spawn("unshare", [...spaces, "sh", boot, root, dirname(process.execPath)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [booted.stdout, booted.stderr]) stream?.on("data", (chunk) => (said += chunk));
    await until(() => run(["systemctl", "is-system-running"]).out === "running\n", `It does not boot: ${said}`);
  });
  afterAll(() => {
    booted.kill("SIGKILL");
  });

  test("install starts it as another user, whose sandbox works in spite of every restriction", () => {
    const installed = call("service", "install", "--run-as", "nobody");
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.out).toContain(`remoteagent.service runs as nobody, with the state folder ${stateDir}`);
    expect(facts()).toMatchObject({ active: "active", enabled: true, restarts: 0, result: "success", scope: "system" });
    const status = JSON.parse(run([...program, "status", "--json"], { user: "nobody" }).out) as object;
    expect(status).toMatchObject({ pid: facts().pid, sandbox: { isolation: "bubblewrap", works: true } });
    const asked = run([...program, "chat", "--print", "run id -un; ls /proc/self/ns; touch /usr/x"], {
      user: "nobody",
    });
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.out).toContain("nobody\n");
    expect(asked.out).toContain("pid_for_children");
    expect(asked.out).toContain("Read-only file system");
  });

  test("a main loop that hangs is started anew", async () => {
    const hang = `--preload /opt/source/tests/cli/hang-on-signal.ts`;
    const command = `ExecStart=/opt/runtime/bun ${hang} /opt/source/src/main.ts run --state-dir=${stateDir}`;
    const dropIn = `[Service]\nWatchdogSec=1\nRestartSec=100ms\nExecStart=\n${command}\n`;
    const folder = "/etc/systemd/system/remoteagent.service.d";
    run(["sh", "-c", `mkdir -p ${folder} && cat >${folder}/quick.conf && systemctl daemon-reload`], { input: dropIn });
    expect(call("restart")).toMatchObject({ code: 0 });
    const before = facts();
    run(["systemctl", "kill", "--signal=USR2", "--kill-who=main", "remoteagent"]);
    await until(() => facts().restarts > before.restarts && facts().active === "active", `It hangs on: ${said}`);
    expect(facts().pid).not.toBe(before.pid);
    run(["sh", "-c", `rm -r ${folder} && systemctl daemon-reload`]);
  });

  test("stop, start and restart of the program are the manager's", () => {
    const stopped = call("stop");
    expect(stopped).toMatchObject({ code: 0 });
    expect(facts().active).toBe("inactive");
    expect(call("service", "status").code).toBe(3);
    expect(call("stop").code).toBe(3);
    expect(call("start")).toMatchObject({ code: 0 });
    const first = facts();
    expect(first.active).toBe("active");
    expect(call("start").code).toBe(4);
    expect(call("restart")).toMatchObject({ code: 0 });
    const second = facts();
    expect([second.active, second.pid === first.pid]).toEqual(["active", false]);
    const other = call("restart", "--model", "demo/offline");
    expect([other.code, facts().pid]).toEqual([2, second.pid]);
    expect(other.err).toContain("as its unit says");
  });

  test("who may not start it again does not stop it, and may stop it", () => {
    const { pid } = facts();
    const restarted = run([...program, "restart"], { user: "nobody" });
    expect(restarted.code).toBe(1);
    expect(restarted.err).toContain("sudo systemctl restart remoteagent");
    expect(facts()).toMatchObject({ active: "active", pid });
    expect(run([...program, "stop"], { user: "nobody" })).toMatchObject({ code: 0 });
    expect(facts().active).toBe("inactive");
    const started = run([...program, "start"], { user: "nobody" });
    expect([started.code, started.err]).toEqual([1, expect.stringContaining("sudo systemctl start remoteagent")]);
  });

  test("wrong settings are said, and not started again and again", () => {
    run(["sh", "-c", `cp ${stateDir}/settings.json ${stateDir}/kept; echo '{' >${stateDir}/settings.json`]);
    const started = call("start");
    expect([started.code, started.err]).toEqual([1, expect.stringContaining("Cannot start remoteagent.service")]);
    expect(facts()).toMatchObject({ active: "failed", restarts: 0 });
    run([
      "sh",
      "-c",
      `rm -f ${stateDir}/settings.json; test ! -e ${stateDir}/kept || mv ${stateDir}/kept ${stateDir}/settings.json`,
    ]);
    expect(call("start")).toMatchObject({ code: 0 });
  });

  test("uninstall removes the unit and nothing else", () => {
    const removed = call("service", "uninstall");
    expect(removed).toMatchObject({ code: 0 });
    expect(removed.out).toContain(`still in ${stateDir}`);
    expect(JSON.parse(call("service", "status", "--json").out)).toEqual({ installed: false, systemd: true });
    expect(run(["ls", `${stateDir}/remoteagent.db`, "/etc/systemd/system"]).out).toBe(
      `${stateDir}/remoteagent.db\n\n/etc/systemd/system:\n`,
    );
    expect(call("service", "uninstall").out).toContain("no service to remove");
  });

  test("one of root has the capabilities that its sandbox needs, and no others", () => {
    run(["rm", "-rf", stateDir]);
    expect(call("service", "install", "--run-as", "root")).toMatchObject({ code: 0 });
    const status = checked(() => call("status", "--json").out);
    expect(status).toMatchObject({ pid: facts().pid, sandbox: { isolation: "bubblewrap", works: true } });
    const asked = call("chat", "--print", "run id -un; touch /usr/x; grep CapEff /proc/self/status");
    expect(asked.out).toContain("root\n");
    expect(asked.out).toContain("Read-only file system");
    expect(asked.out).toContain("CapEff:\t00000000000004eb");
    const bounding = run(["grep", "CapBnd", `/proc/${facts().pid}/status`]).out;
    expect(bounding).toBe("CapBnd:\t00000000002005eb\n");
    expect(call("service", "uninstall").code).toBe(0);
  });

  test("a user's own service works in that user's own manager", () => {
    const folders = "/run/user/65534 /home/nobody";
    const prepare = [
      `mkdir -p ${folders}; chown nobody ${folders}; chmod 700 ${folders}`,
      "cp /run/targets/multi-user.target /run/targets/default.target",
      "cat >/run/targets/manager.service; systemctl daemon-reload; systemctl start manager",
    ];
    expect(run(["sh", "-c", prepare.join("\n")], { input: userManager })).toMatchObject({ code: 0 });
    const env = ["env", "-u", "REMOTEAGENT_STATE_DIR", "HOME=/home/nobody", "XDG_RUNTIME_DIR=/run/user/65534"];
    const own = (...args: string[]) => run([...env, ...program, ...args], { user: "nobody" });
    const installed = own("service", "install");
    expect(installed).toMatchObject({ code: 0 });
    expect(installed.err).toContain("sudo loginctl enable-linger nobody");
    expect(JSON.parse(own("service", "status", "--json").out)).toMatchObject({ active: "active", scope: "user" });
    expect(checked(() => own("status", "--json").out)).toMatchObject({
      sandbox: { isolation: "bubblewrap", works: true },
    });
    expect(own("restart")).toMatchObject({ code: 0 });
    expect(own("chat", "--print", "run id -un").out).toContain("nobody\n");
    expect(own("service", "uninstall")).toMatchObject({ code: 0 });
    expect(own("service", "status")).toMatchObject({ code: 3 });
  });
});

/** The status once the sandbox has been tried, which begins with the start and takes a moment. */
function checked(read: () => string): unknown {
  for (let look = 0; ; look += 1) {
    const text = read();
    if (look >= 50 || !text.includes('"being checked"')) return JSON.parse(text);
    Bun.sleepSync(100);
  }
}

/** A manager of the user nobody, as a login would start it. */
const userManager = `[Unit]
DefaultDependencies=no
[Service]
Type=notify
User=nobody
Delegate=yes
Environment=HOME=/home/nobody XDG_RUNTIME_DIR=/run/user/65534
Environment=SYSTEMD_UNIT_PATH=/home/nobody/.config/systemd/user:/run/targets
ExecStart=/usr/lib/systemd/systemd --user
`;

/** The processes that `pid` started. */
function children(pid: number): string[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, "utf8").trim().split(" ") : [];
}
