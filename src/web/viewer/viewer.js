// The session page: loads the newest items, follows what happens, and loads what is scrolled to or searched for.
import { drawBlocks, element } from "./draw.js";
import { compare, count, dollars, drawItem, time } from "./items.js";

/** Items in the page at most: what is scrolled far away leaves it, and comes back when it is scrolled to. */
const shownMax = 1200;
/** So near to the end counts as being there. */
const endPx = 120;
const retryMs = 5000;

const at = (id) => document.getElementById(id);
const list = at("items");
/**
 * `older` and `newer`: where there is more; `busy`: something is being loaded; `begun`: the end was in sight.
 * @type {Record<string, any> & { older: string | null, newer: string | null }}
 */
const state = { older: null, newer: null, busy: false, stream: undefined, over: false, begun: false };

async function ask(path) {
  const response = await fetch(path, { headers: { accept: "application/json" } });
  if (response.ok) return response.json();
  const { error } = await response.json().catch(() => ({}));
  if (response.status === 404 || response.status === 401)
    end(`${error?.message ?? "This link is over"}. ${error?.hint ?? ""}`);
  throw new Error(error?.message ?? `The page got ${response.status}`);
}

function end(text) {
  state.over = true;
  state.stream?.close();
  at("over").textContent = text;
  at("over").hidden = false;
}

/** Waits for what somebody asked for; what goes wrong is said, and goes away by itself. */
function attempt(work) {
  work.catch((error) => {
    if (state.over) return;
    at("over").textContent = error instanceof TypeError ? "There is no connection at the moment" : error.message;
    at("over").hidden = false;
    setTimeout(() => (at("over").hidden = !state.over), retryMs);
  });
}

// The list

const isAtEnd = () => window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - endPx;
const toEnd = () => window.scrollTo(0, document.documentElement.scrollHeight);
const find = (id) => list.querySelector(`:scope > li[data-id="${CSS.escape(id)}"]`);

function make(item) {
  return drawItem(item, (id) => attempt(showWhole(id)));
}

async function showWhole(id) {
  const whole = await ask(`item/${id}`);
  const before = find(id);
  if (before !== null) replace(before, whole);
}

function replace(before, item) {
  const fresh = make(item);
  for (const [index, details] of [...fresh.querySelectorAll("details")].entries()) {
    details.open = before.querySelectorAll("details")[index]?.open ?? false;
  }
  before.replaceWith(fresh);
}

/** Lines between sessions, where a branch goes through several. */
function drawDividers() {
  for (const divider of list.querySelectorAll(":scope > li.fork")) divider.remove();
  let before;
  for (const entry of list.children) {
    const { session } = entry.dataset;
    if (before !== undefined && session !== before) {
      const text = `${session} begins here, forked from ${before}`;
      entry.before(element("li", { class: "fork", data: { session } }, element("p", { class: "divider" }, text)));
    }
    before = session;
  }
}

/** Takes far items out at one end; what is missing there can be loaded again. */
function trim(fromEnd, max = shownMax) {
  if (list.children.length <= max) return;
  while (list.children.length > shownMax) {
    (fromEnd ? list.lastElementChild : list.firstElementChild).remove();
  }
  const kept = [...list.querySelectorAll(":scope > li[data-id]")].at(fromEnd ? -1 : 0);
  state[fromEnd ? "newer" : "older"] = kept.dataset.id;
}

function drawEdges() {
  at("older-row").hidden = state.older === null;
  at("newer-row").hidden = state.newer === null;
  at("empty").hidden = list.children.length > 0;
  at("newest").hidden = state.newer === null && isAtEnd();
}

/** Loads a page at the top or at the bottom and keeps what is read where it is. */
async function extend(older) {
  const place = older ? state.older : state.newer;
  if (place === null || state.busy) return;
  state.busy = true;
  try {
    const page = await ask(`timeline?${older ? "before" : "after"}=${place}`);
    const entries = page.items.map(make);
    const anchor = older ? list.firstElementChild : list.lastElementChild;
    const top = anchor?.getBoundingClientRect().top ?? 0;
    if (older) list.prepend(...entries);
    else list.append(...entries);
    state[older ? "older" : "newer"] = older ? page.older : page.newer;
    trim(older);
    drawDividers();
    if (!older && page.newer === null) follow(page.last);
    if (anchor?.isConnected) window.scrollBy(0, anchor.getBoundingClientRect().top - top);
  } finally {
    state.busy = false;
    drawEdges();
  }
}

/** Shows another part of the timeline instead of what is there. */
async function show(query) {
  const page = await ask(`timeline?${query}`);
  list.replaceChildren(...page.items.map(make));
  Object.assign(state, { older: page.older, newer: page.newer });
  drawDividers();
  drawEdges();
  // What happened while it was on its way comes with the stream that goes on behind it.
  if (page.newer === null) follow(page.last);
}

async function showNewest() {
  await show("");
  toEnd();
}

async function showPlace(id) {
  if (find(id) === null) await show(`around=${id}`);
  const entry = find(id);
  for (const other of list.querySelectorAll(".here")) other.classList.remove("here");
  if (entry === null) return;
  entry.classList.add("here");
  for (const details of entry.querySelectorAll("details")) details.open = true;
  entry.scrollIntoView({ block: "center" });
  entry.tabIndex = -1;
  entry.focus({ preventScroll: true });
  drawEdges();
}

/** An item that is new, or that changed. */
function take(item) {
  const before = find(item.id);
  if (before !== null) return replace(before, item);
  // The end is not in the page: it is loaded when somebody goes there.
  if (state.newer !== null) return;
  const last = list.lastElementChild?.dataset.id;
  if (last !== undefined && compare(item.id, last) < 0) return;
  const follows = isAtEnd();
  list.append(make(item));
  drawDividers();
  if (follows) {
    trim(false);
    toEnd();
  } else {
    // Somebody reads further up while much happens: the end is loaded when they come back to it.
    trim(true, shownMax * 2);
  }
  drawEdges();
  if (item.kind === "answer") at("news").textContent = "A new answer is there";
}

// Above the list

function drawAbout(about) {
  const title = about.title || "Untitled";
  at("title").textContent = title;
  document.title = `${title} · ${about.session}`;
  const facts = [about.session, about.model, ...(state.used ?? [])];
  const live = about.running ? [element("span", { class: "live" }, "working"), " · "] : [];
  at("facts").replaceChildren(...live, facts.join(" · "));
  const named = ({ session, title: name }) => (name ? `${session} “${name}”` : session);
  const relatives = [
    ...(about.parent === undefined ? [] : [`Forked from ${named(about.parent)}.`]),
    ...(about.forks.length === 0 ? [] : [`Forks: ${about.forks.map(named).join(", ")}.`]),
  ];
  at("relatives").textContent = relatives.join(" ");
  at("relatives").hidden = relatives.length === 0;
  at("forming").hidden = !about.running;
  state.about = about;
}

/** An answer is no event of its own: the turn goes on, and what was open may not be so any more. */
async function lookAtQuestions() {
  for (const question of list.querySelectorAll(":scope > li[data-open]")) {
    const item = await ask(`item/${question.dataset.id}`);
    if (item.state !== "open" && question.isConnected) replace(question, item);
  }
}

async function drawUsed() {
  const { turns, tokens, costUsd } = await ask("used");
  state.used = [
    `${count(turns)} ${turns === 1 ? "turn" : "turns"}`,
    ...(tokens > 0 ? [`${count(tokens)} tokens`] : []),
    ...(costUsd > 0 ? [dollars(costUsd)] : []),
  ];
  if (state.about !== undefined) drawAbout(state.about);
}

function drawForming({ turn, thinking, blocks, output }) {
  const follows = isAtEnd();
  at("forming").hidden = turn === null;
  at("forming-text").replaceChildren(...drawBlocks(blocks));
  at("forming-output").textContent = output;
  at("forming-output").hidden = output === "";
  at("forming-what").textContent = thinking ? "Thinking" : "Working";
  if (follows && state.newer === null) toEnd();
}

// What happens

function follow(after) {
  state.stream?.close();
  const stream = new EventSource(after === null ? "events" : `events?after=${after}`);
  state.stream = stream;
  state.last = after;
  const on = (name, work) =>
    stream.addEventListener(name, ({ data, lastEventId }) => {
      if (lastEventId !== "") state.last = lastEventId;
      work(JSON.parse(data));
    });
  on("item", take);
  on("forming", drawForming);
  on("state", (about) => {
    const ended = state.about?.running && !about.running;
    drawAbout(about);
    if (ended) attempt(drawUsed());
    attempt(lookAtQuestions());
  });
  on("reset", () => attempt(showNewest()));
  on("closed", () => end("This page is over. Write /session in the chat for a new link."));
  stream.addEventListener("error", () => {
    // The browser comes again by itself, unless it was refused.
    if (stream.readyState !== EventSource.CLOSED || state.over || state.stream !== stream) return;
    // Why is said to whoever asks in another way; when that works, it was a matter of the moment.
    attempt(ask("about"));
    setTimeout(() => !state.over && attempt(showNewest()), retryMs);
  });
}

// Search

/** @type {{ words: string, more: string | null, run: number }} */
const search = { words: "", more: null, run: 0 };

async function searchOn() {
  const run = search.run;
  at("more-hits").hidden = true;
  let found = 0;
  do {
    const before = search.more === null ? "" : `&before=${search.more}`;
    const { hits, more } = await ask(`search?q=${encodeURIComponent(search.words)}${before}`);
    if (run !== search.run) return;
    found += hits.length;
    search.more = more;
    at("hits").append(...hits.map(drawHit));
    at("found-state").textContent = more === null ? "" : "Searching further back…";
    // One screen of hits is enough at a time; a session without any is searched to its beginning.
  } while (search.more !== null && found < 30);
  const hits = at("hits").children.length;
  at("found-state").textContent =
    hits === 0 ? "Nothing was found" : `${hits} found${search.more === null ? "" : " so far"}`;
  at("more-hits").hidden = search.more === null;
}

function drawHit(hit) {
  const button = element("button", { type: "button" }, time(hit.at), hit.excerpt);
  button.addEventListener("click", () => attempt(showPlace(hit.id)));
  return element("li", {}, button);
}

function closeSearch() {
  search.run += 1;
  at("found").hidden = true;
  at("query").value = "";
}

// Buttons and keys

at("search-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = at("query").value.trim();
  if (words === "") return closeSearch();
  Object.assign(search, { words, more: null, run: search.run + 1 });
  at("hits").replaceChildren();
  at("found").hidden = false;
  attempt(searchOn());
});
at("more-hits").addEventListener("click", () => attempt(searchOn()));
at("close-hits").addEventListener("click", () => {
  closeSearch();
  at("query").focus();
});
at("older").addEventListener("click", () => attempt(extend(true)));
at("newer").addEventListener("click", () => attempt(extend(false)));
at("first").addEventListener("click", () => attempt(show("first=1").then(() => window.scrollTo(0, 0))));
at("newest").addEventListener("click", () => (state.newer === null ? toEnd() : attempt(showNewest())));
at("print").addEventListener("click", () => window.print());
at("theme").addEventListener("click", () => {
  const dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  setTheme(now === "dark" ? "light" : "dark");
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !at("found").hidden) closeSearch();
  const typing = event.target instanceof HTMLInputElement;
  if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  at("query").focus();
});
// A browser keeps few connections to one place: a page that nobody sees leaves its own to others.
document.addEventListener("visibilitychange", () => {
  if (state.over || state.last === undefined) return;
  if (document.hidden) state.stream?.close();
  else follow(state.last);
});
window.addEventListener("beforeprint", () => {
  for (const details of list.querySelectorAll("details")) details.open = true;
});
window.addEventListener("scroll", drawEdges, { passive: true });

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("remoteagent-theme", name);
}

const kept = localStorage.getItem("remoteagent-theme");
if (kept === "light" || kept === "dark") setTheme(kept);

// The first look

const edges = new IntersectionObserver(
  (seen) => {
    if (!state.begun) return;
    for (const { isIntersecting, target } of seen) {
      if (isIntersecting) attempt(extend(target === at("older-row")));
    }
  },
  { rootMargin: "1200px 0px" },
);

const [about] = await Promise.all([ask("about"), showNewest()]);
drawAbout(about);
performance.mark("interactive");
await drawUsed();
// Only once the newest is in sight does the other end count as scrolled to.
requestAnimationFrame(() => {
  state.begun = true;
  edges.observe(at("older-row"));
  edges.observe(at("newer-row"));
});
