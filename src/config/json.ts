// JSON as a person wrote it: where it breaks, in line and column. Engines differ in what they tell.
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";

/** Parses JSON text. @throws Failure `settings` naming `name`, line and column. */
export function parseJson(text: string, name: string): unknown {
  // A byte order mark is what some editors put before a file.
  const body = text.startsWith("\ufeff") ? text.slice(1) : text;
  try {
    return JSON.parse(body) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const { line, column, wanted } = findBreak(body);
    throw new Failure(
      "settings",
      `Cannot read settings ${JSON.stringify(name)}: line ${line}, column ${column}: ${wanted}`,
      {
        cause: error,
      },
    );
  }
}

const token =
  /[ \t\n\r]*(?:("(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)|([{}[\],:]))/y;

type Place = "value" | "key" | "colon" | "next" | "end" | "firstKey" | "firstValue";

const wantedAt: Record<Place, string> = {
  value: "expected a value",
  firstValue: 'expected a value or "]"',
  key: "expected a name in double quotes",
  firstKey: 'expected a name in double quotes or "}"',
  colon: 'expected ":"',
  next: 'expected "," or the closing bracket',
  end: "expected the end of the file",
};

/** Where the text stops being JSON (both counted from 1) and what should stand there. */
export function findBreak(text: string): { line: number; column: number; wanted: string } {
  const stack: ("{" | "[")[] = [];
  let place: Place = "value";
  let at = 0;
  const reader = new RegExp(token);
  for (let tokens = 0; tokens <= limits.settingsBytesMax; tokens++) {
    reader.lastIndex = at;
    const match = reader.exec(text);
    const next: Place | undefined = match === null ? undefined : step({ place, stack, match });
    if (next === undefined) break;
    place = next;
    at = reader.lastIndex;
  }
  const rest = /^[ \t\n\r]*/.exec(text.slice(at))?.[0].length ?? 0;
  const before = text.slice(0, at + rest).split("\n");
  const wanted =
    at + rest >= text.length && place !== "end" ? `${wantedAt[place]}, but the file ends` : wantedAt[place];
  return { line: before.length, column: (before.at(-1) ?? "").length + 1, wanted };
}

/** The place after one more token; undefined when it may not stand here. Changes `stack`. */
function step({
  place,
  stack,
  match,
}: {
  place: Place;
  stack: ("{" | "[")[];
  match: RegExpExecArray;
}): Place | undefined {
  const [, string, scalar, sign] = match;
  const after = (): Place => (stack.length === 0 ? "end" : "next");
  if (place === "colon") return sign === ":" ? "value" : undefined;
  if (place === "end") return undefined;
  if (place === "key" || place === "firstKey") {
    if (string !== undefined) return "colon";
    if (sign !== "}" || place === "key") return undefined;
    stack.pop();
    return after();
  }
  if (place === "next") {
    const open = stack.at(-1);
    if (sign === ",") return open === "{" ? "key" : "value";
    if (sign !== (open === "{" ? "}" : "]")) return undefined;
    stack.pop();
    return after();
  }
  if (string !== undefined || scalar !== undefined) return after();
  if (sign === "]" && place === "firstValue") {
    stack.pop();
    return after();
  }
  if (sign !== "{" && sign !== "[") return undefined;
  stack.push(sign);
  return sign === "{" ? "firstKey" : "firstValue";
}
