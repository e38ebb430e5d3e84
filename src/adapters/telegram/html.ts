// Blocks → the HTML that Telegram's parser takes, with all that the server counts.
import type { Inline, Node } from "../markdown.ts";
import { drawTable } from "../table.ts";
import { textOf } from "../tree.ts";

/** What one message would be. */
export interface Drawn {
  html: string;
  /** The text as it is shown: without tags, entities decoded. */
  text: string;
  /** {@link text}, with the address behind each link that does not show it. */
  plain: string;
  /** Formatted stretches, and about how much room they take in the server's own form. */
  entities: number;
  entityBytes: number;
}

/** A tag around a stretch of text. Compared by identity: two links to one address are two tags. */
interface Tag {
  open: string;
  close: string;
  url?: string;
  /** Nothing may be inside of it, and its white space counts. */
  code?: boolean;
}

const bold: Tag = { open: "<b>", close: "</b>" };
const italic: Tag = { open: "<i>", close: "</i>" };
const strike: Tag = { open: "<s>", close: "</s>" };
const mono: Tag = { open: "<code>", close: "</code>", code: true };

/** A quote with more text than this can be folded. */
const quoteUnitsMax = 500;
const quoteLinesMax = 8;
const bullets = ["•", "◦", "▪"];
const ruler = "──────────";
const indent = "    ";

/** Draws `nodes`, which must be legal. White space around the text is gone. */
export function draw(nodes: readonly Node[]): Drawn {
  const writer = new Writer();
  writer.blocks(nodes, { tight: false });
  return serialize(trimmed(writer.runs));
}

/** True when a person would see nothing of `text`. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{M}\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164\uffa0]/u.test(text);
}

/** A stretch of text with the tags around it, the outermost first. */
interface Run {
  text: string;
  tags: readonly Tag[];
}

interface Style {
  link?: Tag;
  bold?: boolean;
  italic?: boolean;
  strike?: boolean;
}

class Writer {
  readonly runs: Run[] = [];
  #quote: Tag | undefined;
  #lastQuote: Tag | undefined;
  /** Before each line: quote marks and the room of list markers. */
  #margin = "";
  /** Instead of the margin, once. */
  #marker: string | null = null;
  #gap = 0;
  #depth = 0;

  blocks(nodes: readonly Node[], { tight }: { tight: boolean }): void {
    for (const [index, node] of nodes.entries()) {
      const solid = isSolid(node) || isSolid(nodes[index - 1]);
      if (index > 0) this.#separate(tight || solid ? 1 : 2);
      this.#block(node);
      if (isSolid(node)) this.#separate(1);
    }
  }

  /** At least so many line ends before what comes next. */
  #separate(lines: number): void {
    this.#gap = Math.max(this.#gap, lines);
  }

  #block(node: Node): void {
    if (node.type === "paragraph") this.#inlines(node.children, {});
    else if (node.type === "heading") this.#inlines(node.children, { bold: true });
    else if (node.type === "code") this.#pre(node.text, node.language);
    else if (node.type === "table") this.#pre(drawTable(node), "");
    else if (node.type === "rule") this.#text(ruler, {});
    else if (node.type === "list") this.#list(node);
    else this.#quoted(node);
  }

  #pre(text: string, language: string): void {
    if (text.trim() === "") return;
    const named = /^[\w+#.-]{1,32}$/.test(language);
    this.#write(
      text.replace(/\s+$/, ""),
      named
        ? { open: `<pre><code class="language-${language}">`, close: "</code></pre>", code: true }
        : { open: "<pre>", close: "</pre>", code: true },
    );
  }

  #list(list: Extract<Node, { type: "list" }>): void {
    const [margin, outer] = [this.#margin, this.#marker];
    for (const [index, item] of list.items.entries()) {
      const bullet =
        list.start === null ? bullets[Math.min(this.#depth, bullets.length - 1)] : `${list.start + index}.`;
      const box = item.checked === undefined ? "" : item.checked ? "☑ " : "☐ ";
      const own = item.continued === true ? indent : box !== "" && list.start === null ? box : `${bullet} ${box}`;
      this.#separate(1);
      this.#marker = `${(index === 0 ? outer : null) ?? margin}${own}`;
      this.#margin = margin + indent;
      this.#depth += 1;
      this.blocks(item.children, { tight: true });
      this.#depth -= 1;
      this.#margin = margin;
      // An entry that is empty, or begins with code, has its marker on a line of its own.
      if (this.#marker !== null && item.continued !== true) this.#text("", {});
      this.#marker = null;
    }
  }

  /** Telegram knows no quote in a quote: the inner one is marked as in a letter. */
  #quoted(quote: Extract<Node, { type: "quote" }>): void {
    if (this.#quote !== undefined) {
      const margin = this.#margin;
      this.#margin = `${margin}> `;
      if (this.#marker !== null) this.#marker += "> ";
      this.blocks(quote.children, { tight: true });
      this.#margin = margin;
      return;
    }
    const text = textOf(quote.children);
    const long = text.length > quoteUnitsMax || text.split("\n").length > quoteLinesMax;
    const margin = this.#margin;
    if (this.#marker !== null) this.#text("", {});
    this.#separate(1);
    this.#margin = "";
    this.#quote = { open: long ? "<blockquote expandable>" : "<blockquote>", close: "</blockquote>" };
    this.blocks(quote.children, { tight: false });
    this.#quote = undefined;
    this.#margin = margin;
    this.#separate(1);
  }

  #inlines(children: readonly Inline[], style: Style): void {
    for (const child of children) {
      switch (child.type) {
        case "text":
          this.#text(child.text, style);
          break;
        case "code":
          // Code may not be in anything, and a link is worth more than its font.
          if (style.link === undefined && child.text.trim() !== "") this.#text(child.text, style, mono);
          else this.#text(child.text, style);
          break;
        case "break":
          this.#text("\n", style);
          break;
        case "image":
          this.#text(child.alt, style);
          break;
        case "link":
          this.#inlines(child.children, { ...style, link: style.link ?? linkTag(child.url) });
          break;
        case "strong":
          this.#inlines(child.children, { ...style, bold: true });
          break;
        case "emphasis":
          this.#inlines(child.children, { ...style, italic: true });
          break;
        case "strike":
          this.#inlines(child.children, { ...style, strike: true });
      }
    }
  }

  /** Lines of text, each behind the margin. An empty text shows the marker that waits. */
  #text(text: string, style: Style, code?: Tag): void {
    const tags = code === undefined ? tagsOf(style) : [code];
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) this.#put(`\n${this.#margin}`, tags);
      if (index === 0 || line !== "") this.#open();
      this.#put(line, tags);
    }
  }

  #write(text: string, tag: Tag): void {
    if (this.#marker !== null) this.#open();
    if (this.#gap === 0 && this.runs.length > 0) this.#gap = 1;
    const margin = this.#margin;
    this.#margin = "";
    this.#open();
    this.#margin = margin;
    this.#put(text, [tag]);
  }

  /** The line ends that were asked for, and the margin or marker of the first line. */
  #open(): void {
    const fresh = this.runs.length === 0;
    if (this.#gap === 0 && this.#marker === null && !fresh) return;
    const quote = this.#quote === this.#lastQuote ? this.#quote : undefined;
    if (!fresh && this.#gap > 0)
      this.runs.push({ text: "\n".repeat(this.#gap), tags: quote === undefined ? [] : [quote] });
    this.#gap = 0;
    const lead = this.#marker ?? this.#margin;
    this.#marker = null;
    this.#put(lead, []);
  }

  #put(text: string, tags: readonly Tag[]): void {
    if (text === "") return;
    this.runs.push({ text, tags: this.#quote === undefined ? tags : [this.#quote, ...tags] });
    this.#lastQuote = this.#quote;
  }
}

/** Blocks that Telegram sets apart by itself. */
function isSolid(node: Node | undefined): boolean {
  return node?.type === "code" || node?.type === "table" || node?.type === "quote";
}

function tagsOf(style: Style): Tag[] {
  return [
    ...(style.link === undefined ? [] : [style.link]),
    ...(style.bold === true ? [bold] : []),
    ...(style.italic === true ? [italic] : []),
    ...(style.strike === true ? [strike] : []),
  ];
}

function linkTag(url: string): Tag {
  return { open: `<a href="${escapeHtml(url).replaceAll('"', "&quot;")}">`, close: "</a>", url };
}

/** Without the white space that Telegram cuts off: all at the end, at the start what is not code. */
function trimmed(runs: readonly Run[]): Run[] {
  const out = [...runs];
  for (let first = out[0]; first !== undefined; first = out[0]) {
    const text = first.tags.some(({ code }) => code === true) ? first.text : first.text.trimStart();
    if (text !== "") {
      out[0] = { ...first, text };
      break;
    }
    out.shift();
  }
  for (let last = out.at(-1); last !== undefined; last = out.at(-1)) {
    const text = last.text.trimEnd();
    out.pop();
    if (text === "") continue;
    out.push({ ...last, text });
    break;
  }
  return out;
}

function serialize(runs: readonly Run[]): Drawn {
  const out: Drawn = { html: "", text: "", plain: "", entities: 0, entityBytes: 0 };
  const open: Tag[] = [];
  let linkFrom = 0;
  const closeTo = (depth: number) => {
    for (const tag of open.splice(depth).toReversed()) {
      out.html += tag.close;
      const shown = tag.url === undefined || out.text.slice(linkFrom).includes(tag.url);
      if (!shown) out.plain += ` (${tag.url})`;
    }
  };
  for (const { text, tags } of runs) {
    const same = tags.findIndex((tag, index) => open[index] !== tag);
    closeTo(same < 0 ? tags.length : same);
    for (const tag of tags.slice(open.length)) {
      if (tag.url !== undefined) linkFrom = out.text.length;
      out.html += tag.open;
      out.entities += 1;
      out.entityBytes += 20 + Buffer.byteLength(tag.open);
      open.push(tag);
    }
    out.html += escapeHtml(text);
    out.text += text;
    out.plain += text;
  }
  closeTo(0);
  return out;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
