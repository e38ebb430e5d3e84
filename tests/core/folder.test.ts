// Which folders an agent may be given.
import { expect, test } from "bun:test";
import { grantProblem } from "../../src/core/folder.ts";

const own = { state: "/home/me/.remoteagent", workspace: "/data/ws" };
const writable = (real: string) => grantProblem(real, { access: "rw", ...own });

test("neither the state folder nor the workspace, around them or in them", () => {
  expect(writable("/home/me/.remoteagent")).toBe("it is inside the state folder");
  expect(writable("/home/me/.remoteagent/x")).toBe("it is inside the state folder");
  expect(writable("/home/me")).toBe("it holds the state folder");
  expect(writable("/data")).toBe("it holds the workspace");
  expect(writable("/data/ws")).toBe("it is inside the workspace");
  expect(writable("/data/ws/channels/x")).toBe("it is inside the workspace");
  expect(grantProblem("/data/ws/skills", { access: "ro", ...own })).toBe("it is inside the workspace");
  expect(writable("/data/ws2")).toBeUndefined();
});

test.each([
  "/etc",
  "/etc/cron.d",
  "/usr/local/bin",
  "/boot",
  "/run/user/1000",
  "/var",
  "/var/spool/cron",
  "/var/lib/x",
])("%s is the system's and cannot be written", (path) => {
  expect(writable(path)).toBe("it belongs to the system, so it cannot be writable");
  expect(grantProblem(path, { access: "ro", ...own })).toBeUndefined();
});

test.each(["/bin", "/sbin", "/lib", "/lib64", "/proc/1", "/dev/shm", "/sys", "/root", "/var/www", "/var/tmp"])(
  "%s as a whole cannot be written",
  (path) => expect(writable(path)).toBe("it belongs to the system, so it cannot be writable"),
);

test.each([
  "/root/project",
  "/home/me/code",
  "/home/other/code",
  "/srv/app",
  "/opt/app",
  "/var/www/site",
  "/run/media/me/disk",
  "/usr/src/linux",
  "/library",
  "/etcetera",
])("%s is a person's", (path) => expect(writable(path)).toBeUndefined());
