// The panel beside the board: one watcher, living. What the tile's data holds
// is shown at once; the rest is fetched when its tile changes, at most twice a
// second, and until it comes. The address carries the open one: /#/id.

import { block, transitions, vantages, waterfall } from "./evidence.js";
import { amount, isStale } from "./face.js";
import { kin } from "./kin.js";
import { report, toClipboard } from "./report.js";
import { standing } from "./status.js";
import { text } from "./text.js";
import { times } from "./times.js";
import { every } from "./words.js";

const FETCH_EVERY = 500; // milliseconds
const RETRY_MAX = 8000; // milliseconds between attempts, at most
const ANSWER_WITHIN = 10_000; // milliseconds

export class Detail {
  #root = document.getElementById("detail");
  #parts = {};
  #model;
  #clock;
  #full = null; // what /api/watchers/ID last said
  #asked = null; // the last question, until the next may be asked: {again}
  #failures = 0;
  #id = null;
  #settled;

  // settled(id) is called after the panel opened, moved to another watcher or
  // closed (null).
  constructor(model, clock, settled) {
    this.#model = model;
    this.#clock = clock;
    this.#settled = settled;
    for (const element of this.#root.querySelectorAll("[data-part]")) this.#parts[element.dataset.part] = element;
    this.#parts.close.addEventListener("click", () => this.close());
    this.#parts.copy.addEventListener("click", () => this.#copy());
    addEventListener("hashchange", () => this.follow());
    addEventListener("popstate", () => this.follow());
    document.addEventListener("click", (event) => this.#clicked(event));
  }

  get id() {
    return this.#id;
  }

  close() {
    if (this.#id !== null) this.#go("");
  }

  // A link to a tile opens it here: following it the browser's way would take
  // the focus from it and jump. One to what is open goes into the panel.
  #clicked(event) {
    const link = event.target.closest('a[href^="#/"]');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (idOf(link.hash) === this.#id) this.focus();
    else this.#go(link.getAttribute("href"));
  }

  #go(hash) {
    history.pushState(null, "", location.pathname + location.search + hash);
    this.follow();
  }

  get coversAll() {
    return this.#root.offsetWidth >= document.documentElement.clientWidth;
  }

  focus() {
    this.#parts.name.focus();
  }

  contains(element) {
    return this.#root.contains(element);
  }

  // follow shows what the address asks for.
  follow() {
    const id = idOf(location.hash);
    if (id === this.#id) return;
    const left = this.#id, within = this.contains(document.activeElement), selection = getSelection();
    if (selection.containsNode(this.#root, true)) selection.removeAllRanges(); // it would hold the other's text
    this.#id = id;
    this.#full = this.#asked = null;
    this.#failures = 0;
    this.#root.hidden = id === null;
    document.documentElement.classList.toggle("-detail", id !== null);
    this.#root.scrollTop = 0;
    this.#parts.copy.textContent = "Copy";
    if (id !== null) {
      this.show();
      this.#fetch();
    }
    this.#settled(id);
    // Who was within goes on at the top of what is shown now, or where it was opened;
    // behind a panel that covers all, nobody sees the focus.
    if (id === null && within) document.getElementById(`/${left}`)?.firstElementChild.focus();
    else if (id !== null && (within || this.coversAll)) this.focus();
  }

  // changed tells of tiles that changed.
  changed(ids) {
    if (this.#id !== null && ids.includes(this.#id)) {
      this.show();
      this.#fetch();
    }
  }

  async #fetch() {
    const id = this.#id;
    if (!this.#model.tiles.has(id)) return;
    if (this.#asked) {
      this.#asked.again = true;
      return;
    }
    const asked = (this.#asked = { again: false });
    const full = await fetch(`api/watchers/${encodeURIComponent(id)}`, { cache: "no-store", signal: AbortSignal.timeout(ANSWER_WITHIN) })
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null);
    if (asked !== this.#asked) return; // another one is open, or none
    if (full) {
      this.#full = full;
      this.show();
    }
    this.#failures = full ? 0 : this.#failures + 1;
    setTimeout(() => {
      if (asked !== this.#asked) return;
      this.#asked = null;
      if (asked.again || !full) this.#fetch();
    }, Math.min(RETRY_MAX, FETCH_EVERY * 2 ** this.#failures));
  }

  // show draws what is known now; called when something changed and each second.
  show() {
    if (this.#id === null) return;
    const now = this.#clock.known(), parts = this.#parts;
    const tile = this.#model.tiles.get(this.#id);
    parts.gone.hidden = Boolean(tile);
    parts.body.hidden = !tile;
    parts.copy.hidden = !tile;
    text(parts.name, tile?.name ?? this.#id);
    if (!tile) return;
    const full = this.#full?.id === tile.id ? this.#full : null;
    const stale = isStale(tile, now);
    parts.status.className = `status -${standing(tile)}${stale ? " -stale" : ""}`;
    text(parts.word, stale ? `stale, was ${tile.status}` : tile.status + (tile.shadow ? `, in the shadow of ${tile.shadow}` : ""));
    const pace = tile.events ? "by events" : tile.interval > 0 ? `every ${every(tile.interval)}` : "derived";
    text(parts.where, whole([tile.id, place(full?.source), pace].filter(Boolean).join(" · ")));
    const { value, unit } = amount(tile);
    text(parts.value, value || "–");
    text(parts.unit, unit);
    text(parts.times, whole(times(tile, now)));
    this.#evidence(tile, full);
    vantages(parts, tile.cells ?? []);
    waterfall(parts, tile.timing);
    kin(parts, this.#model, full);
    transitions(parts, full?.transitions ?? [], now);
  }

  #evidence(tile, full) {
    const parts = this.#parts, { error, detail } = tile;
    block(parts.error, error ? error.message : "");
    text(parts["error-kind"], error ? [error.kind, error.phase && `in ${error.phase}`, place(error)].filter(Boolean).join(" · ") : "");
    block(parts.trace, full?.trace ?? "");
    block(parts.detail, detail === error?.message ? "" : detail);
    block(parts.output, full?.output ?? "");
    block(parts.log, (full?.log ?? []).join("\n"));
    block(parts.source, (full?.source_lines ?? []).map((l) => `${String(l.line).padStart(4)} ${l.line === full.source_at?.line ? "▸" : " "} ${l.text}`).join("\n"));
    const link = webLink(tile.link);
    parts.link.hidden = !link;
    if (link) {
      parts.link.href = link;
      text(parts.link, link);
    }
  }

  async #copy() {
    const tile = this.#model.tiles.get(this.#id);
    if (!tile) return;
    const done = await toClipboard(report({ ...this.#full, ...tile }, this.#clock.known()));
    this.#parts.copy.textContent = done ? "Copied" : "Not allowed here";
    setTimeout(() => (this.#parts.copy.textContent = "Copy"), 2000);
  }
}

// idOf reads "#/id", as links here are written, and "#id", as people write them.
function idOf(hash) {
  const id = hash.replace(/^#\/?/, "");
  if (id === "") return null;
  try {
    return decodeURIComponent(id);
  } catch {
    return id;
  }
}

const place = (at) => (at?.file ? `${at.file}${at.line ? `:${at.line}` : ""}` : "");

// whole keeps the words between two dots on one line: a number stays with its unit.
const whole = (line) => line.split(" · ").map((words) => words.replaceAll(" ", "\u00a0")).join(" · ");

// webLink lets through what a browser may open, and nothing that it would run.
function webLink(link) {
  return /^https?:\/\//i.test(link ?? "") ? link : "";
}
