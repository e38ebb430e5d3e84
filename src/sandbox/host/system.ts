// Which parts of the host's system every sandbox sees, always read-only.
import { existsSync, lstatSync, readdirSync, readlinkSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { isWithin } from "../../core/folder.ts";
import type { SystemEntry } from "../bubblewrap.ts";

/** Programs and libraries. Links (`/bin → usr/bin`) stay links. */
const folders = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/**
 * What programs need of /etc to know users, names, time, certificates and themselves. Never: passwords, host keys,
 * private certificates, package mirrors' logins, the settings of services. Each one costs every command some 0.1 ms.
 */
const settings = [
  "alternatives",
  "crypto-policies",
  "fonts",
  "gitconfig",
  "group",
  "hosts",
  "ld.so.cache",
  "localtime",
  "mime.types",
  "nsswitch.conf",
  "os-release",
  "passwd",
  "pki/ca-trust",
  "pki/tls/cert.pem",
  "pki/tls/certs",
  "protocols",
  "resolv.conf",
  "services",
  "ssl/cert.pem",
  "ssl/certs",
  "ssl/openssl.cnf",
  "timezone",
];

/** Language runtimes that keep part of themselves in /etc. */
const runtimes = /^(java|maven|php|R$)/;

/** Files below /proc that root may write and that change the whole machine (core_pattern, sysrq). */
const dangerousProc = ["/proc/sys", "/proc/sysrq-trigger", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/mtrr"];

/** The read-only system of this machine, as it is now. */
export function systemEntries(): SystemEntry[] {
  const entries: SystemEntry[] = [];
  for (const path of folders) if (existsSync(path)) entries.push(entryFor(path, "ro"));
  const names = existsSync("/etc") ? readdirSync("/etc").filter((name) => runtimes.test(name)) : [];
  for (const name of [...settings, ...names]) {
    const path = join("/etc", name);
    if (existsSync(path)) entries.push(entryFor(path, "try"));
  }
  return entries;
}

/** What root must not write below /proc; for an ordinary user the kernel refuses it anyway. */
export function procReadOnly(): string[] {
  return dangerousProc.filter((path) => existsSync(path));
}

function entryFor(path: string, kind: "ro" | "try"): SystemEntry {
  if (!lstatSync(path).isSymbolicLink()) return { kind, path };
  // A link into what is there anyway stays one (its name can matter, as the time zone's does); the target of any
  // other is bound in its place (resolv.conf → /run/systemd/…).
  return isWithin(realpathSync(path), "/usr") ? { kind: "link", path, target: readlinkSync(path) } : { kind, path };
}
