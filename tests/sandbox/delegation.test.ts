// Our service's control group is divided by the kernel's rules, and nobody else's is touched.
import { expect, test } from "bun:test";
import { findFences } from "../../src/sandbox/host/cgroup.ts";
import { delegatedPath } from "../../src/sandbox/host/delegation.ts";
import { keepingLog } from "./host-setup.ts";
import { PlayedGroups } from "./played-groups.ts";

const unit = "/system.slice/remoteagent.service";
const top = `/sys/fs/cgroup${unit}`;
const bounds = { processesMax: 100, memoryBytesMax: 1_000_000 };

/** Looks for groups as a driver does when it is made, in a process whose group is `path`. */
const found = (files: PlayedGroups, path = unit) =>
  findFences({
    log: keepingLog([]),
    files,
    readText: (name) =>
      ({
        "/proc/self/mountinfo": "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n",
        "/proc/self/cgroup": `0::${path}\n`,
        "/proc/1/comm": "systemd\n",
      })[name],
  });

test("this process goes into a leaf, and the groups of commands have their bounds", () => {
  const files = new PlayedGroups(top, { offered: ["cpu", "memory", "pids"], processes: [process.pid] });
  const fence = found(files).make("a.b.1", bounds);
  const group = "remoteagent-a.b.1";
  expect(files.changes).toEqual([
    "make main",
    "write main cgroup.procs 0",
    "write . cgroup.subtree_control +memory",
    "write . cgroup.subtree_control +pids",
    `make ${group}`,
    `write ${group} pids.max 108`,
    `write ${group} memory.max 1000000`,
    // Of the memory controller, too.
    `write ${group} memory.oom.group 1`,
  ]);
  expect(fence?.prefix.at(-1)).toBe(`${top}/${group}/cgroup.procs`);
  expect(fence?.wasFull()).toBeUndefined();
  files.happens(`${top}/${group}`, { file: "memory.events", text: "low 0\noom 1\noom_kill 3\n" });
  expect(fence?.wasFull()).toBe("memory");
  files.happens(`${top}/${group}`, { file: "pids.events", text: "max 2\n" });
  expect(fence?.wasFull()).toBe("processes");
  fence?.remove();
  expect(files.list(top)).toEqual(["main"]);
});

test("a second look from within the leaf finds it done, and the same place for groups", () => {
  const files = new PlayedGroups(top, { offered: ["pids"], processes: [process.pid] });
  found(files);
  const before = files.changes.length;
  const fence = found(files, `${unit}/main`).make("a.b.2", bounds);
  expect(files.changes.slice(before)).toEqual(["make remoteagent-a.b.2", "write remoteagent-a.b.2 pids.max 108"]);
  expect(fence?.prefix.at(-1)).toBe(`${top}/remoteagent-a.b.2/cgroup.procs`);
});

test("a leaf that is there already is used", () => {
  const files = new PlayedGroups(top, { offered: ["pids"], processes: [process.pid] });
  files.make(`${top}/main`);
  found(files);
  expect(files.read(top, "cgroup.subtree_control")).toBe("pids\n");
  expect(files.read(`${top}/main`, "cgroup.procs")).toBe(`${process.pid}\n`);
});

test("one controller that is refused does not cost the other, and two leave all as it was", () => {
  const files = new PlayedGroups(top, { offered: ["memory", "pids"], processes: [process.pid] });
  files.refused.add("memory");
  found(files);
  expect(files.read(top, "cgroup.subtree_control")).toBe("pids\n");
  const none = new PlayedGroups(top, { offered: ["memory", "pids"], processes: [process.pid] });
  none.refused.add("memory").add("pids");
  const fences = found(none);
  expect(none.list(top)).toEqual([]);
  expect(none.read(top, "cgroup.procs")).toBe(`${process.pid}\n`);
  // As before: a group that kills, without bounds.
  expect(fences.make("a.b.1", bounds)?.prefix.at(-1)).toBe(`${top}/remoteagent-a.b.1/cgroup.procs`);
});

test("nothing is changed while another process is in the group, nothing is offered, or nothing may be written", () => {
  const offered = ["memory", "pids"];
  const shared = new PlayedGroups(top, { offered, processes: [process.pid, 1] });
  const bare = new PlayedGroups(top, { offered: ["cpu"], processes: [process.pid] });
  const locked = new PlayedGroups(top, { offered, processes: [process.pid] });
  locked.readOnly = true;
  for (const files of [shared, bare, locked]) {
    found(files);
    expect(files.changes).toEqual([]);
    expect(files.list(top)).toEqual([]);
  }
});

test("only our own unit's group is ours to divide", () => {
  const user = "/user.slice/user-1000.slice/user@1000.service/app.slice";
  for (const path of [unit, `${unit}/main`]) expect(delegatedPath(path)).toBe(unit);
  expect(delegatedPath(`${user}/remoteagent-work.service`)).toBe(`${user}/remoteagent-work.service`);
  expect(delegatedPath("/remoteagent.service")).toBe("/remoteagent.service");
  const others = [
    "/",
    "/main",
    "/init.scope",
    "/system.slice/ssh.service",
    "/system.slice/remoteagent.service.d",
    "/system.slice/remoteagent.service/remoteagent-a.b.1",
    "/system.slice/remoteagent.service/main/deeper",
    "/system.slice/my-remoteagent.service",
    "/user.slice/user-1000.slice/session-2.scope",
    `${user}/vte-spawn-1.scope`,
  ];
  for (const path of others) {
    expect(delegatedPath(path)).toBeUndefined();
    const files = new PlayedGroups(`/sys/fs/cgroup${path}`, { offered: ["pids"], processes: [process.pid] });
    found(files, path);
    expect(files.changes).toEqual([]);
  }
});
