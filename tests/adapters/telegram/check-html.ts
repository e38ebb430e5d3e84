// Telegram's HTML parser, stricter: what it would refuse, drop or read differently is an error here.

/** The text and what is counted beside it. */
export interface Checked {
  text: string;
  entities: number;
}

const plainTags = ["b", "i", "u", "s", "code", "pre", "blockquote", "blockquote expandable", "tg-spoiler"];

/** Reads `html`; throws on a tag that is unknown, unbalanced or in a wrong place, and on a raw `<`, `>` or `&`. */
export function checkHtml(html: string): Checked {
  if (!html.isWellFormed()) throw new Error("a lone surrogate");
  const open: string[] = [];
  let text = "";
  let entities = 0;
  for (const [token] of html.matchAll(/<[^>]*>?|[^<]+/g)) {
    if (!token.startsWith("<")) {
      if (/>|&(?!(?:lt|gt|amp|quot);)/.test(token)) throw new Error(`a raw character in ${JSON.stringify(token)}`);
      text += decode(token);
    } else if (token.startsWith("</")) {
      if (open.pop() !== token.slice(2, -1)) throw new Error(`${token} closes something else`);
    } else {
      entities += openTag(token, open, html) ? 1 : 0;
    }
  }
  if (open.length > 0) throw new Error(`${open.join()} stays open`);
  return { text, entities };
}

/** False for the inner tag of a `pre` with a language. */
function openTag(token: string, open: string[], html: string): boolean {
  const inner = /^<([^>]*)>$/.exec(token)?.[1] ?? "";
  const name = inner.split(" ", 1)[0] ?? "";
  const language = /^code class="language-[\w+#.-]{1,32}"$/.test(inner);
  const link = /^a href="(?:https?:\/\/|tg:\/\/)(?:[^<>"&\s]|&(?:lt|gt|amp|quot);)+"$/.test(inner);
  if (!plainTags.includes(inner) && !link && !language) throw new Error(`unknown tag ${token}`);
  const parent = open.at(-1);
  if (language !== (parent === "pre" && name === "code")) throw new Error(`${token} in ${parent}`);
  if (!language && open.some((one) => one === "pre" || one === "code")) throw new Error(`${token} in code in ${html}`);
  if (name === "code" && !language && open.some((one) => one !== "blockquote"))
    throw new Error(`code in ${open.join()}`);
  if (open.includes(name)) throw new Error(`${token} in itself`);
  if (name === "blockquote" && open.length > 0) throw new Error(`a quote in ${open.join()}`);
  open.push(name);
  return !language;
}

function decode(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&quot;", '"').replaceAll("&amp;", "&");
}
