// The sum that scripts/test.sh ends with: every runner's closing lines are understood.
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { join } from "node:path";

const script = join(import.meta.dirname, "../../scripts/count.awk");
const count = (text: string) => spawnSync("awk", ["-f", script], { input: text, encoding: "utf8" }).stdout.trim();

test.each([
  [" 12 pass\n 1 skip\n 1 todo\n 2 fail\n 9 expect() calls\nRan 16 tests across 3 files. [39.00ms]\n", "12 2 2"],
  [" 1 pass\n 0 fail\nRan 1 test across 1 file. [3.00ms]\n", "1 0 0"],
  [" 0 pass\n 1 error\nRan 0 tests across 1 file. [3.00ms]\n", "0 1 0"],
  ["ok | 8 passed | 0 failed (414ms)\n", "8 0 0"],
  ["FAILED | 7 passed (3 steps) | 1 failed | 2 ignored (573ms)\n", "7 1 2"],
  ["3 passed, 1 failed, 2 skipped\n", "3 1 2"],
  ["a test that prints: 5 pass\n 7 pass\nnothing closes it\n", "0 0 0"],
  [
    " 2 pass\n 0 fail\nRan 2 tests across 1 file. [1ms]\nok | 1 passed | 0 failed (1ms)\n4 passed, 0 failed, 1 skipped\n",
    "7 0 1",
  ],
])("%j", (text, sum) => {
  expect(count(text)).toBe(sum);
});
