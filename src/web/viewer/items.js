// One element for each item of the timeline.
import { drawBlocks, element } from "./draw.js";

const clockForm = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayForm = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

/** A count as `950`, `12.3k`, `1.2M`. */
export function count(number) {
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 })
    .format(number)
    .replace("K", "k");
}

/** US dollars, with as many digits as it takes to see something. */
export function dollars(amount) {
  if (amount === 0) return "$0";
  return amount >= 1 ? `$${amount.toFixed(2)}` : `$${amount.toPrecision(2)}`;
}

/** A time of today as the hour, any other with its day. */
export function time(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  const shown = (today ? clockForm : dayForm).format(date);
  return element("time", { dateTime: date.toISOString(), title: dayForm.format(date) }, shown);
}

function duration(ms) {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

function size(bytes) {
  if (bytes === undefined) return "";
  const units = ["B", "KiB", "MiB", "GiB"];
  const power = Math.min(3, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${power > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

function drawFile(file) {
  const { name, bytes, ref, image, problem } = file;
  if (ref === undefined)
    return element("span", { class: "plain" }, name, element("span", { class: "size" }, problem ?? "was not kept"));
  const href = `file/${ref}`;
  if (!image) {
    return element(
      "a",
      { class: "plain", href, download: name },
      name,
      element("span", { class: "size" }, size(bytes)),
    );
  }
  const shown = element("img", { alt: name, loading: "lazy", decoding: "async" });
  // What is no image after all is offered as a file.
  shown.addEventListener("error", () => shown.closest("a")?.replaceWith(drawFile({ ...file, image: false })), {
    once: true,
  });
  shown.src = href;
  return element("a", { href, target: "_blank", rel: "noopener" }, shown);
}

function drawFiles(files) {
  if (files === undefined || files.length === 0) return [];
  return [element("ul", { class: "files" }, ...files.map((file) => element("li", {}, drawFile(file))))];
}

function meta(item, who) {
  return element("p", { class: "meta" }, element("strong", {}, who), " · ", time(item.at));
}

const drawings = {
  said(item) {
    const who = item.schedule === undefined ? item.from || "Message" : `Schedule ${item.schedule}`;
    const words = item.text === "" ? [] : [element("div", { class: "words" }, item.text)];
    return [meta(item, who), element("div", { class: "bubble" }, ...words, ...drawFiles(item.files))];
  },
  answer: (item) => [meta(item, "Agent"), element("div", { class: "prose" }, ...drawBlocks(item.blocks))],
  call(item) {
    const [sign, state, tone] =
      item.ok === undefined ? ["…", "running", ""] : item.ok ? ["✓", "done", "good"] : ["✗", "failed", "bad"];
    const head = element(
      "summary",
      {},
      element("span", { class: tone, role: "img", "aria-label": state }, sign),
      element("span", { class: "what" }, item.title || item.name),
      element("span", { class: "took" }, item.ms === undefined ? "" : duration(item.ms)),
    );
    const part = (label, text) =>
      text === undefined || text === ""
        ? []
        : [element("p", {}, label), element("pre", { tabIndex: 0, "aria-label": label }, text)];
    const inside = [...part(item.name, item.input), ...part("Result", item.output)];
    return [element("details", {}, head, element("div", { class: "inside" }, ...inside))];
  },
  file: (item) => [
    meta(item, "Agent"),
    ...(item.text ? [element("p", { class: "words" }, item.text)] : []),
    ...drawFiles([item.file]),
  ],
  question(item) {
    const states = {
      open: "waits for an answer",
      allowed: "allowed",
      denied: "denied",
      expired: "not answered in time",
    };
    const state = states[item.state] ?? "no longer asked";
    return [meta(item, `Question, ${state}`), element("div", { class: "question prose" }, ...drawBlocks(item.blocks))];
  },
  compacted(item) {
    const sizes =
      item.after === undefined ? `${count(item.before)} tokens` : `${count(item.before)} → ${count(item.after)} tokens`;
    const line = element("p", { class: "divider" }, `Earlier messages were summarised for the model: ${sizes}`);
    if (item.blocks === undefined) return [line];
    const inside = element("div", { class: "inside prose" }, ...drawBlocks(item.blocks));
    return [
      line,
      element("details", {}, element("summary", {}, element("span", { class: "what" }, "Summary")), inside),
    ];
  },
  note: (item) => [element("p", { class: "quiet" }, item.text)],
  ended(item) {
    const word = { done: "Done", stopped: "Stopped", failed: "Failed" }[item.outcome] ?? item.outcome;
    const facts = [
      item.text === undefined ? word : `${word}: ${item.text}`,
      ...(item.ms === undefined ? [] : [duration(item.ms)]),
      ...(item.tokens > 0 ? [`${count(item.tokens)} tokens`] : []),
      ...(item.costUsd > 0 ? [dollars(item.costUsd)] : []),
    ];
    return [element("p", { class: `ended ${item.outcome}` }, facts.join(" · "))];
  },
};

/** The element of an item. `onWhole` is asked for the rest of one that was cut. */
export function drawItem(item, onWhole) {
  const parts = drawings[item.kind]?.(item) ?? [];
  const entry = element(
    "li",
    { data: { id: item.id, session: item.session, kind: item.kind, ...(item.state === "open" && { open: "" }) } },
    ...parts,
  );
  if (item.cut) {
    const button = element("button", { type: "button" }, "Show all of it");
    button.addEventListener("click", () => onWhole(item.id));
    entry.append(element("p", { class: "row" }, button));
  }
  return entry;
}

/** Which of two places comes first: negative, zero or positive, as for `sort`. Entries come before turns. */
export function compare(one, other) {
  const parse = (id) => [id.startsWith("T") ? 1 : 0, ...id.slice(1).split(".").map(Number), 0, 0];
  const [a, b] = [parse(one), parse(other)];
  for (let index = 0; index < 4; index += 1) {
    if (a[index] !== b[index]) return a[index] - b[index];
  }
  return 0;
}
