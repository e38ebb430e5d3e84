// The tree of a text as elements of the page: built by the document's own functions, so that no text is ever read as HTML.

/**
 * An element with its properties and children; texts become text nodes.
 * @param {string} tag
 * @param {{ class?: string, data?: object, [name: string]: any }} [properties] `class` and `data` besides the element's own
 * @param {...(Node | string)} children
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  const { class: className, data, ...others } = properties;
  if (className !== undefined) made.className = className;
  Object.assign(made.dataset, data);
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined) continue;
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** The blocks of a text. */
export function drawBlocks(blocks) {
  return blocks.map(drawBlock);
}

/** Only addresses that lead to pages and mail are links; of any other scheme the text is all that is left. */
function safeAddress(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url !== undefined && ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
}

function drawBlock(block) {
  switch (block.type) {
    case "paragraph":
      return element("p", {}, ...drawInlines(block.children));
    case "heading":
      return element(`h${Math.min(6, block.level + 1)}`, {}, ...drawInlines(block.children));
    case "code":
      return element("pre", { tabIndex: 0 }, element("code", {}, block.text));
    case "quote":
      return element("blockquote", {}, ...drawBlocks(block.children));
    case "list":
      return drawList(block);
    case "table":
      return drawTable(block);
    case "rule":
      return element("hr");
    default:
      return document.createTextNode("");
  }
}

function drawList({ start, items }) {
  const entries = items.map(({ checked, children }) => {
    const box = checked === undefined ? [] : [checked ? "☑ " : "☐ "];
    // A lone paragraph needs no block of its own.
    const [only, ...others] = children;
    const inside =
      only?.type === "paragraph"
        ? [element("span", {}, ...box, ...drawInlines(only.children)), ...drawBlocks(others)]
        : [...box, ...drawBlocks(children)];
    return element("li", {}, ...inside);
  });
  if (start === null) return element("ul", {}, ...entries);
  return element("ol", { start }, ...entries);
}

function drawTable({ align, header, rows }) {
  const cell = (tag) => (inlines, index) =>
    element(tag, { class: align[index] ?? undefined, ...(tag === "th" && { scope: "col" }) }, ...drawInlines(inlines));
  const head = element("thead", {}, element("tr", {}, ...header.map(cell("th"))));
  const body = element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("td")))));
  return element(
    "div",
    { class: "wide", tabIndex: 0, role: "group", "aria-label": "Table" },
    element("table", {}, head, body),
  );
}

function drawInlines(inlines) {
  return inlines.map((inline) => {
    switch (inline.type) {
      case "text":
        return document.createTextNode(inline.text);
      case "strong":
        return element("strong", {}, ...drawInlines(inline.children));
      case "emphasis":
        return element("em", {}, ...drawInlines(inline.children));
      case "strike":
        return element("s", {}, ...drawInlines(inline.children));
      case "code":
        return element("code", {}, inline.text);
      case "break":
        return element("br");
      case "link":
        return drawLink(inline.url, drawInlines(inline.children));
      case "image":
        // Loading it would tell somebody that the page was read.
        return drawLink(inline.url, [inline.alt || inline.url]);
      default:
        return document.createTextNode("");
    }
  });
}

function drawLink(url, children) {
  const href = safeAddress(url);
  if (href === undefined) return element("span", {}, ...children);
  return element("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}
