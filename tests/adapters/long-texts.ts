// Parses texts that once took minutes, and says `all` when it came through; run by markdown.test.ts.
import { parseMarkdown } from "../../src/adapters/markdown.ts";

const patterns = [
  "line 1\n",
  "b\n",
  "  b\n",
  "a\n-\n",
  "- a\n  - b\n",
  "> a\n",
  "a  \n",
  "word ",
  "[a",
  "![",
  "*a ",
  "a_",
  "a*b_c`d[e]~f ",
  "\\[",
  "<a ",
];

for (const pattern of patterns) {
  const text = pattern.repeat(Math.ceil(300_000 / pattern.length));
  for (const before of ["", "- a\n"]) if (parseMarkdown(before + text).length === 0) throw new Error(pattern);
}
process.stdout.write("all\n");
