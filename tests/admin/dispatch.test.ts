// The dispatcher: commands, flags, ids, error classes, generated help.
import { expect, test } from "bun:test";
import * as v from "valibot";
import { createDispatch } from "../../src/admin/dispatch.ts";
import { count, flagsOf, limitFlag, text, toggle, verb } from "../../src/admin/flags.ts";
import type { Resource } from "../../src/admin/resource.ts";
import { Failure } from "../../src/core/failure.ts";

const calls: unknown[] = [];
const schema = v.strictObject({
  mountPath: text("Where"),
  limit: limitFlag,
  deep: v.optional(toggle("All of it")),
  size: v.optional(count("How many", 5)),
});
const echo = (name: string, takesId = true) =>
  verb({ name, summary: `Does ${name}`, takesId, schema: v.strictObject({}), run: ({ id }) => `${name}:${id}` });
const things: Resource = {
  name: "things",
  summary: "Things",
  columns: ["id", "name"],
  verbs: [
    verb({ name: "list", summary: "Lists", schema, run: (args) => [calls.push(args)] }),
    echo("config"),
    echo("config get"),
    echo("config get all", false),
    verb({
      name: "break",
      summary: "Throws",
      schema: v.strictObject({ how: text("How") }),
      run: ({ how }) => {
        if (how === "known") throw new Failure("not-found", "Cannot find it: it is gone", { hint: "Look elsewhere" });
        if (how === "foreign") throw new Failure("forbidden", "Not yours");
        throw new Error("secret detail");
      },
    }),
  ],
};
const errors: [string, unknown][] = [];
const dispatch = createDispatch({ resources: [things], onError: (...error) => errors.push(error) });
const ask = (command: string, args: Record<string, unknown> = {}) =>
  dispatch({ id: "7", command, args }, { kind: "host" });
const refusal = async (command: string, args: Record<string, unknown> = {}) => {
  const answer = await ask(command, args);
  if (answer.ok) throw new Error("It was accepted");
  return answer.error;
};

test("the longest verb wins and the rest is the id, dashes and all", async () => {
  expect(await ask("things-config-get", { id: "a" })).toMatchObject({ id: "7", ok: true, data: "config get:a" });
  expect(await ask("things-config-get-ag-1f2e-9")).toMatchObject({ data: "config get:ag-1f2e-9" });
  expect(await ask("things-config-550e8400-e29b-41d4")).toMatchObject({ data: "config:550e8400-e29b-41d4" });
  expect(await ask("things-config-get-all")).toMatchObject({ data: "config get all:" });
  expect(await ask("things-config", { id: "--weird id/…" })).toMatchObject({ data: "config:--weird id/…" });
});

test("flags come in three spellings, are parsed, and have defaults", async () => {
  for (const key of ["mount-path", "mount_path", "mountPath"]) await ask("things-list", { [key]: "/x", size: "3" });
  expect(calls).toEqual([1, 2, 3].map(() => ({ id: "", mountPath: "/x", limit: 200, size: 3 })));
});

test("wrong arguments are named with flag and value", async () => {
  const cases: [Record<string, unknown>, string][] = [
    [{}, 'Cannot run "things list": --mount-path is missing'],
    [{ mountPath: 3 }, "Wrong value of --mount-path: 3 expected a text"],
    [{ mountPath: "x", size: "6" }, "Wrong value of --size: 6 must be at most 5"],
    [{ mountPath: "x", size: "-1" }, 'Wrong value of --size: "-1" expected a whole number'],
    [{ mountPath: "x", limit: 0 }, "Wrong value of --limit: 0 must be at least 1"],
    [{ mountPath: "x", deep: "yes" }, 'Wrong value of --deep: "yes" takes no value'],
    [{ mountPath: "x".repeat(5000) }, "has more than 4000 characters"],
    [{ mountPath: "x", colour: "red" }, 'Unknown flag "colour" of "things list"\nKnown: --mount-path, --limit'],
    [{ mountPath: "x", id: "1" }, "it takes no id"],
  ];
  for (const [args, message] of cases) {
    const error = await refusal("things-list", args);
    expect(error.code).toBe("invalid-args");
    expect(error.message).toContain(message);
  }
  expect(await refusal("things-config", { id: "  " })).toMatchObject({ code: "invalid-args" });
});

test("errors keep their class, and raw text stays in the log", async () => {
  expect(await refusal("nothing-list")).toMatchObject({ code: "unknown-command" });
  expect(await refusal("things-constructor")).toMatchObject({ code: "unknown-command" });
  expect(await refusal("things-break", { how: "known" })).toEqual({
    code: "not-found",
    message: "Cannot find it: it is gone\nLook elsewhere",
  });
  expect(await refusal("things-break", { how: "foreign" })).toMatchObject({ code: "forbidden" });
  const error = await refusal("things-break", { how: "other" });
  expect(error.code).toBe("handler-error");
  expect(error.message).not.toContain("secret detail");
  expect(errors).toHaveLength(1);
  expect(errors[0]?.[0]).toBe("things-break");
});

test("help is generated from the declarations", async () => {
  const all = await ask("help");
  expect(all).toMatchObject({ ok: true, data: "things  Things (list, config, config get, config get all, break)" });
  const one = await ask("things-help");
  if (!one.ok) throw new Error("No help");
  expect(one.data).toContain("things list --mount-path <text> [--limit <n>] [--deep] [--size <n>]");
  expect(one.data).toContain("things config get <id>");
  expect(await ask("things")).toEqual(one);
  expect(flagsOf({ schema }).map(({ name, kind, required }) => [name, kind, required])).toEqual([
    ["mount-path", "text", true],
    ["limit", "count", false],
    ["deep", "switch", false],
    ["size", "count", false],
  ]);
});
