// The line at the top: counts, what is wrong with Pharos itself, the clock;
// the banner of a configuration that was not taken; the veil over a board
// that has lost its server.

import { WORST_FIRST } from "./status.js";
import { text } from "./text.js";
import { clock as timeOfDay, count, short, stopwatch } from "./words.js";

const $ = (id) => document.getElementById(id);

export class Header {
  #counts = new Map(); // status -> element
  #heard = 0;

  constructor() {
    for (const element of document.querySelectorAll(".count")) this.#counts.set(element.dataset.status, element);
    this.#cover();
  }

  // What is scrolled to stays clear of what sticks to the top, banner and all, and
  // the panel of the header.
  #cover() {
    const top = document.querySelector(".top"), header = document.querySelector(".header"), rail = $("rail");
    const observer = new ResizeObserver(() => {
      const height = top.offsetHeight || (getComputedStyle(rail).position === "sticky" ? rail.offsetHeight : 0);
      document.documentElement.style.setProperty("--covered", `${height}px`);
      document.documentElement.style.setProperty("--header", `${header.offsetHeight}px`);
    });
    for (const element of [top, header, rail]) observer.observe(element);
  }

  counts(counts) {
    for (const status of [...WORST_FIRST, "stale", "shadow"]) {
      const element = this.#counts.get(status);
      text(element.querySelector(".n"), String(counts[status]));
      element.classList.toggle("-zero", counts[status] === 0);
    }
  }

  tag(pageTag) {
    text($("tag"), pageTag);
  }

  // config shows or takes away the banner of a configuration that is not taken.
  config({ error, generation, loaded_at }) {
    $("banner").hidden = !error;
    if (!error) return;
    const place = error.file ? `${error.file}${error.line ? `:${error.line}` : ""}: ` : "";
    text($("banner-message"), error.message.startsWith(place) ? error.message : place + error.message);
    text($("banner-old"), `generation ${generation} of ${timeOfDay(loaded_at)} goes on`);
  }

  // missing names the sets that are asked for and not there: their problems would
  // be missed without a word.
  missing(names) {
    $("missing").hidden = names.length === 0;
    text($("missing-words"), `No set is called ${names.map((name) => JSON.stringify(name)).join(" or ")}.`);
  }

  lag(lag) {
    $("lag").hidden = !lag.late;
    if (lag.late) {
      const who = lag.late_watchers > 0 ? `: ${count(lag.late_watchers, "watcher")}` : "";
      text($("lag-words"), `Pharos is late${who}, by up to ${short(lag.max)}`);
    }
  }

  // tick shows the time of day: a clock that moves proves that the browser lives.
  tick(now) {
    text($("clock"), timeOfDay(now));
  }

  heard(now) {
    this.#heard = now;
  }

  // lost: null while beats come, else {age, retryIn} in seconds.
  lost(lost, host) {
    document.documentElement.classList.toggle("-lost", lost !== null);
    text($("live-word"), lost ? "lost" : "live");
    $("stale").hidden = lost === null;
    if (!lost) return;
    text($("stale-age"), `STALE ${stopwatch(lost.age)}`);
    const since = this.#heard ? ` since ${timeOfDay(this.#heard)}` : "";
    const next = lost.retryIn > 0 ? `trying again in ${Math.ceil(lost.retryIn)} s` : "trying now";
    text($("stale-words"), `no word from pharosd${host ? ` on ${host}` : ""}${since} · ${next}`);
  }
}
