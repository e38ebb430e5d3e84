// Which words of a stored value are hidden, and that ordinary text is left alone.
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRedactor } from "../../src/vault/redact.ts";
import { secretWords } from "../../src/vault/values.ts";

const words = (text: string, kind: "env" | "file" = "file") => secretWords(kind, new TextEncoder().encode(text));

test("of JSON the secret fields and what looks random, not the settings beside them", () => {
  const account = {
    type: "service_account",
    project_id: "my-project-of-2026",
    private_key_id: "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    private_key: "-----BEGIN THING-----\nQmFzZTY0bGluZQ==\n-----END THING-----\n",
    client_email: "robot-7@my-project.example.com",
    token_uri: "https://oauth2.example.com/token",
    nested: [{ refresh_token: "1//refresh", short_key: "1234567" }],
  };
  expect(words(JSON.stringify(account, null, 2)).sort()).toEqual(
    [account.private_key, account.private_key_id, "1//refresh"].sort(),
  );
  // A variable that is JSON is hidden as a whole, and in its fields.
  const text = JSON.stringify(account);
  expect(words(text, "env")).toContain(text);
  expect(words(text, "env")).toContain("1//refresh");
});

test("of lines the values of secret names, and words of letters and digits", () => {
  const kube = [
    "apiVersion: v1",
    "clusters:",
    "- cluster:",
    "    certificate-authority-data: TFMwdExTMUNSVWRKVGlCRFJWSlVTVVpKUTBGVVJTMHRMUzB0",
    "    server: https://kubernetes.example.com:6443",
    "users:",
    "- user:",
    "    token: words-and-more-words",
    "    client-key-data: 'TFMwdExTMUNSVWRKVGlC'",
  ].join("\n");
  expect(words(kube).sort()).toEqual(
    ["TFMwdExTMUNSVWRKVGlCRFJWSlVTVVpKUTBGVVJTMHRMUzB0", "words-and-more-words", "TFMwdExTMUNSVWRKVGlC"].sort(),
  );
  const netrc = "machine api.example.com\n  login ann\n  password a1b2c3d4e5f6g7h8i9\n";
  expect(words(netrc)).toEqual(["a1b2c3d4e5f6g7h8i9"]);
});

test("an address is hidden when it holds a key", () => {
  const addresses = {
    hook: "https://hooks.example.com/services/T0001/B0001/a1b2c3d4e5f6g7h8i9j0",
    database: "postgres://ann:hunter2@db.example.com:5432/shop",
    page: "https://example.com:8443/docs/2026/how-to-begin?lang=en",
  };
  expect(words(JSON.stringify(addresses))).toEqual([addresses.hook, addresses.database]);
});

test("a plain value is one word, and bytes that are no text are known by base64 and hex", () => {
  expect(words("correct horse", "env")).toEqual(["correct horse"]);
  const bytes = Uint8Array.from({ length: 90 }, (_, at) => (at * 37) % 256);
  const found = secretWords("file", bytes);
  expect(found).toContain(Buffer.from(bytes).toString("hex"));
  const lines =
    Buffer.from(bytes)
      .toString("base64")
      .match(/.{1,76}/g) ?? [];
  expect(found).toContain(lines[0] ?? "");
});

test("files of credentials hide nothing of this program's own sources", () => {
  const values = [
    ...words(JSON.stringify({ type: "authorized_user", client_id: "x", refresh_token: "1//0refresh-TOKEN-of-it" })),
    ...words(
      "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU1Njc4OTA=\n-----END OPENSSH PRIVATE KEY-----\n",
    ),
    ...words("[default]\nregion = eu-central-1\noutput = json\naws_secret_access_key = abcdEFGH1234ijklMNOP5678\n"),
  ];
  expect(values.length).toBeGreaterThan(2);
  const redactor = createRedactor(() => values);
  const root = join(import.meta.dirname, "../../src");
  let files = 0;
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith(".ts")) continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    expect([entry.name, redactor.exact(text) === text]).toEqual([entry.name, true]);
    files += 1;
  }
  expect(files).toBeGreaterThan(200);
});
