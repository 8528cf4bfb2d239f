// The problems rail: worst first, in a line of its own that is always there,
// so that a problem moves nothing on the board.

import { isStale, why } from "./face.js";
import { standing } from "./status.js";
import { oneLine, span } from "./words.js";

const MOST = 60; // items in the page; the line clips long before

export class Rail {
  #root = document.getElementById("rail");
  #list = this.#root.querySelector("ol");
  #count = document.getElementById("rail-count");
  #well = document.getElementById("rail-well");
  #template = document.getElementById("problem-template");
  #items = [];

  constructor() {
    this.#list.replaceChildren(); // the first paint's, drawn by the server
  }

  // show lists problems; total is how many tiles there are in all.
  show(problems, total, now) {
    this.#root.classList.toggle("-quiet", problems.length === 0);
    const quiet = total === 0 ? "nothing is watched" : `none · all ${total} as they should be`;
    if (this.#well.textContent !== quiet) this.#well.textContent = quiet;
    const count = problems.length ? String(problems.length) : "";
    if (this.#count.textContent !== count) this.#count.textContent = count;
    const listed = problems.slice(0, MOST);
    while (this.#items.length > listed.length) this.#items.pop().element.remove();
    listed.forEach((tile, i) => {
      const item = (this.#items[i] ??= this.#item());
      this.#fill(item, tile, now);
    });
  }

  #item() {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    this.#list.append(element);
    const find = (name) => element.querySelector(`.${name}`);
    return { element, link: element.firstElementChild, name: find("name"), word: find("word"), value: find("value"), why: find("why"), shown: {} };
  }

  #fill(item, tile, now) {
    const stale = isStale(tile, now);
    const next = {
      classes: `problem -${standing(tile)}${stale ? " -stale" : ""}`,
      href: `#/${encodeURIComponent(tile.id)}`,
      name: tile.name,
      word: stale ? "stale" : tile.status,
      value: oneLine(`${tile.value} ${tile.unit}`, 40),
      why: `${span(now - tile.since)}${why(tile, stale) ? ` · ${why(tile, stale)}` : ""}`,
    };
    if (next.classes !== item.shown.classes) item.element.className = next.classes;
    if (next.href !== item.shown.href) item.link.setAttribute("href", next.href);
    for (const key of ["name", "word", "value", "why"]) if (next[key] !== item.shown[key]) item[key].textContent = next[key];
    item.shown = next;
  }
}
