// The document's figures: a run of a part changes its own lines, and a line says of which commit it is.
import { expect, test } from "bun:test";
import { type Report, withFigures } from "../bench/report.ts";
import { summarise } from "../bench/statistics.ts";

function report(commit: string, rows: readonly [name: string, ms: number][]): Report {
  return {
    at: "2026-02-03T04:05:06Z",
    machine: "a machine",
    version: `1 (${commit})`,
    commit,
    quick: false,
    rows: rows.map(([name, ms]) => ({
      name,
      unit: "ms",
      against: "itself",
      base: summarise([1]),
      ours: summarise([ms]),
      ratio: { median: ms, p95: ms },
    })),
    notes: [{ name: "size", value: rows.length, unit: "MB" }],
  };
}

const lines = (text: string) => text.split("\n").filter((line) => line.startsWith("| ") && line.includes("itself"));

test("what was not measured again keeps its line", () => {
  const empty = "# Speed\n<!-- figures -->\n<!-- /figures -->\nWhy\n";
  const whole = withFigures(empty, {
    report: report("aaa", [
      ["start", 2],
      ["stop", 3],
    ]),
    whole: true,
  });
  const part = withFigures(whole, {
    report: report("bbb", [
      ["stop", 4],
      ["turn", 5],
    ]),
    whole: false,
  });
  expect(lines(part).map((line) => line.match(/\| (\w+) \(ms\).*(\d\.\d\d)×.*\| (\w+) \|$/)?.slice(1))).toEqual([
    ["start", "2.00", "aaa"],
    ["stop", "4.00", "bbb"],
    ["turn", "5.00", "bbb"],
  ]);
  expect(part.match(/^- size: .*$/gm)).toEqual(["- size: 2.00 MB"]);
  expect(part).toEndWith("<!-- /figures -->\nWhy\n");
  const again = withFigures(part, { report: report("ccc", [["start", 6]]), whole: true });
  expect(lines(again).length).toBe(1);
});
